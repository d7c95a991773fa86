"""The pages for joining, signing in and managing a team: accessibility, and a walk through an invitation."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.models import User
from tenants.models import Affiliation, Jurisdiction, Role
from tenants.people import affiliations, invitations
from tests.browser.axe import WIDE, assert_accessible_and_responsive
from tests.browser.conftest import Site
from tests.browser.page_templates import shows_to_axe
from tests.browser.sign_in import sign_in

PASSWORD = "seven quiet green rivers"


@pytest.fixture(scope="module")
def rosa(site: Site) -> User:
    """The coordinator of Riverton, with a colleague and two open invitations."""
    city = Jurisdiction.objects.get(slug="riverton")
    people = []
    for email, first, last, role in (
        ("rosa@riverton.example", "Rosa", "Delgado", Role.COORDINATOR),
        ("miguel@riverton.example", "Miguel", "Santos", Role.DEPARTMENT_LEAD),
    ):
        user = User.objects.create_user(email, PASSWORD, first_name=first, last_name=last)
        affiliations.affiliate(
            user, city, roles=[role], by=None, title="Analyst", department="Human Resources"
        )
        people.append(user)
    invitations.invite(
        city, email="ines@riverton.example", roles=["viewer"], by=people[0], name="Ines Calloway"
    )
    invitations.invite(
        city, email="a.very.long.address.indeed@department.riverton.example", roles=["viewer"], by=None
    )
    return people[0]


def check_page(page: Any, url: str, *, status: int = 200) -> None:
    page.set_viewport_size(WIDE)
    assert page.goto(url).status == status
    assert_accessible_and_responsive(page)


@shows_to_axe(
    "team/form.html",
    "team/confirm.html",
)
def test_team_pages_are_accessible(site: Site, rosa: User, new_page: Any) -> None:
    page = new_page()
    sign_in(page, site.url("riverton", "/workspace/team/"), rosa.email, PASSWORD)
    affiliation = Affiliation.objects.get(user__email="miguel@riverton.example").uuid
    for path in (
        "",
        "?q=nobody",
        "invite/",
        "hand-over/",
        f"people/{affiliation}/",
        f"people/{affiliation}/end/",
    ):
        check_page(page, site.url("riverton", f"/workspace/team/{path}"))
    page.goto(site.url("riverton", "/workspace/team/invite/"))
    page.get_by_label("Email address").fill("rosa@riverton.example")
    page.get_by_role("button", name="Send the invitation").click()
    page.locator(".errors").wait_for()
    assert_accessible_and_responsive(page)


@shows_to_axe(
    "account/password_reset.html",
    "account/password_reset_done.html",
    "account/password_reset_from_key.html",
    "account/account_inactive.html",
    "account/password_change.html",
    "demo/sign_ins.html",
    "demo/sent_email.html",
    "signin/invitation_over.html",
)
def test_sign_in_pages_are_accessible(site: Site, rosa: User, new_page: Any) -> None:
    page = new_page()
    for path in ("password/reset/", "password/reset/done/", "password/reset/key/1-1/", "inactive/"):
        check_page(page, site.url("portal", f"/accounts/{path}"))
    check_page(page, site.url("portal", "/accounts/invitation/used-up/"), status=404)
    check_page(page, site.url("riverton", "/sign-in/finish/?code=none"), status=403)
    check_page(page, site.url("portal", "/demo/"))
    check_page(page, site.url("portal", "/demo/mail/"))
    page.goto(site.url("portal", "/accounts/login/"))
    page.get_by_label("Email").fill(rosa.email)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    page.locator(".errors").wait_for()
    assert_accessible_and_responsive(page)
    sign_in(page, site.url("portal", "/accounts/"), rosa.email, PASSWORD)
    check_page(page, site.url("portal", "/accounts/"))
    check_page(page, site.url("portal", "/accounts/password/change/"))


@shows_to_axe(
    "signin/invitation.html",
)
def test_an_invited_person_joins_and_the_coordinator_sees_them(site: Site, rosa: User, new_page: Any) -> None:
    email = site.emails(to="ines@riverton.example")[-1].replace("=\n", "")
    link = re.search(r"http://\S+/accounts/invitation/[\w-]+/", email)
    assert link, email
    ines = new_page()
    check_page(ines, link[0])
    ines.get_by_label("Your name").fill("Ines Calloway")
    field = ines.get_by_label("Choose a password")
    field.fill("password")
    ines.get_by_role("button", name="Show password").click()
    assert field.get_attribute("type") == "text"
    ines.get_by_role("button", name="Join the team").click()
    ines.locator(".errors").wait_for()
    assert "too short" in ines.locator("main").inner_text()
    assert "too common" not in ines.locator("main").inner_text()  # one thing at a time
    assert_accessible_and_responsive(ines)
    field.fill(PASSWORD)
    ines.get_by_role("button", name="Show password").click()
    ines.get_by_role("button", name="Hide password").click()
    assert field.get_attribute("type") == "password"
    ines.get_by_role("button", name="Join the team").click()
    ines.wait_for_url(site.url("riverton", "/workspace/"))
    page = new_page()
    sign_in(page, site.url("riverton", "/workspace/team/"), rosa.email, PASSWORD)
    assert page.get_by_role("row", name="Ines Calloway").get_by_text("Viewer", exact=True).is_visible()
    ines.set_viewport_size(WIDE)  # narrow, it is in the menu
    ines.get_by_role("button", name="Sign out").click()
    ines.goto(site.url("portal", "/accounts/"))
    assert ines.get_by_role("link", name="Riverton").first.is_visible()
    ines.get_by_role("button", name="Sign out on every device and site").click()
    assert "/accounts/login/" in ines.goto(site.url("riverton", "/workspace/")).url
