"""The pages that no other module shows to axe: errors, closed doors, empty sites, and forms with mistakes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django_tenants.utils import schema_context, tenant_context
from playwright.sync_api import Error, expect

from accounts.models import User
from tenants.jurisdictions import services as jurisdictions
from tenants.models import Jurisdiction, Role
from tenants.people import affiliations
from tenants.plans import services
from tenants.plans.models import Action
from tests.browser.axe import WIDE, assert_accessible, assert_accessible_and_responsive
from tests.browser.conftest import Site
from tests.browser.page_templates import shows_to_axe
from tests.browser.sign_in import sign_in

EMAIL, PHRASE = "rosa@riverton.example", "seven quiet green rivers"


@pytest.fixture(scope="module")
def three_sites(site: Site) -> Site:
    """Riverton before its launch, with a merged action; Ashford open without a plan; Rosa, a coordinator and admin."""
    with schema_context("public"):
        rosa = User.objects.create_user(EMAIL, PHRASE, first_name="Rosa", last_name="Delgado")
        riverton = Jurisdiction.objects.get(slug="riverton")
        alliance = Jurisdiction.objects.get(schema_name="public")
        affiliations.affiliate(rosa, riverton, roles=[Role.COORDINATOR], by=None)
        affiliations.affiliate(rosa, alliance, roles=[Role.STAFF_ADMIN], by=None)
        User.objects.create_user("nobody@mail.example", PHRASE, first_name="No", last_name="Body")
        jurisdictions.set_site_state(Jurisdiction.objects.get(slug="ashford"), state="launched", by=None)
    with tenant_context(riverton):
        first, second = Action.objects.in_plan_order()[:2]
        services.merge_actions(second, into=first, by=rosa)
    return site


def check(page: Any, url: str, status: int = 200) -> None:
    page.set_viewport_size(WIDE)
    response = page.goto(url)
    assert response.status == status, f"{url}: {response.status}"
    assert_accessible_and_responsive(page)


@contextlib.contextmanager
def broken(schema: str, table: str) -> Iterator[None]:
    """The portal fails wherever it needs this table."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {schema}.{table} RENAME TO gone")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {schema}.gone RENAME TO {table}")


@shows_to_axe("400.html", "404.html", "500.html", "unknown_host.html", "tenants/not_open.html")
def test_errors_and_closed_doors(three_sites: Site, new_page: Any) -> None:
    page = new_page()
    page.goto(three_sites.url("portal", "/accounts/password/reset/"))
    page.evaluate(
        "(count) => document.querySelector('main form').insertAdjacentHTML('beforeend', '<input name=a>'.repeat(count))",
        settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
    )
    send_reset(page)
    page.get_by_text("Error 400").wait_for()
    assert_accessible_and_responsive(page)
    check(page, three_sites.url("ashford", "/no-such-page/"), 404)
    check(page, three_sites.url("portal", "/no-such-page/"), 404)
    check(page, three_sites.url("nowhere", "/"), 404)
    check(page, three_sites.url("riverton", "/"), 404)
    with broken("public", "resources_libraryitem"):
        check(page, three_sites.url("portal", "/library/"), 500)


@shows_to_axe("403.html")
def test_a_part_of_the_editor_that_is_not_ones_own(three_sites: Site, new_page: Any) -> None:
    page = new_page()
    sign_in(page, three_sites.url("riverton", "/workspace/"), EMAIL, PHRASE)
    page.set_extra_http_headers({"X-Requested-With": "XMLHttpRequest"})
    check(page, three_sites.url("riverton", "/cms/workflows/list/"), 403)


@shows_to_axe("dashboard/no_plan.html", "cms/no_narrative.html")
def test_a_site_that_is_open_before_it_has_a_plan(three_sites: Site, new_page: Any) -> None:
    page = new_page()
    for path in ("/", "/plan/", "/data/", "/narrative/"):
        check(page, three_sites.url("ashford", path))


@shows_to_axe(
    "account/password_reset_from_key_done.html",
    "account/password_set.html",
    "signin/not_opened.html",
    "signin/not_a_member.html",
    "signin/back_to_your_text.html",
    "403_csrf.html",
    "429.html",
)
def test_what_happens_around_signing_in(three_sites: Site, new_page: Any) -> None:
    page = new_page()
    check(page, three_sites.url("portal", "/accounts/password/reset/key/done/"))
    check(page, three_sites.url("riverton", "/sign-in/finish/?code=none"), 403)
    reset = three_sites.url("portal", "/accounts/password/reset/")
    page.goto(reset)
    page.evaluate("document.querySelector('main [name=csrfmiddlewaretoken]').value = 'another'")
    send_reset(page)
    page.get_by_text("Error 403").wait_for()
    assert_accessible_and_responsive(page)
    for _ in range(8):
        page.goto(reset)
        send_reset(page)
        if page.get_by_text("Error 429").count():
            break
    page.get_by_text("Error 429").wait_for()
    assert_accessible_and_responsive(page)

    sign_in(page, three_sites.url("portal", "/accounts/"), "nobody@mail.example", PHRASE)
    check(page, page.url)
    check(page, three_sites.url("portal", "/sign-in/back-to-your-text/"))
    check(page, three_sites.url("riverton", "/workspace/"), 404)
    user = User.objects.get(email="nobody@mail.example")
    user.set_unusable_password()
    user.save()
    page.context.clear_cookies()
    page.context.add_cookies([session_of(user, three_sites)])
    check(page, three_sites.url("portal", "/accounts/password/set/"))


