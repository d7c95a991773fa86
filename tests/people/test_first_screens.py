"""Where each role arrives after signing in, and what the account page leads to."""

from __future__ import annotations

import html
import re

import pytest

from resources.models import LibraryItem
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Role
from tenants.people import affiliations
from tests.people.test_sign_in import PASSWORD, follow_redirect, sign_in
from tests.resources.factories import LibraryItemFactory

pytestmark = pytest.mark.django_db
__all__ = ["sign_in"]  # the fixture


def arrival(client_for, alliance, user) -> str:
    response = client_for(alliance).post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert response.status_code == 302
    return response["Location"]


def account_links(client_for, alliance, user) -> dict[str, str]:
    text = client_for(alliance, user).get("/accounts/").text
    table = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return {
        html.unescape(label.strip()): address
        for address, label in re.findall(r'<a href="([^"]+)">([^<]+)<', table)
    }


@pytest.mark.parametrize("role", ["coordinator", "plan_editor", "department_lead", "contributor", "viewer"])
def test_the_team_of_a_city_arrives_in_its_workspace(client_for, alliance, riverton, make_user, role):
    user = make_user(riverton, role)
    assert arrival(client_for, alliance, user) == riverton.build_url("plans:home")
    assert account_links(client_for, alliance, user) == {"Workspace": riverton.build_url("plans:home")}


def test_a_member_arrives_at_the_alliances_front_page(client_for, alliance, riverton, make_user):
    services.set_site_state(riverton, state="launched", by=None)
    user = make_user(riverton, "member")
    assert arrival(client_for, alliance, user) == "/"
    links = account_links(client_for, alliance, user)
    assert links == {
        "Library": "/library/", "Progress of all plans": "/progress/", "Public site": f"{riverton.base_url}/"
    }  # fmt: skip
    browser = client_for(alliance, user)
    assert [browser.get(links[label]).status_code for label in ("Library", "Progress of all plans")] == [
        200,
        200,
    ]


def test_a_member_of_a_city_that_is_not_open_gets_no_link_to_it(client_for, alliance, riverton, make_user):
    assert "Public site" not in account_links(client_for, alliance, make_user(riverton, "member"))


def test_a_member_who_signs_in_at_a_city_is_not_sent_to_a_workspace_without_one(
    riverton, alliance, make_user, sign_in, client_for
):
    services.set_site_state(riverton, state="launched", by=None)
    city, _portal, authorization = sign_in(make_user(riverton, "member"))
    assert follow_redirect(city, authorization)["Location"] == f"{alliance.base_url}/"
    other, _portal, authorization = sign_in(make_user(riverton, "member"), next_path="/plan/")
    assert follow_redirect(other, authorization)["Location"] == "/plan/"


def test_a_curator_is_led_to_the_library_in_the_editor(client_for, alliance, make_user):
    user = make_user(alliance, "library_curator")
    assert arrival(client_for, alliance, user) == "/accounts/"
    links = account_links(client_for, alliance, user)
    assert list(links) == ["Edit the library", "Edit the alliance’s pages"]
    curator = client_for(alliance, user)
    for address in links.values():
        assert curator.get(address).status_code == 200
    assert 'href="/cms/">Edit the library<' in curator.get("/").text
    assert (
        "Edit the library" not in client_for(alliance, make_user(alliance, "staff_onboarding")).get("/").text
    )
    assert "Edit the library" not in client_for(alliance).get("/").text


def test_staff_arrive_at_their_pages(client_for, alliance, make_user):
    for role in ("staff_admin", "staff_onboarding"):
        assert arrival(client_for, alliance, make_user(alliance, role)) == "/staff/"


def test_who_belongs_to_several_teams_chooses_among_them(client_for, alliance, riverton, ashford, make_user):
    user = make_user(riverton, "viewer")
    affiliations.affiliate(user, ashford, roles=[Role.COORDINATOR], by=None)
    assert arrival(client_for, alliance, user) == "/accounts/"
    assert arrival(client_for, alliance, make_user()) == "/accounts/"


def test_a_page_that_was_asked_for_comes_first(client_for, alliance, riverton, make_user):
    user = make_user(riverton, "viewer")
    response = client_for(alliance).post(
        "/accounts/login/?next=/library/", {"login": user.email, "password": PASSWORD, "next": "/library/"}
    )
    assert response["Location"] == "/library/"


def test_an_item_that_waits_for_approval_is_on_the_account_page_of_curators(client_for, alliance, make_user):
    writer = make_user(alliance, "staff_admin", first_name="Amara", last_name="Whitfield")
    item = LibraryItemFactory(title="End overdue fines")
    item.save_revision(user=writer)
    LibraryItem.objects.get(pk=item.pk).get_workflow().start(item, writer)
    curator = client_for(alliance, make_user(alliance, "library_curator"))
    text = html.unescape(curator.get("/accounts/").text)
    assert "One text is waiting for your approval" in text
    address = re.search(r'<a href="([^"]+)">End overdue fines</a>, Amara Whitfield', text).group(1)
    assert curator.get(address).status_code == 200
    onboarding = client_for(alliance, make_user(alliance, "staff_onboarding"))
    assert "waiting for your approval" not in onboarding.get("/accounts/").text


def test_the_city_of_a_member_has_no_workspace_in_its_menu(client_for, riverton, make_user):
    services.set_site_state(riverton, state="launched", by=None)
    city = Jurisdiction.objects.get(pk=riverton.pk)
    assert (
        "/workspace/" not in client_for(city, make_user(city, "member")).get("/").text.partition("<footer")[0]
    )
