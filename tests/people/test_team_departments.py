"""A department lead reports for a department that the plan names."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import Affiliation, Invitation, Role
from tenants.people import affiliations, invitations
from tenants.plans.departments import read_departments
from tests.plan_factories import ActionFactory, DepartmentFactory, OutcomeFactory, PartyFactory

pytestmark = pytest.mark.django_db

INVITE = "/workspace/team/invite/"
NEW = {"email": "ada@river.example", "roles": ["department_lead"]}


@pytest.fixture
def plan(riverton, in_city):
    """Library answers for two actions, one of them done, and is also responsible for one of Streets'."""
    with in_city(riverton):
        outcome = OutcomeFactory()
        library, streets = DepartmentFactory(name="Library"), DepartmentFactory(name="Streets")
        DepartmentFactory(name="Of no action")
        ActionFactory(outcome=outcome, accountable=library)
        ActionFactory(outcome=outcome, accountable=library, status="completed")
        shared = ActionFactory(outcome=outcome, accountable=streets)
        PartyFactory(action=shared, department=library)
        PartyFactory(action=shared, department=DepartmentFactory(name="Fire"), role="support")
        ActionFactory(outcome=outcome, accountable=DepartmentFactory(name="Parks"), retired=True)
        return outcome.goal.plan


@pytest.fixture
def client(riverton, make_user, client_for):
    return client_for(riverton, make_user(riverton, "coordinator"))


def lead_of(jurisdiction, make_user, department, **fields):
    person = make_user(jurisdiction, "department_lead", **fields)
    Affiliation.objects.filter(user=person).update(department=department)
    return Affiliation.objects.get(user=person)


def row_of(text, name):
    row = next(row for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if name in row)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split())


def test_the_departments_are_those_whose_leads_have_something_to_report_on(plan, riverton, in_city):
    with in_city(riverton):
        assert [tuple(each) for each in read_departments()] == [("Library", 2), ("Streets", 1)]


def test_the_form_offers_each_department_with_its_number_of_actions(plan, client):
    text = html.unescape(client.get(INVITE).text)
    assert '<option value="Library">Library: reports on 2 actions</option>' in text
    assert '<option value="Streets">Streets: reports on 1 action</option>' in text
    assert "Parks" not in text
    preselected = html.unescape(client.get(f"{INVITE}?department=streets").text)
    assert '<option value="Streets" selected>' in preselected


@pytest.mark.parametrize(
    ("department", "message"),
    [
        ("", "Choose the department this person reports for."),
        ("Fire Dept", "The plan has no department “Fire Dept”. Choose one from the list."),
        ("Parks", "The plan has no department “Parks”."),
    ],
)
def test_a_lead_is_not_invited_without_a_department_of_the_plan(plan, client, department, message):
    response = client.post(INVITE, NEW | {"department": department})
    assert response.status_code == 422
    assert message in html.unescape(response.text)
    assert not Invitation.objects.exists()


def test_a_lead_is_invited_for_a_department_and_others_without_one(plan, client):
    assert client.post(INVITE, NEW | {"department": "Library"}).status_code == 302
    others = {"email": "bo@river.example", "roles": ["viewer"], "department": ""}
    assert client.post(INVITE, others).status_code == 302
    assert list(Invitation.objects.order_by("pk").values_list("department", flat=True)) == ["Library", ""]


def test_without_departments_in_the_plan_the_form_says_what_to_do_first(client):
    response = client.post(INVITE, NEW | {"department": ""})
    assert response.status_code == 422
    assert "The plan has no departments yet." in response.text
    assert not Invitation.objects.exists()


def test_the_team_shows_what_a_lead_reports_on_and_whose_department_is_unknown(
    plan, client, riverton, make_user
):
    lead_of(riverton, make_user, "library", last_name="Known")
    lead_of(riverton, make_user, "Fire Dept", last_name="Unknown")
    lead_of(riverton, make_user, "", last_name="Nowhere")
    coordinator = make_user(riverton, "coordinator", last_name="Elsewhere")
    Affiliation.objects.filter(user=coordinator).update(department="Office of Equity")
    text = client.get("/workspace/team/").text
    assert "Reports on 2 open actions" in row_of(text, "Known")
    assert "The plan has no department “Fire Dept”" in row_of(text, "Unknown")
    assert "No department yet" in row_of(text, "Nowhere")
    assert "department" not in row_of(text, "Elsewhere")


def test_an_unknown_department_is_fixed_by_choosing_one(plan, client, riverton, make_user):
    person = lead_of(riverton, make_user, "Fire Dept")
    path = f"/workspace/team/people/{person.uuid}/"
    assert '<option value="Fire Dept" selected>Fire Dept (not in the plan)</option>' in client.get(path).text
    kept = client.post(path, {"roles": ["department_lead"], "department": "Fire Dept"})
    assert kept.status_code == 422
    assert "The plan has no department “Fire Dept”. Choose the one" in html.unescape(kept.text)
    person.refresh_from_db()
    assert person.department == "Fire Dept"
    assert client.post(path, {"roles": ["department_lead"], "department": "Streets"}).status_code == 302
    person.refresh_from_db()
    assert person.department == "Streets"


def test_somebody_who_leads_no_department_keeps_an_unknown_one(plan, client, riverton, make_user):
    person = lead_of(riverton, make_user, "Office of Equity")
    path = f"/workspace/team/people/{person.uuid}/"
    assert client.post(path, {"roles": ["viewer"], "department": "Office of Equity"}).status_code == 302
    person.refresh_from_db()
    assert (person.roles, person.department) == ([Role.VIEWER], "Office of Equity")


def test_a_department_is_found_whatever_its_case(plan, client, riverton, make_user):
    person = lead_of(riverton, make_user, " LIBRARY ")
    text = client.get(f"/workspace/team/people/{person.uuid}/").text
    assert '<option value="Library" selected>' in text


def test_queries_do_not_grow_with_departments_and_leads(plan, client, riverton, make_user, in_city):
    def count():
        client.get("/workspace/team/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/workspace/team/")
        return len(queries)

    lead_of(riverton, make_user, "Library")
    invitations.invite(riverton, email="x@river.example", roles=["department_lead"], by=None)
    before = count()
    with in_city(riverton):
        for number in range(8):
            ActionFactory(outcome__goal__plan=plan, accountable__name=f"Office {number}")
    for number in range(8):
        person = lead_of(riverton, make_user, f"Office {number}")
        affiliations.change_roles(person, roles=["department_lead", "viewer"], by=None)
    assert count() == before


def test_the_alliances_team_has_no_departments(alliance, make_user, client_for):
    client = client_for(alliance, make_user(alliance, "staff_admin"))
    response = client.post(
        "/staff/team/invite/", {"email": "lu@alliance.example", "roles": ["library_curator"]}
    )
    assert response.status_code == 302
