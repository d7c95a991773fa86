"""The workspace in a browser: every page is accessible, and the editor works in place and without scripts."""

from __future__ import annotations

import contextlib
import re
import urllib.error
import urllib.request
from typing import Any

import pytest
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from accounts.models import User
from tenants.models import Jurisdiction, Role
from tenants.people import affiliations
from tenants.plans import imports, selectors, services
from tenants.plans.models import Action, ImportJob
from tests.browser.axe import WIDE, assert_accessible, assert_accessible_and_responsive
from tests.browser.conftest import Site
from tests.browser.sign_in import sign_in
from tests.plans.sample_sheets import DATA
from tests.plans.test_import import SHEET

PHRASE = "seven quiet green rivers"
SAMPLE = "marrow-bend-plan.xlsx"


@pytest.fixture(scope="module")
def riverton_site(site: Site) -> Site:
    """Riverton with a plan, a conflict to decide, one retired action and a coordinator."""
    with schema_context("public"):
        rosa = User.objects.create_user(
            "rosa@riverton.example", PHRASE, first_name="Rosa", last_name="Delgado"
        )
        jurisdiction = Jurisdiction.objects.get(slug="riverton")
        affiliations.affiliate(rosa, jurisdiction, roles=[Role.COORDINATOR], by=None)
    with tenant_context(jurisdiction):
        imports.import_sheet(filename=SAMPLE, content=(DATA / SAMPLE).read_bytes(), by=rosa)
        imports.import_sheet(filename="streets.csv", content=SHEET.encode(), by=rosa)
        services.edit_action(
            Action.objects.get(title="Repair the lights"), by=rosa, title="Repair all lights"
        )
        services.retire(Action.objects.in_plan_order().first(), by=rosa, reason="Done by the state.")
        changed = SHEET.replace("Repair the lights", "Repair the street lights").replace(
            "June 2027", "July 2027"
        )
        imports.upload_sheet(filename="streets-2.csv", content=changed.encode(), by=rosa)
        imports.upload_sheet(filename="odd.csv", content=b"Xyz,Abc\nPaint crossings,Public Works\n", by=rosa)
    request = urllib.request.Request(f"http://127.0.0.1:{site.port}/", headers={"Host": "riverton.localhost"})
    with contextlib.suppress(urllib.error.HTTPError):  # the first response takes longest: not in the browser
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310
    return site


def pages() -> list[str]:
    """Pages that test_sample_pages does not open, or not for a draft: forms and the steps of an import."""
    jurisdiction = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(jurisdiction):
        action = Action.objects.in_plan_order().filter(retired_at=None).first()
        done, check = (
            ImportJob.objects.filter(state=state).order_by("pk").first() for state in ("committed", "checked")
        )
        columns = ImportJob.objects.order_by("pk").last()
        goal, outcome = action.outcome.goal, action.outcome
    return [
        "/workspace/",
        "/workspace/plan/publish/",
        "/workspace/import/",
        "/workspace/plan/about/",
        "/workspace/plan/retired/",
        f"/workspace/plan/goals/{goal.uuid}/",
        f"/workspace/plan/outcomes/{outcome.uuid}/",
        f"/workspace/plan/outcomes/{outcome.uuid}/add/",
        f"/workspace/plan/actions/{action.code}/",
        f"/workspace/plan/actions/{action.code}/progress/",
        f"/workspace/plan/actions/{action.code}/history/",
        f"/workspace/plan/action/{action.uuid}/retire/",
        "/workspace/plan/unpublish/",
        "/workspace/plan/adopt/",
        f"/workspace/import/{check.pk}/",
        f"/workspace/import/{check.pk}/?show=look",
        f"/workspace/import/{columns.pk}/columns/",
        f"/workspace/import/{done.pk}/",
    ]


