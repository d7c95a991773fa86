"""The main tasks by the keyboard alone, with scripts and without: each to its end, with the focus where it is expected."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django_tenants.utils import schema_context, tenant_context
from playwright.sync_api import expect

from accounts.models import User
from resources import services as resources
from tenants.models import Jurisdiction, Role
from tenants.people import affiliations
from tenants.plans import selectors, services
from tenants.plans.models import Action
from tests import library
from tests.browser.conftest import Site
from tests.browser.keyboard import focused, heard, listen, press, sign_in_by_keyboard, skip_to_main, tab_to
from tests.databases import ROOT
from tests.plan_factories import ActionFactory, DepartmentFactory, OutcomeFactory

PHRASE = "seven quiet green rivers"
ROSA, LENA = "rosa@riverton.example", "lena@riverton.example"
SHEET = ROOT / "config" / "demo" / "data" / "port-lysander-gare.xlsx"


@pytest.fixture(scope="module")
def cities(site: Site) -> Site:
    """Riverton, open, with an action of the Library and one to edit; Ashford and Millbrook before their first import."""
    with schema_context("public"):
        riverton = Jurisdiction.objects.get(slug="riverton")
        people = [
            (ROSA, "Rosa", riverton, Role.COORDINATOR, ""),
            (LENA, "Lena", riverton, Role.DEPARTMENT_LEAD, "Library"),
        ]
        people += [
            (f"ada@{slug}.example", "Ada", Jurisdiction.objects.get(slug=slug), Role.COORDINATOR, "")
            for slug in ("ashford", "millbrook")
        ]
        for email, first, city, role, department in people:
            user = User.objects.create_user(email, PHRASE, first_name=first, last_name="Delgado")
            affiliations.affiliate(user, city, roles=[role], by=None, department=department)
        lines = (library.DEMO / "items.jsonl").read_text(encoding="utf-8").splitlines()
        library.load_demo_taxonomy()
        resources.import_items(
            [line for line in lines if "fine-free" in line or "late-fines" in line], by=None
        )
    with tenant_context(riverton):
        department = DepartmentFactory(name="Library")
        outcome = OutcomeFactory(goal__plan=selectors.current_plan(), goal__title="A library for all")
        for number, title in ((1, "Translate every form"), (2, "Lend without fines"), (3, "Open late")):
            ActionFactory(
                outcome=outcome, accountable=department, number=f"9.{number}", title=title, position=number
            )
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    return site


def action_named(title: str) -> Action:
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        return Action.objects.select_related("outcome").get(title=title)


def test_signing_in(cities: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    page.goto(cities.url("riverton", "/workspace/"))
    tab_to(page, "Work email")
    page.keyboard.type(ROSA)
    press(page, "Tab")
    assert focused(page) == "Password"
    page.keyboard.type("not the password")
    press(page, "Enter")
    page.get_by_role("heading", name="Please fix one problem").wait_for()
    if scripts:
        expect(page.locator(".errors")).to_be_focused()
    tab_to(page, "Password")
    page.keyboard.type(PHRASE)
    tab_to(page, "Sign in")
    press(page, "Enter")
    page.wait_for_url(cities.url("riverton", "/workspace/"))
    skip_to_main(page)
    tab_to(page, "Sign out", key="Shift+Tab")
    press(page, "Enter")
    page.get_by_text("You are signed out").first.wait_for()


def test_a_department_lead_reports(cities: Site, new_page: Any, scripts: bool) -> None:
    action = action_named("Translate every form")
    page = new_page(scripts=scripts)
    sign_in_by_keyboard(page, cities.url("riverton", "/workspace/"), LENA, PHRASE)
    skip_to_main(page)
    tab_to(page, f"Write the update, {action}")
    press(page, "Enter")
    page.wait_for_url("**/progress/**")
    skip_to_main(page)
    assert page.evaluate("document.activeElement.name") == "status"
    press(page, "Space")
    while focused(page) != "Off track":
        press(page, "ArrowDown")
    assert page.get_by_role("radio", name="Off track").is_checked()
    press(page, "Tab")
    assert focused(page) == "What happened?"
    page.keyboard.type(f"The translator left ({scripts}).")
    press(page, "Tab")
    assert focused(page).startswith("What is in the way?")
    press(page, "ControlOrMeta+A", "Delete", "Tab")
    assert focused(page).startswith("What is next?")
    press(page, "ControlOrMeta+A")
    page.keyboard.type("We look for another one.")
    tab_to(page, "Save the update")
    press(page, "Enter")

    page.get_by_role("heading", name="Please fix one problem").wait_for()
    if scripts:  # the list of mistakes has the focus, and its first link is next
        expect(page.locator(".errors")).to_be_focused()
        press(page, "Tab")
    tab_to(page, "What is in the way?")
    press(page, "Enter")  # the link leads to the field
    assert page.evaluate("document.activeElement.name") == "reason"
    page.keyboard.type("The budget is too small.")
    tab_to(page, "Save the update")
    press(page, "Enter")
    page.get_by_role("status").filter(has_text="is saved").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        note = action.progress_notes.get(text=f"The translator left ({scripts}).")
        assert (note.reason, note.status) == ("The budget is too small.", "off_track")


def test_an_action_is_edited_and_moved(cities: Site, new_page: Any, scripts: bool) -> None:
    action = action_named("Lend without fines")
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        before = list(action.outcome.actions.order_by("position").values_list("pk", flat=True))
    page = new_page(scripts=scripts)
    sign_in_by_keyboard(page, cities.url("riverton", "/workspace/plan/"), ROSA, PHRASE)
    skip_to_main(page)
    goal = page.locator(f"#goal-{action.outcome.goal_id}")
    while not goal.locator("> summary").evaluate("summary => summary === document.activeElement"):
        press(page, "Tab")
    if goal.get_attribute("open") is None:
        press(page, "Enter")
    tab_to(page, f"Edit, {action}")
    press(page, "Enter")
    page.get_by_label("Responsible").wait_for()
    if scripts:
        page.locator("[name=accountable]:focus").wait_for()
    tab_to(page, "Responsible")
    press(page, "ControlOrMeta+A")
    page.keyboard.type(f"Night shift {scripts}")
    tab_to(page, "Save")
    press(page, "Enter")
    page.get_by_role("status").filter(has_text=f"Saved: {action}").wait_for()
    if scripts:
        page.locator("a:focus", has_text="Edit").wait_for()
        assert focused(page) == f"Edit, {action}"
    tab_to(page, f"More, {action}")
    press(page, "Enter")
    is_last = before[-1] == action.pk
    tab_to(page, f"Move {'up' if is_last else 'down'}: {action}")
    press(page, "Enter")
    page.get_by_role("status").filter(has_text=re.compile(r"Moved to position \d")).wait_for()
    if scripts:  # the same button again, or the other one at the end of the list
        page.locator("button[name=direction]:focus").wait_for()
        assert str(action) in focused(page)
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        after = list(action.outcome.actions.order_by("position").values_list("pk", flat=True))
        assert after.index(action.pk) == before.index(action.pk) + (-1 if is_last else 1)
        assert str(Action.objects.get(pk=action.pk).accountable) == f"Night shift {scripts}"


def new_city(scripts: bool) -> str:
    """Each way of working has a city of its own, whose plan is imported and published."""
    return "ashford" if scripts else "millbrook"


def test_a_sheet_is_imported(cities: Site, new_page: Any, scripts: bool) -> None:
    slug = new_city(scripts)
    page = new_page(scripts=scripts)
    sign_in_by_keyboard(page, cities.url(slug, "/workspace/"), f"ada@{slug}.example", PHRASE)
    tab_to(page, "Import")
    press(page, "Enter")
    page.wait_for_url("**/workspace/import/")
    skip_to_main(page)
    tab_to(page, "Your plan’s spreadsheet")
    page.locator("input[type=file]:focus").set_input_files(SHEET)  # Space opens the chooser of the system
    tab_to(page, "Read the file")
    press(page, "Enter")
    page.wait_for_url(re.compile(r"/workspace/import/\d+/"))
    if page.get_by_role("button", name="Check the sheet").count():
        skip_to_main(page)
        tab_to(page, "Check the sheet")
        press(page, "Enter")
    page.get_by_role("heading", name="Check before anything is saved").wait_for()

    skip_to_main(page)
    tab_to(page, "New ")
    rows = page.locator("#show-new b").inner_text()
    if scripts:
        listen(page)
    press(page, "Enter")
    expect(page.locator("#show-new")).to_have_attribute("aria-current", "true")
    expect(page.locator("#count")).to_have_text(re.compile(rf"^\s*{rows} rows?\s*$"))
    if scripts:  # the rows change below, the focus stays, and their number is read out
        expect(page.locator("#show-new")).to_be_focused()
        assert heard(page) == [f"{rows} rows"]
    tab_to(page, "Import 31 actions", key="Shift+Tab" if scripts else "Tab")
    press(page, "Enter")
    page.get_by_role("heading", name="Your plan was imported").wait_for()
    skip_to_main(page)
    assert focused(page) == "View the plan"
    with tenant_context(Jurisdiction.objects.get(slug=slug)):
        assert Action.objects.count() == 31


def test_a_plan_is_published(cities: Site, new_page: Any, scripts: bool) -> None:
    slug = new_city(scripts)
    resident = new_page(scripts=scripts)
    assert resident.goto(cities.url(slug, "/")).status == 404
    page = new_page(scripts=scripts)
    sign_in_by_keyboard(page, cities.url(slug, "/workspace/"), f"ada@{slug}.example", PHRASE)
    skip_to_main(page)
    tab_to(page, "Publish the plan")
    press(page, "Enter")
    page.wait_for_url("**/workspace/plan/publish/")
    skip_to_main(page)
    tab_to(page, "Everyone")
    assert page.get_by_role("radio", name="Everyone").is_checked()
    press(page, "Tab")
    assert focused(page).startswith("Open our public site now")
    tab_to(page, "Publish the plan and open the site")
    press(page, "Enter")

    page.get_by_role("heading", name="Please fix one problem").wait_for()
    assert resident.goto(cities.url(slug, "/")).status == 404
    if scripts:
        expect(page.locator("main .errors")).to_be_focused()
    tab_to(page, "I have checked the preview: Check the preview")
    press(page, "Enter")  # the link leads to the box
    assert page.evaluate("document.activeElement.name") == "confirmed"
    press(page, "Space")
    tab_to(page, "Publish the plan and open the site")
    press(page, "Enter")
    page.get_by_role("heading", name="Your plan is public").wait_for()
    skip_to_main(page)
    tab_to(page, "View your site")
    press(page, "Enter")
    page.wait_for_url(cities.url(slug, "/"))
    assert resident.goto(cities.url(slug, "/")).status == 200


def test_the_library_is_searched(cities: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    page.goto(cities.url("portal", "/library/"))
    skip_to_main(page)
    assert focused(page) == "Search the library"
    page.keyboard.type("libary fines")
    press(page, "Enter")
    page.wait_for_url("**/search/?q=libary+fines**")
    page.get_by_text("Showing results for library fines").wait_for()
    count = page.locator("#count")
    skip_to_main(page)
    assert focused(page) == "Search the library and every member’s plan"
    box = page.locator("#narrow [type=checkbox]:not(:checked)").first
    name = page.locator(f"label[for={box.get_attribute('id')}]").inner_text().strip()
    if scripts:
        listen(page)
    tab_to(page, name)
    press(page, "Space")
    if not scripts:
        tab_to(page, "Apply filters")
        press(page, "Enter")
    page.get_by_role("link", name=re.compile("^Remove filter:")).nth(1).wait_for()
    if scripts:
        assert focused(page) == name
        assert heard(page)[-1] == count.inner_text()
    tab_to(page, f"Remove filter: Kind: {name}")
    press(page, "Enter")
    expect(page.locator(".chip--on")).to_have_count(1)
    if scripts:  # the link is gone: the number of results has the focus, before the results
        expect(page.locator("#count")).to_be_focused()
    tab_to(page, "Resolution making the library fine free")
    press(page, "Enter")
    page.wait_for_url("**/library/aldersgate-park-fine-free-resolution/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("fine free")


def test_a_suggestion_is_followed(cities: Site, new_page: Any) -> None:
    page = new_page()
    page.goto(cities.url("portal", "/search/"))
    skip_to_main(page)
    listen(page)
    page.keyboard.type("resolu")
    page.locator(".suggestions a").first.wait_for()
    assert heard(page)[-1].startswith("1 matching title: Resolution making")
    press(page, "Tab")
    assert focused(page) == "Search"
    press(page, "Tab")
    assert focused(page).startswith("Resolution making the library fine free")
    press(page, "Enter")
    page.wait_for_url("**/library/aldersgate-park-fine-free-resolution/")


def test_the_actions_of_a_city_are_searched(cities: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    page.goto(cities.url("riverton", "/"))
    tab_to(page, "Search the actions of the plan")
    page.keyboard.type("open late")
    press(page, "Enter")
    page.wait_for_url("**/?q=open+late#actions")
    names = page.locator("#action-rows tbody th")
    expect(names).to_have_text(["9.3 Open late"])
    press(page, "Tab")  # the address leads to the list, past the menu
    assert page.evaluate("document.activeElement.closest('#action-filters') !== null"), focused(page)
    if scripts:
        listen(page)
    tab_to(page, "Keyword")
    press(page, "ControlOrMeta+A")
    page.keyboard.type("translate")
    press(page, "Enter")
    expect(names).to_have_text(["9.1 Translate every form"])
    if scripts:
        assert focused(page) == "Keyword"
        assert heard(page)[-1].startswith("1 of ")
    tab_to(page, "9.1 Translate every form")
    press(page, "Enter")
    page.wait_for_url("**/plan/actions/**")
    assert page.get_by_role("heading", level=1).inner_text() == "Translate every form"