def send_reset(page: Any) -> None:
    page.get_by_label("Email").fill("often@mail.example")
    with page.expect_navigation():
        page.locator("main form button[type=submit]").click()


def session_of(user: User, site: Site) -> dict[str, str]:
    """The cookie of a new session at the alliance, for somebody who has no password to sign in with."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": site.url("portal", "/")}


@shows_to_axe("plans/merged.html", "not_saved_404.html", "not_saved_500.html", "not_saved.html")
def test_a_report_that_cannot_be_saved(three_sites: Site, new_page: Any) -> None:
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        first, second = Action.objects.in_plan_order()[:2]
    page = new_page()
    form = three_sites.url("riverton", f"/workspace/plan/actions/{first.code}/progress/")
    sign_in(page, form, EMAIL, PHRASE)
    check(page, three_sites.url("riverton", f"/workspace/plan/actions/{second.code}/progress/"))

    write_report(page, form)
    page.evaluate("document.querySelector('main form').action = './nothing/'")
    save(page)
    page.get_by_text("Error 404").wait_for()
    assert_accessible_and_responsive(page)

    write_report(page, form)
    with broken(Jurisdiction.objects.get(slug="riverton").schema_name, "plans_progressnote"):
        save(page)
    page.get_by_text("Error 500").wait_for()
    assert_accessible_and_responsive(page)

    write_report(page, form)
    page.context.clear_cookies()
    save(page)
    page.get_by_role("heading", name="Not saved: you were signed out").wait_for()
    assert_accessible_and_responsive(page)


def write_report(page: Any, form: str) -> None:
    page.set_viewport_size(WIDE)
    page.goto(form)
    page.locator("label").filter(has_text="On track").click()
    page.get_by_label("What happened?").fill("Ninety forms are done.")


def save(page: Any) -> None:
    page.get_by_role("button", name="Save the update").click()


FORMS = {
    "/workspace/plan/publish/": "Publish the plan",
    "/workspace/plan/unpublish/": "Unpublish",
    "/workspace/plan/adopt/": "Record",
    "/workspace/plan/goals/add/": "Save",
    "/workspace/import/": "Read the file",
    "/workspace/team/invite/": "Send the invitation",
    "/workspace/plan/actions/{action.code}/": "Save",
    "/workspace/plan/outcomes/{action.outcome.uuid}/add/": "Add the action",
    "/workspace/plan/actions/{action.code}/progress/": "Save the update",
    "/workspace/plan/action/{action.uuid}/retire/": "Archive",
    "/workspace/plan/actions/{action.code}/merge/": "Merge",
}
STAFF_FORMS = {
    "/staff/jurisdictions/new/": "Create site",
    "/accounts/password/change/": "Change",
    "/accounts/password/reset/": "Send",
}
EMPTY = """() => {
  for (const field of document.querySelectorAll("main form [name]:not([type=hidden])")) {
    if (field.matches("[type=radio], [type=checkbox]")) field.checked = false;
    else if (!field.matches("select, [type=file]")) field.value = "";
  }
}"""
# Fields with a mistake that a screen reader would not hear: by `aria-describedby` of their own or of their fieldset.
MUTE = """() => [...document.querySelectorAll("main form [aria-invalid=true]")].filter((field) => {
  const group = field.closest("fieldset[aria-describedby]");
  const ids = [field, group].flatMap((each) => each?.getAttribute("aria-describedby")?.split(/\\s+/) ?? []);
  const texts = ids.map((id) => document.getElementById(id));
  return texts.includes(null) || !texts.some((text) => text.matches(".usa-error-message") && text.textContent.trim());
}).map((field) => field.outerHTML)"""


def test_forms_with_mistakes(three_sites: Site, new_page: Any) -> None:
    """Sent empty, each form says what is wrong, at the top and at the field."""
    page = new_page()
    sign_in(page, three_sites.url("riverton", "/workspace/"), EMAIL, PHRASE)
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        action = Action.objects.in_plan_order().select_related("outcome").first()
        forms = {
            three_sites.url("riverton", path.format(action=action)): button for path, button in FORMS.items()
        }
    forms |= {three_sites.url("portal", path): button for path, button in STAFF_FORMS.items()}
    problems = []
    for url, button in forms.items():
        try:
            show_mistakes(page, url, button)
        except (AssertionError, Error) as error:
            problems.append(f"{url}: {str(error)[:600]}")
    assert not problems, "\n".join(problems)


def show_mistakes(page: Any, url: str, button: str) -> None:
    page.goto(url)
    page.evaluate(EMPTY)
    with page.expect_navigation(timeout=10_000):
        page.locator("main form").get_by_role("button", name=button).first.click(timeout=10_000)
    expect(page.locator(".errors")).to_be_focused()
    assert page.evaluate(MUTE) == []
    assert_accessible(page)
