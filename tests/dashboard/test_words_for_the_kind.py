"""A county, town or tribe is never called a city: on public pages, in the workspace, in emails and for its members."""

from __future__ import annotations

import re

import pytest
from django.core import mail

from tenants.jobs.runner import run_due_jobs
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Role
from tenants.people.invitations import invite
from tenants.plans.models import Action, Plan
from tests.dashboard.responses import visible_text

KINDS = {"county": "the county", "tribal": "the tribe", "school_or_park_district": "the district"}
PUBLIC = ["/", "/plan/", "/plan/actions/t4/", "/plan/actions/t5/", "/plan/actions/t6/", "/data/", "/narrative/",
          "/contact/", "/accessibility/", "/privacy/", "/nowhere/"]  # fmt: skip
WORKSPACE = ["/workspace/", "/workspace/updates/", "/workspace/plan/", "/workspace/plan/about/",
             "/workspace/plan/retired/", "/workspace/plan/goals/add/", "/workspace/plan/actions/t5/",
             "/workspace/plan/actions/t5/progress/", "/workspace/plan/publish/",
             "/workspace/plan/unpublish/", "/workspace/plan/adopt/", "/workspace/history/", "/workspace/import/",
             "/workspace/settings/", "/workspace/team/", "/workspace/team/invite/"]  # fmt: skip


@pytest.fixture
def county(request, launched_city, in_city, make_plan):
    """Riverton as another kind of jurisdiction, with a plan of its own in which some actions have no reason."""
    kind = getattr(request, "param", "county")
    Jurisdiction.objects.filter(pk=launched_city.pk).update(
        kind=kind, name="Tallow Valley", short_name="Tallow Valley"
    )
    jurisdiction = Jurisdiction.objects.get(pk=launched_city.pk)
    make_plan(jurisdiction, visibility="public", adopting_body="Governing Board")
    with in_city(jurisdiction):
        Action.objects.filter(code__in=["t4", "t6"]).update(reason="", next_step="")
    return jurisdiction


def calls_it_a_city(text: str) -> list[str]:
    """The places of a text that call a jurisdiction a city; names of places and examples in quotation marks do not."""
    text = re.sub(r"“[^”]*”|City of \w+", "", text)
    return re.findall(
        r".{0,40}\b(?:the|this|your|a|our) (?:city|City)\b.{0,40}|.{0,40}\bcity’s\b.{0,40}", text
    )


def test_the_check_finds_such_words():
    assert calls_it_a_city("Ask the city now")
    assert calls_it_a_city("In the city’s own words")
    assert not calls_it_a_city("Like “the city”. City of Elm Ford. Accessibility")


@pytest.mark.parametrize("county", KINDS, indirect=True)
def test_public_pages_do_not_call_it_a_city(county, client_for):
    client = client_for(county)
    for url in PUBLIC:
        assert calls_it_a_city(visible_text(client.get(url))) == [], url
    assert f"Contact {KINDS[county.kind]}" in visible_text(client.get("/"))


def test_a_draft_and_a_site_without_a_plan_do_not_call_it_a_city(county, client_for, in_city):
    client = client_for(county)
    for change in ({"lifecycle": "draft"}, {"visibility": "internal"}):
        with in_city(county):
            Plan.objects.update(**change)
        for url in PUBLIC:
            assert calls_it_a_city(visible_text(client.get(url))) == [], url
    services.set_site_state(county, state=Jurisdiction.SiteState.NOT_LAUNCHED, by=None)
    assert calls_it_a_city(visible_text(client.get("/"))) == []


@pytest.mark.parametrize("county", KINDS, indirect=True)
def test_the_workspace_does_not_call_it_a_city(county, client_for, make_user):
    client = client_for(county, make_user(county, Role.COORDINATOR))
    for url in WORKSPACE:
        response = client.get(url)
        assert response.status_code == 200, url
        assert calls_it_a_city(visible_text(response)) == [], url


def test_its_pages_at_the_alliance_and_its_emails_do_not_call_it_a_city(
    county, client_for, make_user, alliance
):
    staff = make_user(alliance, Role.STAFF_ADMIN)
    member = client_for(alliance, make_user(county, Role.COORDINATOR))
    for url in ("/jurisdictions/", "/progress/", "/search/?q=eviction", "/account/"):
        assert calls_it_a_city(visible_text(member.get(url))) == [], url
    invite(county, email="new@tallow.example", roles=[Role.COORDINATOR], by=staff)
    run_due_jobs()
    [message] = mail.outbox
    assert calls_it_a_city(f"{message.subject}\n{message.body}") == []
