"""What each role sees first after signing in, wide and narrow, and that it leads to the work at hand."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context
from playwright.sync_api import expect

from accounts.models import User
from cms.models import NarrativePage
from tenants.jurisdictions import services as jurisdiction_services
from tenants.models import Affiliation, Jurisdiction, Role
from tenants.people import affiliations
from tenants.plans import selectors, services
from tests.browser.axe import NARROW, WIDE, assert_accessible_and_responsive
from tests.browser.conftest import Site
from tests.browser.page_templates import shows_to_axe
from tests.plan_factories import ActionFactory, DepartmentFactory, NoteFactory, OutcomeFactory

PHRASE = "seven quiet green rivers"
UPDATE = re.compile(r"Write the update\W+3.7 Translate every form")
PEOPLE = {
    "rosa": ("Rosa", "Delgado", Role.COORDINATOR, ""),
    "lena": ("Lena", "Brandt", Role.DEPARTMENT_LEAD, "Library"),
    "vera": ("Vera", "Nash", Role.VIEWER, ""),
    "dana": ("Dana", "Okoye", Role.CONTRIBUTOR, ""),
    "milo": ("Milo", "Reyes", Role.MEMBER, ""),
}


@pytest.fixture(scope="module")
def town(site: Site) -> Site:
    """Riverton with a public plan, a due and a fresh action of the Library, and a text that waits for approval."""
    with schema_context("public"):
        riverton = Jurisdiction.objects.get(slug="riverton")
        alliance = Jurisdiction.objects.get(schema_name="public")
        for name, (first, last, role, department) in PEOPLE.items():
            user = User.objects.create_user(
                f"{name}@riverton.example", PHRASE, first_name=first, last_name=last
            )
            affiliations.affiliate(user, riverton, roles=[role], by=None, department=department)
        lucia = User.objects.create_user("lucia@alliance.example", PHRASE, first_name="Lucía", last_name="M")
        affiliations.affiliate(lucia, alliance, roles=[Role.LIBRARY_CURATOR], by=None)
        jurisdiction_services.change_jurisdiction(riverton, by=None, contact_email="us@riverton.example")
    today = timezone.localdate()
    with tenant_context(riverton):
        outcome = OutcomeFactory(goal__plan=selectors.current_plan())
        library = DepartmentFactory(name="Library")
        due = ActionFactory(outcome=outcome, accountable=library, number="3.7", title="Translate every form")
        NoteFactory(action=due, text="Four of nine are done.", noted_on=today - dt.timedelta(days=120))
        due.last_update_on = today - dt.timedelta(days=120)
        due.save()
        ActionFactory(
            outcome=outcome, accountable=library, number="3.8", title="Open late", last_update_on=today
        )
        page = NarrativePage.objects.get()
        dana = Affiliation.objects.get(user__email="dana@riverton.example").user
        page.save_revision(user=dana)
        page.get_workflow().start(page, dana)
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    return site


def arrive(town: Site, new_page: Any, email: str) -> Any:
    """A page on which this person has just signed in, without having asked for any page."""
    page = new_page()
    page.goto(town.url("portal", "/accounts/login/"))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PHRASE)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/login/" not in url and "/sign-in/" not in url)
    return page


def head_height(page: Any) -> float:
    return page.locator("header.site").bounding_box()["height"]


@shows_to_axe(
    "plans/lead.html",
)
def test_a_department_lead_updates_from_the_first_screen(town: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    page.goto(town.url("riverton", "/workspace/"))
    page.get_by_label("Email").fill("lena@riverton.example")
    page.get_by_label("Password", exact=True).fill(PHRASE)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(town.url("riverton", "/workspace/"))
    assert page.get_by_role("heading", level=1).inner_text() == "Hello, Lena. One update is due"
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        button = page.get_by_role("link", name=UPDATE)
        box = button.bounding_box()
        assert box["y"] + box["height"] < 720, f"The button is {box['y']} px down at {size['width']} px."
    page.set_viewport_size(NARROW)
    assert head_height(page) < 100
    page.get_by_text("Menu", exact=True).click()
    assert page.get_by_role("link", name="Your actions").is_visible()
    if scripts:
        assert_accessible_and_responsive(page)
    page.set_viewport_size(WIDE)
    page.get_by_role("link", name=UPDATE).click()
    page.wait_for_url("**/progress/**")
    assert "3.7 Translate every form" in page.locator("main").inner_text()


def test_a_coordinator_is_led_to_what_waits_and_copies_the_address(town: Site, new_page: Any) -> None:
    page = arrive(town, new_page, "rosa@riverton.example")
    assert page.url == town.url("riverton", "/workspace/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=town.url("riverton", ""))
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == town.url("riverton", "/")
    assert page.get_by_role("heading", name="Text waiting for your approval").is_visible()
    page.get_by_role("link", name="Finish setup").click()
    page.get_by_role("link", name="Record the adoption").first.wait_for()
    assert page.locator("details.steps-left").get_attribute("open") is not None
    assert_accessible_and_responsive(page)
    page.get_by_role("link", name="Our racial equity narrative", exact=True).click()
    page.wait_for_url("**/cms/pages/*/edit/")
    page.set_viewport_size(WIDE)
    page.locator("#wagtail-sidebar a", has_text="Back to workspace").click()
    page.wait_for_url(town.url("riverton", "/workspace/"))


def test_a_curator_finds_the_library_and_the_address_follows_the_title(town: Site, new_page: Any) -> None:
    page = arrive(town, new_page, "lucia@alliance.example")
    assert page.url == town.url("portal", "/accounts/")
    assert page.get_by_role("navigation").get_by_role("link", name="Edit the library").is_visible()
    assert_accessible_and_responsive(page)
    page.locator("main").get_by_role("link", name="Edit the library").click()
    page.wait_for_url("**/cms/snippets/resources/libraryitem/")
    page.goto(town.url("portal", "/cms/snippets/resources/libraryitem/add/"))
    title = page.locator("#id_title")
    title.click()
    title.press_sequentially("End overdue fines")
    title.blur()
    expect(page.locator("#id_key")).to_have_value("end-overdue-fines")
    assert page.locator("[data-draftail-editor-wrapper], .Draftail-Editor").first.is_visible()
    page.set_viewport_size(WIDE)
    page.locator("#wagtail-sidebar a", has_text="Back to my account").click()
    page.wait_for_url(town.url("portal", "/accounts/"))


@shows_to_axe(
    "plans/reader.html",
)
def test_a_viewer_and_a_contributor_see_nothing_they_cannot_do(town: Site, new_page: Any) -> None:
    page = arrive(town, new_page, "vera@riverton.example")
    assert page.url == town.url("riverton", "/workspace/")
    assert page.get_by_role("columnheader").all_inner_texts() == ["Action", "Responsible", "Last update"]
    assert_accessible_and_responsive(page)
    writer = arrive(town, new_page, "dana@riverton.example")
    assert_accessible_and_responsive(writer)
    writer.get_by_role("link", name="Write the narrative").click()
    writer.wait_for_url("**/cms/pages/*/edit/")


def test_a_member_arrives_at_the_alliance_and_finds_no_closed_door(town: Site, new_page: Any) -> None:
    page = arrive(town, new_page, "milo@riverton.example")
    assert page.url == town.url("portal", "/")
    page.goto(town.url("riverton", "/workspace/"))
    page.wait_for_url(town.url("portal", "/"))
    assert page.goto(town.url("riverton", "/")).status == 200
    assert page.get_by_role("link", name="Workspace").count() == 0


def test_the_page_after_publishing_and_the_contact_are_accessible(town: Site, new_page: Any) -> None:
    page = arrive(town, new_page, "rosa@riverton.example")
    for path in ("/workspace/plan/published/", "/contact/", "/workspace/team/", "/workspace/settings/"):
        page.set_viewport_size(WIDE)
        assert page.goto(town.url("riverton", path)).status == 200
        assert_accessible_and_responsive(page)
    page.goto(town.url("riverton", "/plan/"))
    page.get_by_role("link", name="Translate every form").first.click()
    page.wait_for_url("**/plan/actions/**")
    link = page.get_by_role("link", name="Ask about this action").get_attribute("href")
    assert link.startswith("mailto:us@riverton.example?subject=Action%203.7%3A%20Translate%20every%20form")
