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
from tests.browser.keyboard import focused, press, tab_to
from tests.browser.page_templates import shows_to_axe
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
        f"/workspace/plan/?edit={action.code}",
        "/workspace/plan/?q=the",
        "/workspace/plan/?missing=better_off",
        f"/workspace/plan/several/?a={action.code}",
        f"/workspace/plan/actions/{action.code}/",
        f"/workspace/plan/actions/{action.code}/merge/",
        f"/workspace/plan/action/{action.uuid}/move-to/",
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


@shows_to_axe(
    "plans/plan_item_form.html",
    "plans/retired.html",
    "plans/action_form.html",
    "plans/edit_several.html",
    "plans/merge.html",
    "plans/move_to.html",
    "plans/progress_form.html",
    "plans/retire.html",
    "plans/unpublish.html",
    "plans/adopt.html",
    "plans/import_check.html",
    "plans/import_columns.html",
    "plans/import_done.html",
)
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
        own = SHEET
        for text in ("Fair streets", "Crossings are safe", "Paint forty crossings", "Repair the lights"):
            own = own.replace(text, f"{text} once more {scripts}")
        imports.import_sheet(filename="own.csv", content=own.encode(), by=None)
        changed = own.replace("June 2027", "July 2027").encode()
        check = imports.upload_sheet(filename="own.csv", content=changed, by=None)
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


def action_named(title: str) -> Action:
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        return Action.objects.select_related("outcome").get(title=title)


def open_at(page: Any, site: Site, action: Action) -> Any:
    """The editor with the goal of this action open; returns its row."""
    address = site.url("riverton", f"/workspace/plan/?at={action.code}")
    sign_in(page, address, "rosa@riverton.example", PHRASE)
    return page.locator(f"#action-{action.code}")


def test_an_action_is_edited_in_place_and_reported_on(
    riverton_site: Site, new_page: Any, scripts: bool
) -> None:
    page = new_page(scripts=scripts)
    action = action_named("Paint forty crossings")
    row = open_at(page, riverton_site, action)
    row.get_by_role("link", name=re.compile("^Edit")).click()
    page.get_by_label("Responsible").fill(f"Streets, scripts {scripts}")
    if scripts:
        assert page.url.endswith(f"?at={action.code}")
        assert_accessible(page)
        page.get_by_label("Due", exact=True).fill("soonish")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("“soonish” is not a date").first.wait_for()
        assert_accessible(page)
        page.get_by_label("Due", exact=True).fill("June 2027")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: Paint forty crossings").wait_for()
    if scripts:
        assert page.url.endswith(f"?at={action.code}")
        assert_accessible_and_responsive(page)
        page.set_viewport_size(WIDE)
    row.locator(".rowmenu > summary").click()
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
    action = action_named("Paint forty crossings")
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert str(action.accountable) == f"Streets, scripts {scripts}"
    assert action.status == "off_track"


