"""Pages of the editor: the tree, goals, outcomes, actions, measures, milestones."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import timezone

from tenants.plans import imports, services
from tenants.plans.models import Action, Goal, Outcome, PlanLogEntry
from tests.plans.factories import ActionFactory, GoalFactory, OutcomeFactory
from tests.plans.pages import form_of, starter_action, url
from tests.plans.sample_sheets import DATA

SAMPLE = "marrow-bend-plan.xlsx"


def test_the_tree_opens_one_goal_at_a_time_when_it_is_large(coordinator_client, riverton, in_city):
    with in_city(riverton):
        outcome = OutcomeFactory()
        ActionFactory.create_batch(70, outcome=outcome)
        other = GoalFactory(plan=outcome.goal.plan, title="Another goal")
        ActionFactory(outcome=OutcomeFactory(goal=other), title="Far below")
        last = outcome.actions.order_by("position").last()
    text = coordinator_client.get(url("editor")).text
    assert "Another goal" in text
    assert "Far below" not in text
    assert "Far below" in coordinator_client.get(url("editor"), {"goal": str(other.uuid)}).text
    assert last.title not in text
    assert last.title in coordinator_client.get(url("editor"), {"at": last.code}).text


def test_goal_outcome_and_action_are_added_by_pages(coordinator_client, riverton, in_city):
    coordinator_client.post(
        url("add-goal"), {"label": "Goal 4", "title": "Clean air", "story": "", "department": ""}
    )
    with in_city(riverton):
        goal = Goal.objects.get(title="Clean air")
    coordinator_client.post(
        url("add-outcome", goal.uuid), {"label": "A", "title": "No child breathes soot", "stage": "organize"}
    )
    with in_city(riverton):
        outcome = Outcome.objects.get(goal=goal)
    response = coordinator_client.post(
        url("add-action", outcome.uuid),
        {
            "title": "Plant trees",
            "accountable": "Parks",
            "due": "2027 Q2",
            "better_off": "Asthma visits\n\nShade",
        },
        follow=True,
    )
    assert "Added: Plant trees" in response.text
    with in_city(riverton):
        action = Action.objects.get(title="Plant trees")
        assert (action.due_date, action.due_precision) == (dt.date(2027, 6, 30), "quarter")
        assert action.timeline_raw == ""
        assert [m.text for m in action.measures.order_by("position")] == ["Asthma visits", "Shade"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({"title": "Plant more trees"}, "By summer 2027"),
        ({"due": "2027 Q2"}, "By summer 2027"),
        ({"due": "June 2027"}, ""),
        ({"start": "March 2026"}, ""),
        ({"due": "", "is_continuous": "on"}, ""),
    ],
)
def test_the_words_of_the_sheet_go_once_the_form_changes_a_date(
    typed, kept, coordinator_client, riverton, in_city
):
    with in_city(riverton):
        due = {"due_date": dt.date(2027, 6, 30), "due_precision": "quarter"}
        action = ActionFactory(timeline_raw="By summer 2027", **due)
    data = form_of(coordinator_client, action.code) | {"reason": "Late."} | typed
    assert coordinator_client.post(url("edit-action", action.code), data).status_code == 302
    with in_city(riverton):
        action.refresh_from_db()
        assert action.timeline_raw == kept
        entry = PlanLogEntry.objects.filter(object_uuid=action.uuid).first()
        logged = entry.fields.get("timeline_raw") if entry else None
        assert logged == (None if kept else ["By summer 2027", ""])


def test_saving_an_action_unchanged_changes_nothing(coordinator_client, riverton, in_city):
    with in_city(riverton):
        imports.import_sheet(filename=SAMPLE, content=(DATA / SAMPLE).read_bytes(), by=None)
        actions = list(Action.objects.in_plan_order())
        before, changes = list(Action.objects.order_by("pk").values()), PlanLogEntry.objects.count()
    for action in actions[:12]:
        sent = {
            name: value.replace("\n", "\r\n") if isinstance(value, str) else value  # as browsers send them
            for name, value in form_of(coordinator_client, action.code).items()
        }
        assert coordinator_client.post(url("edit-action", action.code), sent).status_code == 302
    with in_city(riverton):
        goal = Goal.objects.order_by("pk").first()
        services.edit_goal(goal, by=None, story="One.\n\nTwo.")
        changes += 1
    form = coordinator_client.get(url("edit-goal", goal.uuid)).context["form"]
    sent = {
        form[name].html_name: form[name].value() for name in form.fields if form[name].value() is not None
    }
    sent["story"] = "One.\r\n\r\nTwo."
    assert coordinator_client.post(url("edit-goal", goal.uuid), sent).status_code == 302
    with in_city(riverton):
        assert list(Action.objects.order_by("pk").values()) == before
        assert PlanLogEntry.objects.count() == changes


def test_an_edit_by_htmx_gives_the_row_back_with_a_toast(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = form_of(coordinator_client, action.code) | {"title": "Write our story", "due": "June 2027"}
    response = coordinator_client.post(url("edit-action", action.code), data, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "<html" not in response.text
    assert "Write our story" in response.text
    assert "Saved: Write our story" in response.text
    assert "HX-Request" in response["Vary"]


def test_an_unreadable_date_is_explained_and_changes_nothing(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = form_of(coordinator_client, action.code) | {"due": "soonish", "title": "Other words"}
    response = coordinator_client.post(url("edit-action", action.code), data)
    assert response.status_code == 422
    assert "“soonish” is not a date" in response.text
    assert "Other words" in response.text
    with in_city(riverton):
        assert not PlanLogEntry.objects.filter(object_uuid=action.uuid).exists()


def test_the_second_of_two_people_keeps_the_input_and_sees_what_changed(
    coordinator_client, client_for, riverton, in_city, make_user
):
    action = starter_action(in_city, riverton)
    data = form_of(coordinator_client, action.code) | {"resources": "Two posts"}
    other = client_for(riverton, make_user(riverton, "plan_editor", first_name="Ann", last_name="Lee"))
    other.post(url("edit-action", action.code), form_of(other, action.code) | {"details": "Hers"})
    response = coordinator_client.post(url("edit-action", action.code), data)
    assert response.status_code == 422
    assert "Ann Lee changed this after you opened the page" in response.text
    assert "Two posts" in response.text
    assert "Hers" in response.text
    with in_city(riverton):
        action.refresh_from_db()
        assert (action.details, action.resources) == ("Hers", "")
    retry = data | {"details": "Hers", "seen": response.context["form"]["version"].value()}
    assert coordinator_client.post(url("edit-action", action.code), retry).status_code == 302
    with in_city(riverton):
        action.refresh_from_db()
        assert (action.details, action.resources) == ("Hers", "Two posts")


def test_an_action_moves_down_and_to_another_outcome(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    coordinator_client.post(url("move", "action", action.uuid), {"direction": "down"})
    with in_city(riverton):
        assert [a.pk for a in action.outcome.actions.order_by("position")][1] == action.pk
        other = Outcome.objects.exclude(pk=action.outcome_id).order_by("pk").last()
    coordinator_client.post(
        url("edit-action", action.code), form_of(coordinator_client, action.code) | {"outcome": other.pk}
    )
    with in_city(riverton):
        action.refresh_from_db()
        assert action.outcome_id == other.pk


def test_retire_and_restore(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    address = url("retire", "action", action.uuid)
    assert coordinator_client.post(address, {"reason": ""}).status_code == 422
    assert (
        "Taken out of the plan" in coordinator_client.post(address, {"reason": "Not ours."}, follow=True).text
    )
    assert "Not ours." in coordinator_client.get(url("retired")).text
    coordinator_client.post(url("restore", "action", action.uuid))
    with in_city(riverton):
        action.refresh_from_db()
        assert action.retired_at is None


def test_a_foreign_uuid_is_404_and_changes_nothing(coordinator_client, riverton, ashford, in_city):
    foreign = starter_action(in_city, ashford)
    for kind in ("retire", "restore", "move"):
        assert (
            coordinator_client.post(
                url(kind, "action", foreign.uuid), {"reason": "x", "direction": "up"}
            ).status_code
            == 404
        )
    with in_city(ashford):
        assert Action.objects.get(pk=foreign.pk).retired_at is None


def test_the_plan_downloads_as_a_sheet(coordinator_client):
    response = coordinator_client.post(url("download"))
    assert response["Content-Disposition"].startswith('attachment; filename="riverton-plan-')
    assert response.content.startswith(b"PK")
    assert coordinator_client.get(url("download")).status_code == 405


def test_a_measure_gets_a_baseline_and_a_target(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    coordinator_client.post(
        url("edit-action", action.code),
        form_of(coordinator_client, action.code) | {"better_off": "Renters who stay"},
    )
    page = coordinator_client.get(url("edit-measures", action.code))
    data = {"m-TOTAL_FORMS": "3", "m-INITIAL_FORMS": "1", "seen": page.context["form"]["version"].value()}
    data |= {
        "m-0-kind": "better_off",
        "m-0-text": "Renters who stay",
        "m-0-baseline": "61%",
        "m-0-target": "80%",
    }
    data |= {"m-1-kind": "how_much", "m-1-text": "Talks held", "m-2-kind": "how_much", "m-2-text": ""}
    assert coordinator_client.post(url("edit-measures", action.code), data).status_code == 302
    with in_city(riverton):
        measures = list(action.measures.order_by("position").values_list("text", "baseline", "target"))
    assert measures == [("Renters who stay", "61%", "80%"), ("Talks held", "", "")]
    # The form of the action keeps the values that it does not show.
    coordinator_client.post(
        url("edit-action", action.code),
        form_of(coordinator_client, action.code) | {"how_much": "Talks held\nPeople who came"},
    )
    with in_city(riverton):
        assert action.measures.get(text="Renters who stay").baseline == "61%"
    conflict = coordinator_client.post(url("edit-measures", action.code), data)
    assert conflict.status_code == 422
    assert "Nothing of yours was saved" in conflict.text


def test_milestones_are_lines_with_a_date_first(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    lines = "June 2027: 150 households helped\n2028 Q1"
    coordinator_client.post(
        url("edit-action", action.code), form_of(coordinator_client, action.code) | {"milestones": lines}
    )
    with in_city(riverton):
        milestones = list(
            action.milestones.order_by("position").values_list("title", "due_date", "due_precision")
        )
    assert milestones == [
        ("150 households helped", dt.date(2027, 6, 30), "month"),
        ("", dt.date(2028, 3, 31), "quarter"),
    ]
    refused = coordinator_client.post(
        url("edit-action", action.code),
        form_of(coordinator_client, action.code) | {"milestones": "Soon: done"},
    )
    assert refused.status_code == 422
    assert "does not begin with a date" in refused.text
    with in_city(riverton):
        assert action.milestones.count() == 2


def test_the_workspace_says_a_status_in_the_citys_own_words(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        facts = {"reason": "No lead.", "next_step": "Hire.", "on": timezone.localdate(), "by": None}
        services.record_progress(action, status="at_risk", text="Late.", **facts)
        plan = action.outcome.goal.plan
        plan.status_labels = {"at_risk": "Delayed"}
        plan.save()
    for page in (
        url("editor"),
        url("edit-action", action.code),
        url("record-progress", action.code),
        url("publish"),
        url("action-history", action.code),
    ):
        text = coordinator_client.get(page, headers={"HX-Request": "true"}).text
        assert "Delayed" in text
        assert "At risk" not in text


def test_the_workspace_writes_headings_of_actions_without_a_period(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        Action.objects.filter(pk=action.pk).update(number="4.1", title="Eviction help at court.")
    for page in (url("editor"), url("edit-action", action.code), url("record-progress", action.code)):
        text = coordinator_client.get(page, headers={"HX-Request": "true"}).text
        assert "4.1 Eviction help at court" in text
        assert not re.search(r"court\.\s*<(?!/textarea)", text)  # the field has the title as it is


def test_the_history_shows_a_changed_date_with_its_precision(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    for due in ("June 2027", "September 2027", "2027 Q4"):
        data = form_of(coordinator_client, action.code) | {"due": due}
        data.pop("is_continuous", None)
        coordinator_client.post(url("edit-action", action.code), data)
    text = coordinator_client.get(url("action-history", action.code)).text
    assert "June 2027" in text
    assert "September 2027" in text
    assert "2027 Q4" in text
    assert "30, 2027" not in text
    assert "31, 2027" not in text
