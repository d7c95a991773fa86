"""Pages of the workspace: who may open them, what they show, what they save."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import Jurisdiction
from tenants.plans import imports, selectors, services
from tenants.plans.models import Plan
from tests.cohort.test_same_facts import text_of
from tests.plans.factories import ActionFactory, DepartmentFactory, OutcomeFactory
from tests.plans.pages import starter_action, url
from tests.plans.sample_sheets import DATA

SAMPLE = "marrow-bend-plan.xlsx"


# ---- Who -------------------------------------------------------------------------------------------------
PAGES = ["home", "updates", "editor", "retired", "history"]
EDITOR_PAGES = ["edit-plan", "add-goal", "imports"]
COORDINATOR_PAGES = ["publish", "unpublish", "adopt", "settings"]


@pytest.mark.parametrize("name", PAGES + EDITOR_PAGES + COORDINATOR_PAGES)
def test_a_person_without_a_session_is_sent_to_sign_in(client_for, riverton, name):
    response = client_for(riverton).get(url(name))
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("name", PAGES + EDITOR_PAGES + COORDINATOR_PAGES)
def test_a_coordinator_of_another_city_finds_nothing(client_for, riverton, ashford, make_user, name):
    assert client_for(riverton, make_user(ashford, "coordinator")).get(url(name)).status_code == 404


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("coordinator", PAGES + EDITOR_PAGES + COORDINATOR_PAGES),
        ("plan_editor", PAGES + EDITOR_PAGES),
        ("department_lead", PAGES),
        ("contributor", PAGES),
        ("viewer", PAGES),
    ],
)
def test_each_role_opens_its_pages_only(client_for, riverton, make_user, role, may):
    client = client_for(riverton, make_user(riverton, role))
    statuses = {name: client.get(url(name)).status_code for name in PAGES + EDITOR_PAGES + COORDINATOR_PAGES}
    assert statuses == {name: 200 if name in may else 404 for name in statuses}


def test_a_viewer_sees_no_button_without_permission(client_for, riverton, make_user):
    text = client_for(riverton, make_user(riverton, "viewer")).get(url("editor")).text
    assert "Example: hold a foundation training" in text
    for word in (">Archive<", "Add an action", "Move up", ">Edit<", "Publish"):
        assert word not in text


# ---- Home ------------------------------------------------------------------------------------------------
def test_the_home_of_a_new_city_is_a_checklist_from_the_data(coordinator_client):
    text = coordinator_client.get(url("home")).text
    assert "Welcome, Rosa." in text
    assert "Add your plan" in text
    assert "Nothing you enter here is public until you open your site." in text


def test_the_home_of_an_open_site_lists_overdue_updates(coordinator_client, riverton, in_city):
    with in_city(riverton):
        imports.import_sheet(filename=SAMPLE, content=(DATA / SAMPLE).read_bytes(), by=None)
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    response = coordinator_client.get(url("home"))
    assert "Updates due" in response.text
    assert "Plan health" in response.text
    assert "imported" in response.text


def test_a_completed_plan_owes_no_updates(coordinator_client, riverton, in_city):
    with in_city(riverton):
        plan = selectors.current_plan()
        services.publish_plan(plan, by=None, launch=True)
    assert "open actions are up to date" in coordinator_client.get(url("home")).text
    with in_city(riverton):
        Plan.objects.filter(pk=plan.pk).update(lifecycle="completed")
    home = coordinator_client.get(url("home")).text
    assert "The plan is completed" in home
    assert "open actions are up to date" not in home
    assert "The plan is completed. No more updates are due." in coordinator_client.get(url("updates")).text


def test_the_workspace_counts_as_the_public_pages_do(coordinator_client, riverton, in_city):
    """By standing, each action once; cancelled and merged ones are not counted."""
    with in_city(riverton):
        outcome = OutcomeFactory(stage="organize", goal__plan__lifecycle="implementing")
        today = timezone.localdate()
        for status in ("on_track", "cancelled", "merged", "completed", None):
            ActionFactory(
                outcome=outcome,
                stage="",
                status=status,
                due_date=today - dt.timedelta(days=1),
                start_date=None,
            )
    publish = text_of(coordinator_client.get(url("publish")).text)
    assert "Status Actions Completed 1 Overdue 1 No status yet 1" in publish
    editor = text_of(coordinator_client.get(url("editor")).text)
    assert "Organize 3 100%" in editor
    assert "Overdue Report: on track" in editor
    assert "No status yet Due date passed, no report" in editor


def test_a_page_needs_as_many_queries_for_32_actions_as_for_2(
    coordinator_client, riverton, coordinator, in_city
):
    with in_city(riverton):
        Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched")
        outcome = OutcomeFactory()
        old = timezone.localdate() - dt.timedelta(days=400)
    counts: dict[str, list[int]] = {}
    for number in (2, 6, 24):
        with in_city(riverton):
            for _ in range(number):
                action = ActionFactory(outcome=outcome, last_update_on=old)
                services.edit_action(action, by=coordinator, resources="One post")
        for name in ("home", "editor", "updates", "history", "publish"):
            coordinator_client.get(url(name))
            with CaptureQueriesContext(connection) as queries:
                assert coordinator_client.get(url(name)).status_code == 200
            counts.setdefault(name, []).append(len(queries))
    for name, (two, eight, thirty_two) in counts.items():
        assert eight == thirty_two, name
        assert two <= eight, name


# ---- Progress --------------------------------------------------------------------------------------------
REPORT = {"status": "on_track", "text": "Half is done.", "reason": "", "next_step": ""}


def report(**changes: Any) -> dict[str, Any]:
    return REPORT | {"on": timezone.localdate().isoformat()} | changes


def test_an_update_is_saved_and_shown(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    response = coordinator_client.post(url("record-progress", action.code), report(), follow=True)
    assert "is saved" in response.text
    assert "Half is done." in coordinator_client.get(url("action-history", action.code)).text


def test_at_risk_without_a_reason_is_422_beside_the_field(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    response = coordinator_client.post(url("record-progress", action.code), report(status="at_risk"))
    assert response.status_code == 422
    assert "needs a reason" in response.text
    assert "Half is done." in response.text
    with in_city(riverton):
        assert not action.progress_notes.exists()


def test_a_department_lead_gets_404_for_an_action_of_another_department(
    client_for, riverton, in_city, make_user
):
    lead = make_user(riverton, "department_lead")
    lead.affiliations.update(department="Library")
    with in_city(riverton):
        own = ActionFactory(accountable=DepartmentFactory(name="Library"))
        other = ActionFactory()
    client = client_for(riverton, lead)
    assert client.get(url("record-progress", own.code)).status_code == 200
    assert client.post(url("record-progress", other.code), report()).status_code == 404
    with in_city(riverton):
        assert not other.progress_notes.exists()


# ---- Publishing ------------------------------------------------------------------------------------------
def test_publishing_shows_warnings_and_opens_the_site(coordinator_client, riverton, in_city, client_for):
    page = coordinator_client.get(url("publish")).text
    assert "6 actions are still starter text" in page
    refused = coordinator_client.post(url("publish"), {"visibility": "public", "launch": "on"})
    assert refused.status_code == 422
    coordinator_client.post(url("publish"), {"visibility": "public", "launch": "on", "confirmed": "on"})
    riverton.refresh_from_db()
    assert riverton.is_launched
    with in_city(riverton):
        assert Plan.objects.get().visibility == "public"
    assert client_for(riverton).get("/plan/").status_code == 200
    coordinator_client.post(url("unpublish"), {"reason": "Numbers are wrong.", "close_site": "on"})
    riverton.refresh_from_db()
    assert not riverton.is_launched
    assert client_for(riverton).get("/plan/").status_code == 404


def test_a_draft_is_published_as_a_draft(coordinator_client, riverton, in_city):
    text = text_of(coordinator_client.get(url("publish")).text)
    assert "6 proposed actions become visible with their dates and who is responsible." in text
    assert "A draft: its goals, outcomes and proposed actions." in text
    assert "Not started" not in text
    with in_city(riverton):
        plan = Plan.objects.in_force().get()
        services.adopt(plan, by=None, on=dt.date(2025, 1, 14), body="City Council")
        action = selectors.actions_of(plan).first()
        today = timezone.localdate()
        services.record_progress(
            action, by=None, on=today, status="cancelled", text="Not needed.", reason="The county does it."
        )
    text = text_of(coordinator_client.get(url("publish")).text)
    assert "6 actions become visible with their status" in text
    assert "Not counted: 1 cancelled or merged action." in text


def test_adoption_in_the_future_is_refused(coordinator_client, riverton, in_city):
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    response = coordinator_client.post(url("adopt"), {"on": tomorrow.isoformat(), "body": "City Council"})
    assert response.status_code == 422
    assert "after the vote" in response.text
    with in_city(riverton):
        assert Plan.objects.get().lifecycle == "draft"
