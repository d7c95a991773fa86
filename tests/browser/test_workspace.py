"""The workspace in a browser: every page is accessible, the editor works in place, and all of it without scripts."""

from __future__ import annotations

import contextlib
import os
import re
import urllib.error
import urllib.request
from typing import Any

import pytest
from django_tenants.utils import schema_context, tenant_context

from accounts.models import User
from tenants import services as tenants
from tenants.models import Jurisdiction, Role
from tenants.plans import selectors, services
from tenants.plans.models import Action, ImportJob
from tests.browser.axe import assert_accessible, assert_no_sideways_scroll
from tests.browser.conftest import NARROW, WIDE, Site
from tests.browser.people import sign_in
from tests.plans.test_import import SHEET
from tests.plans.test_sheets_samples import DATA

PHRASE = "seven quiet green rivers"
SAMPLE = "marrow-bend-plan.xlsx"


@pytest.fixture(scope="module")
def riverton_site(site: Site) -> Site:
    """Riverton with a plan, a conflict to decide, one retired action and a coordinator."""
    with schema_context("public"):
        rosa = User.objects.create_user(
            "rosa@riverton.example", PHRASE, first_name="Rosa", last_name="Delgado"
        )
        place = Jurisdiction.objects.get(slug="riverton")
        tenants.affiliate(rosa, place, roles=[Role.COORDINATOR], by=None)
    with tenant_context(place):
        services.import_sheet(filename=SAMPLE, content=(DATA / SAMPLE).read_bytes(), by=rosa)
        services.import_sheet(filename="streets.csv", content=SHEET.encode(), by=rosa)
        services.edit_action(
            Action.objects.get(title="Repair the lights"), by=rosa, title="Repair all lights"
        )
        services.retire(Action.objects.in_plan_order().first(), by=rosa, reason="Done by the state.")
        changed = SHEET.replace("Repair the lights", "Repair the street lights").replace(
            "June 2027", "July 2027"
        )
        services.upload_sheet(filename="streets-2.csv", content=changed.encode(), by=rosa)
        services.upload_sheet(filename="odd.csv", content=b"Xyz,Abc\nPaint crossings,Public Works\n", by=rosa)
    asked = urllib.request.Request(f"http://127.0.0.1:{site.port}/", headers={"Host": "riverton.localhost"})
    with contextlib.suppress(
        urllib.error.HTTPError
    ):  # the first answer takes longest: it is not the browser's
        urllib.request.urlopen(asked, timeout=60).close()  # noqa: S310
    return site


def pages() -> dict[str, str]:
    place = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(place):
        action = Action.objects.in_plan_order().filter(retired_at=None).first()
        done, check = (
            ImportJob.objects.filter(state=state).order_by("pk").first() for state in ("committed", "checked")
        )
        columns = ImportJob.objects.order_by("pk").last()
        goal, outcome = action.outcome.goal, action.outcome
    return {
        "first": "/workspace/",
        "updates": "/workspace/updates/",
        "editor": "/workspace/plan/",
        "about": "/workspace/plan/about/",
        "retired": "/workspace/plan/retired/",
        "goal": f"/workspace/plan/goals/{goal.uuid}/",
        "outcome": f"/workspace/plan/outcomes/{outcome.uuid}/",
        "add-action": f"/workspace/plan/outcomes/{outcome.uuid}/add/",
        "action": f"/workspace/plan/actions/{action.code}/",
        "progress": f"/workspace/plan/actions/{action.code}/progress/",
        "action-history": f"/workspace/plan/actions/{action.code}/history/",
        "retire": f"/workspace/plan/action/{action.uuid}/retire/",
        "publish": "/workspace/plan/publish/",
        "unpublish": "/workspace/plan/unpublish/",
        "adopt": "/workspace/plan/adopt/",
        "history": "/workspace/history/",
        "imports": "/workspace/import/",
        "check": f"/workspace/import/{check.pk}/",
        "check-look": f"/workspace/import/{check.pk}/?show=look",
        "columns": f"/workspace/import/{columns.pk}/columns/",
        "done": f"/workspace/import/{done.pk}/",
        "settings": "/workspace/settings/",
    }


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["1280", "320"])
def test_every_page_of_the_workspace_is_accessible(
    riverton_site: Site, new_person: Any, viewport: Any
) -> None:
    page = new_person(viewport=viewport)
    sign_in(page, riverton_site.url("riverton", "/workspace/"), "rosa@riverton.example", PHRASE)
    told: list[str] = []
    for name, path in pages().items():
        complaints: list[str] = []
        page.on(
            "console",
            lambda message, kept=complaints: kept.append(message.text) if message.type == "error" else None,
        )
        assert page.goto(riverton_site.url("riverton", path)).status == 200, path
        if folder := os.environ.get("PORTAL_LOOK"):
            page.screenshot(path=f"{folder}/{name}-{viewport['width']}.png", full_page=True)
        for check in (assert_accessible, assert_no_sideways_scroll):
            try:
                check(page)
            except AssertionError as error:
                told.append(f"{name}: {error}")
        told += [f"{name}: {text}" for text in complaints]
    assert not told, "\n".join(told)


def test_a_running_citys_home_is_accessible(riverton_site: Site, new_person: Any) -> None:
    place = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(place):
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    for viewport in (WIDE, NARROW):
        page = new_person(viewport=viewport)
        sign_in(page, riverton_site.url("riverton", "/workspace/"), "rosa@riverton.example", PHRASE)
        page.get_by_role("heading", name="Plan health").wait_for()
        if folder := os.environ.get("PORTAL_LOOK"):
            page.screenshot(path=f"{folder}/home-{viewport['width']}.png", full_page=True)
        assert_accessible(page)
        assert_no_sideways_scroll(page)


def test_an_action_is_edited_in_place_and_reported_on(
    riverton_site: Site, new_person: Any, scripts: bool
) -> None:
    page = new_person(scripts=scripts)
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
        assert_accessible(page)
    row.get_by_role("link", name=re.compile("^Update")).click()
    page.locator("label").filter(has_text="Off track").click()
    page.get_by_label("What happened?").fill("The paint did not come.")
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


def test_a_part_moves_by_a_button(riverton_site: Site, new_person: Any, scripts: bool) -> None:
    page = new_person(scripts=scripts)
    sign_in(page, riverton_site.url("riverton", "/workspace/plan/"), "rosa@riverton.example", PHRASE)
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        outcome = Action.objects.get(title="Paint forty crossings").outcome
        before = list(outcome.actions.order_by("position").values_list("pk", flat=True))
        first = Action.objects.get(pk=before[0])
    page.locator(f"#action-{first.code}").get_by_role("button", name=re.compile("Move down")).click()
    page.locator(".o-act").last.locator(f"xpath=self::*[@id='action-{first.code}']").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert list(outcome.actions.order_by("position").values_list("pk", flat=True)) == before[::-1]
