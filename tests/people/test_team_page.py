"""The team page of a city and of the alliance."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import Affiliation, Invitation, Role
from tenants.people import affiliations, invitations
from tests.plans.pages import fields_of

pytestmark = pytest.mark.django_db


def test_the_team_is_filtered_by_name_department_and_role(riverton, make_user, client_for):
    coordinator = make_user(riverton, "coordinator", first_name="Rosa", last_name="Delgado")
    clerk = make_user(riverton, "department_lead", first_name="Miguel", last_name="Santos")
    affiliations.affiliate(
        clerk, riverton, roles=[Role.DEPARTMENT_LEAD], by=coordinator, department="Human Resources"
    )
    client = client_for(riverton, coordinator)

    def names(query):
        text = client.get(f"/workspace/team/{query}").text.partition("<tbody>")[2].partition("</tbody>")[0]
        return [name for name in ("Rosa Delgado", "Miguel Santos") if name in text]

    assert names("") == ["Rosa Delgado", "Miguel Santos"]
    assert names("?q=human+santos") == ["Miguel Santos"]
    assert names("?role=coordinator") == ["Rosa Delgado"]
    assert names("?q=%00&role=king") == ["Rosa Delgado", "Miguel Santos"]
    assert "No one on the team matches." in client.get("/workspace/team/?q=nobody").text


def test_the_team_page_needs_as_many_queries_for_twenty_people_as_for_two(riverton, make_user, client_for):
    coordinator = make_user(riverton, "coordinator")
    make_user(riverton, "viewer")
    invitations.invite(riverton, email="new@city.example", roles=["viewer"], by=coordinator)
    client = client_for(riverton, coordinator)
    client.get("/workspace/team/")
    with CaptureQueriesContext(connection) as two:
        client.get("/workspace/team/")
    for number in range(18):
        make_user(riverton, "viewer")
        invitations.invite(riverton, email=f"new{number}@city.example", roles=["viewer"], by=coordinator)
    client.get("/workspace/team/")  # as before the first count: the same state of the connection
    with CaptureQueriesContext(connection) as twenty:
        client.get("/workspace/team/")
    assert len(twenty) == len(two)


def test_an_alliance_administrator_invites_a_curator(alliance, make_user, client_for):
    administrator = make_user(alliance, "staff_admin")
    response = client_for(alliance, administrator).post(
        "/staff/team/invite/", {"email": "librarian@alliance.example", "roles": ["library_curator"]}
    )
    assert response.status_code == 302
    invitation = Invitation.objects.get()
    assert (invitation.jurisdiction, invitation.roles) == (alliance, ["library_curator"])


def test_the_alliance_gives_no_city_role_and_a_city_no_alliance_role(
    alliance, riverton, make_user, client_for
):
    administrator, coordinator = make_user(alliance, "staff_admin"), make_user(riverton, "coordinator")
    data = {"email": "new@alliance.example"}
    responses = [
        client_for(alliance, administrator).post("/staff/team/invite/", data | {"roles": ["coordinator"]}),
        client_for(riverton, coordinator).post("/workspace/team/invite/", data | {"roles": ["staff_admin"]}),
    ]
    assert [response.status_code for response in responses] == [422, 422]
    assert not Invitation.objects.exists()


def test_onboarding_staff_see_the_alliances_team_and_change_nothing(alliance, make_user, client_for):
    make_user(alliance, "staff_admin")
    client = client_for(alliance, make_user(alliance, "staff_onboarding"))
    affiliation = Affiliation.objects.get(roles=["staff_admin"])
    assert "Invite someone" not in client.get("/staff/team/").text
    for path in ("invite/", f"people/{affiliation.uuid}/", f"people/{affiliation.uuid}/end/"):
        assert client.post(f"/staff/team/{path}", {"roles": ["library_curator"]}).status_code == 404
    affiliation.refresh_from_db()
    assert affiliation.roles == ["staff_admin"]


def test_the_last_administrator_of_the_alliance_stays(alliance, make_user, client_for):
    administrator = make_user(alliance, "staff_admin")
    affiliation = Affiliation.objects.get(user=administrator)
    response = client_for(alliance, administrator).post(f"/staff/team/people/{affiliation.uuid}/end/")
    assert response.status_code == 422
    assert Affiliation.objects.active().filter(pk=affiliation.pk).exists()


def test_an_expired_invitation_is_not_sent_again_if_a_newer_one_is_open(riverton):
    old = invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    Invitation.objects.update(state=Invitation.State.EXPIRED)
    new = invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    with pytest.raises(ValidationError, match="newer invitation"):
        invitations.resend(old, by=None)
    assert list(Invitation.objects.filter(state__in=Invitation.OPEN_STATES)) == [new]


def test_two_coordinators_who_change_one_person_take_nothing_back(riverton, make_user, client_for):
    client, other = (client_for(riverton, make_user(riverton, "coordinator")) for _number in range(2))
    person = Affiliation.objects.get(user=make_user(riverton, "viewer"))
    address = f"/workspace/team/people/{person.uuid}/"
    pages = []
    for each in (client, other):
        response = each.get(address)
        assert 'name="initial-roles"' in response.text
        fields = fields_of(response.context["form"])
        pages.append(fields | {f"initial-{name}": value for name, value in fields.items()})
    assert client.post(address, pages[0] | {"roles": ["contributor"]}).status_code == 302
    assert other.post(address, pages[1] | {"title": "Analyst"}).status_code == 302
    person.refresh_from_db()
    assert (person.roles, person.title) == (["contributor"], "Analyst")
