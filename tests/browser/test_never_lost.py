"""Nothing that was typed is lost, and no failure is silent: signed out in another tab, offline, errors, no reply."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django_tenants.utils import schema_context, tenant_context
from playwright.sync_api import expect

from accounts.models import User
from tenants.models import Jurisdiction, Role
from tenants.people import affiliations
from tenants.plans import selectors, services
from tenants.plans.models import Action
from tests.browser.axe import WIDE, assert_accessible_and_responsive
from tests.browser.conftest import Site
from tests.browser.page_templates import shows_to_axe
from tests.browser.sign_in import sign_in
from tests.plans.factories import MilestoneFactory
from tests.resources.factories import LibraryItemFactory

EMAIL, PHRASE = "rosa@riverton.example", "seven quiet green rivers"


@pytest.fixture(scope="module")
def riverton_site(site: Site) -> Site:
    """Riverton with its site open and a coordinator; an item of the library to filter."""
    with schema_context("public"):
        rosa = User.objects.create_user(EMAIL, PHRASE, first_name="Rosa", last_name="Delgado")
        riverton = Jurisdiction.objects.get(slug="riverton")
        affiliations.affiliate(rosa, riverton, roles=[Role.COORDINATOR], by=None)
        LibraryItemFactory()
    with tenant_context(riverton):
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    return site


@pytest.fixture(autouse=True)
def open_milestone(riverton_site: Site) -> None:
    """The first action has one milestone, which is not done, whatever another test has left."""
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        action = Action.objects.in_plan_order().first()
        action.milestones.all().delete()
        MilestoneFactory(action=action, title="Train the staff")


def first_action() -> Action:
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        return Action.objects.in_plan_order().first()


def sign_out_in_another_tab(page: Any, site: Site, *hosts: str) -> None:
    for host in hosts:
        tab = page.context.new_page()
        tab.goto(site.url(host, "/workspace/" if host == "riverton" else "/accounts/"))
        tab.get_by_role("button", name="Sign out", exact=True).click()
        tab.get_by_text("You are signed out").first.wait_for()
        tab.close()


def sign_in_in_a_new_tab(page: Any, *, types_password: bool) -> None:
    """Follow the link of a refusal, and sign in if the alliance asks for it."""
    with page.expect_popup() as opened:
        page.get_by_role("link", name=re.compile("^Sign in.* in a new tab")).click()
    tab = opened.value
    if types_password:
        tab.get_by_text("Sign in to finish saving").wait_for()
        tab.get_by_label("Email").fill(EMAIL)
        tab.get_by_label("Password", exact=True).fill(PHRASE)
        tab.get_by_role("button", name="Sign in").click()
    tab.get_by_text("Go back to the tab with your text").wait_for()
    tab.close()


@pytest.mark.parametrize("hosts", [("riverton",), ("riverton", "portal")], ids=["city", "everywhere"])
def test_a_report_survives_a_sign_out_in_another_tab(
    riverton_site: Site, new_page: Any, scripts: bool, hosts: tuple[str, ...]
) -> None:
    page, action = new_page(scripts=scripts), first_action()
    path = f"/workspace/plan/actions/{action.code}/progress/"
    sign_in(page, riverton_site.url("riverton", path), EMAIL, PHRASE)
    page.locator("label").filter(has_text="On track").click()
    text = f"Ninety forms are done ({scripts}, {len(hosts)})."
    page.get_by_label("What happened?").fill(text)
    page.locator("label").filter(has_text="Train the staff").click()  # done, or not done after all
    milestone = page.get_by_role("checkbox", name="Train the staff")
    is_done = milestone.is_checked()
    sign_out_in_another_tab(page, riverton_site, *hosts)

    page.get_by_role("button", name="Save the update").click()

    page.get_by_role("heading", name="Not saved: you were signed out").wait_for()
    assert text in page.locator("main").inner_text()
    if scripts:
        assert_accessible_and_responsive(page)
        page.set_viewport_size(WIDE)
    sign_in_in_a_new_tab(page, types_password=len(hosts) == 2)
    page.get_by_role("button", name="Continue with my text").click()
    page.get_by_text("Your text is not saved yet").wait_for()
    assert page.get_by_label("What happened?").input_value() == text
    assert milestone.is_checked() is is_done
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert not action.progress_notes.filter(text=text).exists()
    page.get_by_role("button", name="Save the update").click()
    page.get_by_text("is saved.").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert action.progress_notes.filter(text=text).count() == 1
        assert (action.milestones.get().done_date is not None) is is_done


def test_an_edit_in_place_survives_a_sign_out_in_another_tab(riverton_site: Site, new_page: Any) -> None:
    page, action = new_page(), first_action()
    errors: list[str] = []
    page.on(
        "console",
        lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None,
    )
    sign_in(page, riverton_site.url("riverton", "/workspace/plan/"), EMAIL, PHRASE)
    row = page.locator(f"#action-{action.code}")
    row.get_by_role("link", name=re.compile("^Edit")).click()
    row.get_by_label("Next milestone").fill("Two posts until June")
    row.get_by_label("Date of the milestone").fill("June 2028")
    sign_out_in_another_tab(page, riverton_site, "riverton")
    save = row.get_by_role("button", name="Save", exact=True)

    save.click()

    alert = page.get_by_role("alert")
    alert.get_by_text("Not saved: you were signed out.").wait_for()
    assert row.get_by_label("Next milestone").input_value() == "Two posts until June"
    assert save.evaluate("button => button === document.activeElement")
    assert save.get_attribute("aria-disabled") is None
    assert_accessible_and_responsive(page)
    page.set_viewport_size(WIDE)
    sign_in_in_a_new_tab(page, types_password=False)
    save.click()
    page.get_by_text(f"Saved: {action}").wait_for()
    assert page.get_by_role("alert").count() == 0
    assert errors == []
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert action.milestones.get().title == "Two posts until June"


def test_a_link_and_a_button_say_that_one_is_signed_out(riverton_site: Site, new_page: Any) -> None:
    page, action = new_page(), first_action()
    sign_in(page, riverton_site.url("riverton", "/workspace/plan/"), EMAIL, PHRASE)
    sign_out_in_another_tab(page, riverton_site, "riverton")
    row = page.locator(f"#action-{action.code}")
    row.get_by_role("link", name=re.compile("^Edit")).click()
    alert = row.get_by_role("alert")
    expect(alert).to_contain_text("This page was not changed: you were signed out.")
    row.get_by_text("More").click()
    row.get_by_role("button", name=re.compile("^Move down")).click()
    expect(alert).to_contain_text("Not saved: you were signed out.")
    expect(alert).to_contain_text("Move down")
    assert_accessible_and_responsive(page)


FAILURES = [
    (500, "something went wrong on our side"),
    (403, "you don’t have access to that"),
    (404, "what you asked for was removed"),
    ("offline", "you’re offline"),
    ("refused", "the portal could not be reached"),
    ("timeout", "there was no reply"),
]


def make_fail(page: Any, failure: int | str) -> None:
    """From now on every request of the page by htmx fails in this way."""
    if failure == "offline":
        page.context.set_offline(True)
        return

    def fail(route: Any) -> None:
        if route.request.headers.get("hx-request") != "true":
            route.continue_()
        elif failure == "refused":
            route.abort("connectionrefused")
        elif failure != "timeout":  # which is never answered
            route.fulfill(status=failure, body="")

    page.route("**/*", fail)
    page.evaluate("htmx.config.timeout = 500")


@pytest.mark.parametrize(("failure", "words"), FAILURES)
def test_a_filter_that_fails_says_so_and_goes_back(
    riverton_site: Site, new_page: Any, failure: int | str, words: str
) -> None:
    page = new_page()
    page.goto(riverton_site.url("riverton"))
    status = page.locator("#action-filters select").first
    before = status.input_value()
    rows = page.locator("#action-rows").inner_text()
    make_fail(page, failure)

    status.select_option(index=1)

    page.get_by_role("alert").get_by_text(words).wait_for()
    assert status.input_value() == before
    assert page.locator("#action-rows").inner_text() == rows
    if failure == "offline":
        page.context.set_offline(False)
        page.get_by_role("alert").get_by_text("You’re back online").wait_for()
        status.select_option(index=1)
        expect(page.get_by_role("alert")).to_have_count(0)
        assert status.input_value() != before


def test_a_facet_of_the_search_that_fails_goes_back(riverton_site: Site, new_page: Any) -> None:
    page = new_page()
    page.goto(riverton_site.url("portal", "/search/"))
    box = page.locator("#narrow [type=checkbox]").first
    make_fail(page, 500)

    page.locator(f"label[for={box.get_attribute('id')}]").click()

    page.get_by_role("alert").get_by_text("It shows the previous version").wait_for()
    assert not box.is_checked()


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (
            500,
            "Not saved: something went wrong on our side. What you entered is still here. Press “Save” again.",
        ),
        (
            404,
            "Not saved: this was removed, or you no longer have access. Copy your text, then reload the page.",
        ),
        (
            "offline",
            "Not saved: you’re offline. What you entered stays as long as this page is open. Press “Save” again",
        ),
        ("timeout", "Check the latest version before you press “Save” again."),
    ],
)
def test_an_edit_in_place_that_fails_keeps_its_text(
    riverton_site: Site, new_page: Any, failure: int | str, words: str
) -> None:
    page, action = new_page(), first_action()
    sign_in(page, riverton_site.url("riverton", "/workspace/plan/"), EMAIL, PHRASE)
    row = page.locator(f"#action-{action.code}")
    row.get_by_role("link", name=re.compile("^Edit")).click()
    row.get_by_label("Next milestone").fill("Nine posts")
    make_fail(page, failure)
    save = row.get_by_role("button", name="Save", exact=True)

    save.click()

    expect(page.get_by_role("alert")).to_contain_text(words)
    assert row.get_by_label("Next milestone").input_value() == "Nine posts"
    assert save.inner_text() == "Save"
    assert save.evaluate("button => button === document.activeElement")


def test_a_button_is_busy_while_it_saves_and_saves_once(riverton_site: Site, new_page: Any) -> None:
    page, action = new_page(), first_action()
    sign_in(page, riverton_site.url("riverton", "/workspace/plan/"), EMAIL, PHRASE)
    row = page.locator(f"#action-{action.code}")
    row.get_by_role("link", name=re.compile("^Edit")).click()
    row.get_by_label("Next milestone").fill("Three posts")
    row.get_by_label("Date of the milestone").fill("June 2028")
    sent: list[Any] = []
    page.route("**/*", lambda route: sent.append(route))
    row.get_by_role("button", name="Save", exact=True).click()
    busy = row.get_by_role("button", name="Saving…")
    busy.wait_for()
    assert busy.get_attribute("aria-disabled") == "true"
    busy.click(force=True)  # it does not look enabled
    assert len(sent) == 1
    sent[0].continue_()
    page.get_by_text(f"Saved: {action}").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert action.milestones.get().title == "Three posts"


def test_back_and_save_again_adds_no_second_report(riverton_site: Site, new_page: Any, scripts: bool) -> None:
    page, action = new_page(scripts=scripts), first_action()
    path = f"/workspace/plan/actions/{action.code}/progress/"
    sign_in(page, riverton_site.url("riverton", path), EMAIL, PHRASE)
    page.locator("label").filter(has_text="On track").click()
    page.get_by_label("What happened?").fill(f"The staff are trained ({scripts}).")
    page.get_by_role("button", name="Save the update").click()
    page.get_by_text("is saved.").wait_for()
    page.go_back()
    page.locator("label").filter(has_text="On track").click()
    page.get_by_label("What happened?").fill(f"The staff are trained ({scripts}).")
    page.get_by_role("button", name="Save the update").click()
    page.get_by_text("Already saved at").wait_for()
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert action.progress_notes.filter(text=f"The staff are trained ({scripts}).").count() == 1


@shows_to_axe(
    "plans/correct_progress.html",
    "plans/withdraw_progress.html",
)
def test_a_report_is_corrected_in_two_windows_and_withdrawn(
    riverton_site: Site, new_page: Any, scripts: bool
) -> None:
    page, action = new_page(scripts=scripts), first_action()
    path = f"/workspace/plan/actions/{action.code}/progress/"
    sign_in(page, riverton_site.url("riverton", path), EMAIL, PHRASE)
    check = assert_accessible_and_responsive if scripts else lambda page: None
    check(page)
    page.set_viewport_size(WIDE)
    page.locator("label").filter(has_text="On track").click()
    page.get_by_label("What happened?").fill(f"It beginns ({scripts}).")
    page.get_by_role("button", name="Save the update").click()
    page.get_by_role("link", name="Correct it").click()
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("What happened?").fill(f"It begins ({scripts}).")
    other.get_by_role("button", name="Save the correction").click()
    other.get_by_text("is saved.").wait_for()
    other.close()

    page.get_by_label("What happened?").fill(f"It has begun ({scripts}).")
    page.get_by_role("button", name="Save the correction").click()

    conflict = page.locator("#conflict")
    conflict.get_by_text("you saved this in another window").wait_for()
    if scripts:
        assert conflict.evaluate("notice => notice === document.activeElement")
    assert page.locator(".said").all_inner_texts() == [
        f"It begins ({scripts}).",
        f"It has begun ({scripts}).",
    ]
    assert page.get_by_label("What happened?").input_value() == f"It has begun ({scripts})."
    check(page)
    page.set_viewport_size(WIDE)
    page.get_by_role("button", name="Save the correction").click()
    page.get_by_text("Your correction on").wait_for()
    public = riverton_site.url("riverton", f"/plan/actions/{action.code}/")
    page.goto(public)
    assert f"It has begun ({scripts})." in page.locator("main").inner_text()
    page.get_by_text("Corrected on").first.wait_for()

    page.goto(riverton_site.url("riverton", path))
    page.get_by_role("link", name=re.compile("^Withdraw")).first.click()
    check(page)
    page.set_viewport_size(WIDE)
    page.get_by_label("Why is it withdrawn?").fill("Wrong action.")
    page.get_by_role("button", name="Withdraw the report").click()
    page.get_by_text("is withdrawn.").wait_for()
    page.goto(public)
    assert f"It has begun ({scripts})." not in page.locator("main").inner_text()