def test_an_action_moves_by_a_button(riverton_site: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        goal = Action.objects.get(title="Paint forty crossings").outcome.goal
        outcome = services.add_outcome(goal, by=None, title=f"Moves, {scripts}")
        first = services.add_action(outcome, by=None, title="Move the first")
        services.add_action(outcome, by=None, title="Move the second")
        before = list(outcome.actions.order_by("position").values_list("pk", flat=True))
    row = open_at(page, riverton_site, first)
    row.locator(".rowmenu > summary").click()
    row.get_by_role("button", name=re.compile("Move down")).click()
    page.get_by_text("Moved to position 2 of 2").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert list(outcome.actions.order_by("position").values_list("pk", flat=True)) == before[::-1]


def test_the_editor_by_keyboard_alone(riverton_site: Site, new_page: Any) -> None:
    """Edit in place, save, cancel, move by one and by five: the focus stays, and each step is said."""
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        goal = Action.objects.get(title="Paint forty crossings").outcome.goal
        outcome = services.add_outcome(goal, by=None, title="Moved by keyboard")
        for number in range(8):
            services.add_action(outcome, by=None, title=f"Keyboard step {number}")
    action = action_named("Keyboard step 2")
    page = new_page()
    sign_in(page, riverton_site.url("riverton", "/workspace/plan/"), "rosa@riverton.example", PHRASE)
    goal = page.locator(f"#goal-{outcome.goal_id} > summary")
    while not goal.evaluate("summary => summary === document.activeElement"):
        press(page, "Tab")
    press(page, "Enter")  # unfolds the goal, and the address remembers it
    page.wait_for_url("**/workspace/plan/?goal=*")
    page.reload()
    assert page.locator("details.pgroup[open]").count() == 1
    assert page.locator(f"#goal-{outcome.goal_id}[open]").count() == 1
    page.goto(riverton_site.url("riverton", f"/workspace/plan/?at={action.code}#action-{action.code}"))
    page.locator("a:focus", has_text="Edit").wait_for()
    assert focused(page) == f"Edit, {action}"  # the page was opened at this action
    status = page.locator("#toast")

    page.keyboard.press("Enter")
    page.get_by_label("Responsible").wait_for()
    page.locator("[name=accountable]:focus").wait_for()
    page.keyboard.type("Streets")
    press(page, "Tab")
    page.keyboard.type("June 2028")
    press(page, "Enter")
    status.get_by_text(f"Saved: {action}").wait_for()
    page.locator("a:focus", has_text="Edit").wait_for()
    assert focused(page) == f"Edit, {action}"

    press(page, "Enter")
    page.locator("[name=accountable]:focus").wait_for()
    page.keyboard.type("nothing of this")
    press(page, "Tab", "Tab", "Tab", "Tab", "Tab", "Tab")
    assert focused(page) == "Cancel"
    press(page, "Enter")
    status.get_by_text(f"Nothing was changed: {action}").wait_for()
    page.locator("a:focus", has_text="Edit").wait_for()
    assert focused(page) == f"Edit, {action}"

    press(page, "Tab", "Enter")  # the menu
    tab_to(page, "Move down")
    press(page, "Enter")
    status.get_by_text("Moved to position 4 of 8").wait_for()
    page.locator("button[value=down]:focus").wait_for()
    assert focused(page) == f"Move down: {action}"
    press(page, "Enter")
    status.get_by_text("Moved to position 5 of 8").wait_for()
    page.locator("button[value=down]:focus").wait_for()
    press(page, "Escape")
    assert focused(page) == f"More, {action}"

    press(page, "Enter")
    tab_to(page, "Move to")
    press(page, "Enter")
    page.get_by_role("heading", name="Move to another position").wait_for()
    tab_to(page, "New position")
    press(page, "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp")
    while focused(page) != "Move":
        press(page, "Tab")
    press(page, "Enter")
    page.get_by_role("status").filter(has_text="Moved to position 1 of 8").wait_for()
    page.locator("a:focus", has_text="Edit").wait_for()
    assert focused(page) == f"Edit, {action}"
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert outcome.actions.order_by("position").first().pk == action.pk
        action.refresh_from_db()
        assert (action.due_date.year, str(action.accountable)) == (2028, "Streets")
        for row in outcome.actions.all():
            services.retire(row, by=None, reason="A test of the keyboard.")


def test_a_measure_is_added_reworded_and_removed(riverton_site: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    action = action_named("Repair all lights")
    address = riverton_site.url("riverton", f"/workspace/plan/actions/{action.code}/")
    sign_in(page, address, "rosa@riverton.example", PHRASE)
    measures = page.locator("[data-rows=measures]")
    if scripts:
        count = measures.locator("fieldset").count()
        measures.get_by_role("button", name="Add a measure").click()
        assert measures.locator("fieldset").count() == count + 1
        page.locator("textarea[name$='-text']:focus").wait_for()
        assert_accessible_and_responsive(page)
        page.set_viewport_size(WIDE)
        blank = measures.locator("fieldset").last
    else:
        blank = measures.locator("fieldset[data-blank]").first
    blank.get_by_label("Measure", exact=True).fill("Lamps lit")
    blank.get_by_label("Baseline").fill("40 of 90")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: Repair all lights").wait_for()
    page.goto(address)
    lamps = measures.locator("fieldset").filter(has_text="Lamps lit")
    assert lamps.get_by_label("Baseline").input_value() == "40 of 90"
    lamps.get_by_label("Measure", exact=True).fill("Lamps lit at night")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: Repair all lights").wait_for()
    page.goto(address)
    lamps = measures.locator("fieldset").filter(has_text="Lamps lit at night")
    assert lamps.get_by_label("Baseline").input_value() == "40 of 90"
    lamps.locator("label").filter(has_text="Remove").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: Repair all lights").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert not action.measures.filter(text__startswith="Lamps").exists()


def test_several_actions_change_and_two_are_merged(riverton_site: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    first, second = action_named("Paint forty crossings"), action_named("Repair all lights")
    open_at(page, riverton_site, first)
    for action in (first, second):
        page.get_by_label(f"Select: {action}", exact=True).check()
    page.get_by_role("button", name="Change the selected actions").first.click()
    year = 2031 if scripts else 2032
    page.get_by_label("Due").fill(str(year))
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("2 actions changed.").wait_for()
    page.locator(f"#action-{first.code} .rowmenu > summary").click()
    page.locator(f"#action-{first.code}").get_by_role("link", name=re.compile("Merge into")).click()
    page.get_by_label("Merge into").select_option(second.code)
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text(f"Merged: {first}").wait_for()
    page.locator(f"#action-{first.code}").get_by_text(f"merged into {second}").wait_for()
    page.locator(f"#action-{first.code} .rowmenu > summary").click()
    page.locator(f"#action-{first.code}").get_by_role("link", name=re.compile("Undo the merge")).click()
    page.get_by_role("button", name="Undo the merge").click()
    page.get_by_text(f"No longer merged: {first}").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        due = Action.objects.filter(pk__in=[first.pk, second.pk]).values_list("due_date__year", flat=True)
        assert list(due) == [year, year]
        # the next run, with other scripts, finds the status that this one leaves
        assert Action.objects.get(pk=first.pk).continued_by is None