def test_editing_and_import_pages_are_accessible(riverton_site: Site, new_page: Any) -> None:
    page = new_page()
    sign_in(page, riverton_site.url("riverton", "/workspace/"), "rosa@riverton.example", PHRASE)
    errors: list[str] = []
    page.on(
        "console",
        lambda message: errors.append(f"{page.url}: {message.text}") if message.type == "error" else None,
    )
    for path in pages():
        page.set_viewport_size(WIDE)
        assert page.goto(riverton_site.url("riverton", path)).status == 200, path
        try:
            assert_accessible_and_responsive(page)
        except AssertionError as error:
            errors.append(f"{path}: {error}")
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_reason_for_an_import_into_an_adopted_plan_is_asked_for(
    riverton_site: Site, new_page: Any, scripts: bool
) -> None:
    page = new_page(scripts=scripts)
    sign_in(page, riverton_site.url("riverton", "/workspace/"), "rosa@riverton.example", PHRASE)
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        check = ImportJob.objects.filter(state="checked").earliest("pk")
        plan = selectors.current_plan()
        services.adopt(plan, on=timezone.localdate(), body="City Council", by=None)
        try:
            page.goto(riverton_site.url("riverton", f"/workspace/import/{check.pk}/"))
            page.get_by_role("button", name=re.compile(r"Import \d+ actions")).click()
            page.get_by_role("link", name="Reason for these changes").wait_for()
            if scripts:
                assert_accessible_and_responsive(page)
            assert (
                page.get_by_role("textbox", name="Reason for these changes").get_attribute("required") == ""
            )
            assert ImportJob.objects.get(pk=check.pk).state == "checked"
        finally:
            type(plan).objects.filter(pk=plan.pk).update(lifecycle=plan.lifecycle, adopted_on=None)


def test_the_home_of_a_launched_city_is_accessible(riverton_site: Site, new_page: Any) -> None:
    jurisdiction = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(jurisdiction):
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    page = new_page()
    sign_in(page, riverton_site.url("riverton", "/workspace/"), "rosa@riverton.example", PHRASE)
    page.get_by_role("heading", name="Plan health").wait_for()
    assert_accessible_and_responsive(page)


def test_an_action_is_edited_in_place_and_reported_on(
    riverton_site: Site, new_page: Any, scripts: bool
) -> None:
    page = new_page(scripts=scripts)
    sign_in(page, riverton_site.url("riverton", "/workspace/plan/"), "rosa@riverton.example", PHRASE)
    row = page.locator(".o-act").filter(has_text="Paint forty crossings")
    row.get_by_role("link", name=re.compile("^Edit")).click()
    page.get_by_label("Resources").fill(f"One crew, scripts {scripts}")
    if scripts:
        assert page.url.endswith("/workspace/plan/")
        assert_accessible(page)
        page.get_by_label("Start").fill("soonish")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("“soonish” is not a date").first.wait_for()
        assert_accessible(page)
        page.get_by_label("Start").fill("")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: Paint forty crossings").wait_for()
    if scripts:
        assert page.url.endswith("/workspace/plan/")
        assert_accessible_and_responsive(page)
        page.set_viewport_size(WIDE)
    row.get_by_role("link", name=re.compile("^Update")).click()
    page.locator("label").filter(has_text="Off track").click()
    page.get_by_label("What happened?").fill(f"The paint did not come ({scripts}).")
    page.get_by_label("What is in the way?").fill("")
    page.get_by_role("button", name="Save the update").click()
    page.get_by_text("needs a reason").first.wait_for()
    if scripts:
        assert_accessible(page)
    page.get_by_label("What is in the way?").fill("The order was late.")
    page.get_by_label("What is next?").fill("Paint in May.")
    page.get_by_role("button", name="Save the update").click()
    page.get_by_text("is saved").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        action = Action.objects.get(title="Paint forty crossings")
        assert action.resources == f"One crew, scripts {scripts}"
        assert action.status == "off_track"


def test_an_action_moves_by_a_button(riverton_site: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    sign_in(page, riverton_site.url("riverton", "/workspace/plan/"), "rosa@riverton.example", PHRASE)
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        outcome = Action.objects.get(title="Paint forty crossings").outcome
        before = list(outcome.actions.order_by("position").values_list("pk", flat=True))
        first = Action.objects.get(pk=before[0])
    page.locator(f"#action-{first.code}").get_by_role("button", name=re.compile("Move down")).click()
    page.locator(".o-act").last.locator(f"xpath=self::*[@id='action-{first.code}']").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert list(outcome.actions.order_by("position").values_list("pk", flat=True)) == before[::-1]
