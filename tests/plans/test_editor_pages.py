"""Pages of the editor: the tree, goals, outcomes, actions, measures, milestones."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import timezone

from tenants.plans import imports, services
from tenants.plans.models import Action, Goal, Outcome, PlanLogEntry
from tests.plans.factories import (
    ActionFactory,
    GoalFactory,
    MeasureFactory,
    MilestoneFactory,
    OutcomeFactory,
    PartyFactory,
)
from tests.plans.pages import fields_of, form_of, inline_form_of, new_row, starter_action, url
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
            "measures-TOTAL_FORMS": "3",
            "measures-INITIAL_FORMS": "0",
            "measures-0-kind": "better_off",
            "measures-0-text": "Asthma visits",
            "measures-2-kind": "how_much",
            "measures-2-text": "Shade",
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
        response = coordinator_client.post(url("edit-action", action.code), sent)
        assert response.status_code == 302, response.context["form"].errors
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
    data = inline_form_of(coordinator_client, action.code) | {"accountable": "Library", "due": "June 2027"}
    response = coordinator_client.post(url("edit-inline", action.code), data, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "<html" not in response.text
    assert "June 2027" in response.text
    assert f"Saved: {action}" in response.text
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
    assert "Ann Lee changed this. Compare both texts" in response.text
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
        "Archived parts of the plan"
        in coordinator_client.post(address, {"reason": "Not ours."}, follow=True).text
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


MEASURE = {
    "text": "120 apprentices",
    "kind": "how_much",
    "baseline": "12 apprentices, 2024",
    "target": "80, 2028",
}


def test_a_reworded_measure_keeps_its_baseline_and_target(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = new_row("measures", form_of(coordinator_client, action.code), **MEASURE)
    assert coordinator_client.post(url("edit-action", action.code), data).status_code == 302
    with in_city(riverton):
        before = action.measures.get()
    data = form_of(coordinator_client, action.code) | {"measures-0-text": "120 apprentices (corrected)"}
    assert coordinator_client.post(url("edit-action", action.code), data).status_code == 302
    with in_city(riverton):
        after = action.measures.get()
    assert (after.pk, after.uuid, after.text) == (before.pk, before.uuid, "120 apprentices (corrected)")
    assert (after.baseline, after.target) == ("12 apprentices, 2024", "80, 2028")


def test_a_reworded_milestone_keeps_its_day_and_its_measure(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        MeasureFactory(action=action, text="Cards unblocked", position=0)
        MeasureFactory(action=action, text="Visits", position=1)
        done = {"done_date": dt.date(2026, 6, 1), "measure_position": 1}
        step = MilestoneFactory(action=action, title="Half of them", due_precision="month", **done)
    data = form_of(coordinator_client, action.code) | {"milestones-0-title": "Half of the cards"}
    data |= {"measures-0-remove": "on"}
    assert coordinator_client.post(url("edit-action", action.code), data).status_code == 302
    with in_city(riverton):
        after = action.milestones.get()
        measures = list(action.measures.order_by("position").values_list("text", flat=True))
    assert (after.pk, after.title, after.done_date) == (step.pk, "Half of the cards", dt.date(2026, 6, 1))
    assert (after.due_date, after.due_precision) == (dt.date(2026, 6, 30), "month")
    assert measures == ["Visits"]
    assert after.measure_position == 0  # still “Visits”, which is the first now


def test_rows_go_when_they_are_ticked_and_never_when_they_are_emptied(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        MeasureFactory(action=action, text="Visits")
        MilestoneFactory(action=action, title="Half")
        PartyFactory(action=action, department__name="Parks")
    data = form_of(coordinator_client, action.code)
    for name, message in (
        ("measures-0-text", "Write the measure, or check “Remove”."),
        ("milestones-0-due", "Add a date, or check “Remove”."),
        ("parties-0-department", "Name the department, or check “Remove”."),
    ):
        response = coordinator_client.post(url("edit-action", action.code), data | {name: ""})
        assert response.status_code == 422
        assert f'<a href="#id_{name}">' in response.text
        assert message in response.text
    ticked = data | {f"{prefix}-0-remove": "on" for prefix in ("measures", "milestones", "parties")}
    ticked |= {"measures-0-text": "", "milestones-0-due": "never"}  # nobody has to mend what goes
    assert coordinator_client.post(url("edit-action", action.code), ticked).status_code == 302
    with in_city(riverton):
        assert not action.measures.exists()
        assert not action.milestones.exists()
        assert not action.parties.exists()


def test_milestones_and_departments_are_rows(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = form_of(coordinator_client, action.code)
    data = new_row("milestones", data, title="150 households helped", due="June 2027")
    data |= {"milestones-1-due": "2028 Q1"}
    data = new_row("parties", data, department="Parks", role="support")
    data |= {"parties-1-department": "Library", "parties-1-role": "responsible"}
    assert coordinator_client.post(url("edit-action", action.code), data).status_code == 302
    with in_city(riverton):
        milestones = list(
            action.milestones.order_by("position").values_list("title", "due_date", "due_precision")
        )
        parties = set(action.parties.values_list("department__name", "role"))
    assert milestones == [
        ("150 households helped", dt.date(2027, 6, 30), "month"),
        ("", dt.date(2028, 3, 31), "quarter"),
    ]
    assert parties == {("Parks", "support"), ("Library", "responsible")}
    wrong = form_of(coordinator_client, action.code) | {"milestones-0-due": "soon"}
    refused = coordinator_client.post(url("edit-action", action.code), wrong)
    assert refused.status_code == 422
    assert "“soon” is not a date" in refused.text
    with in_city(riverton):
        assert action.milestones.count() == 2


@pytest.mark.parametrize("htmx", [True, False])
def test_an_arrow_on_a_page_from_before_the_archiving_says_so(coordinator_client, riverton, in_city, htmx):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        services.retire(action, reason="Gone.", by=None)
        before = list(Action.objects.order_by("pk").values())
    address = url("move", "action", action.uuid)
    headers = {"hx-request": "true"} if htmx else {}
    response = coordinator_client.post(address, {"direction": "up"}, headers=headers)
    text = response.text if htmx else coordinator_client.get(response["Location"]).text
    assert "is archived. Restore it before you move it." in text
    with in_city(riverton):
        assert list(Action.objects.order_by("pk").values()) == before


def test_back_and_save_again_with_a_new_row_is_no_conflict(coordinator_client, in_city, riverton):
    action = starter_action(in_city, riverton)
    data = new_row(
        "measures", form_of(coordinator_client, action.code), text="Mine", kind="how_well", baseline="3"
    )
    for _attempt in range(2):
        assert coordinator_client.post(url("edit-action", action.code), data).status_code == 302
    assert "Already saved:" in coordinator_client.get(url("editor")).text
    with in_city(riverton):
        assert action.measures.filter(text="Mine").count() == 1


def test_a_row_that_somebody_adds_meanwhile_stays(
    coordinator_client, client_for, riverton, in_city, make_user
):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        MeasureFactory(action=action, text="Visits")
        MeasureFactory(action=action, text="Cards", position=1)
    data = form_of(coordinator_client, action.code) | {"measures-0-text": "Visits of children"}
    other = client_for(riverton, make_user(riverton, "plan_editor"))
    hers = new_row("measures", form_of(other, action.code), text="Hers", kind="how_well", baseline="3")
    other.post(url("edit-action", action.code), hers | {"measures-1-remove": "on"})
    response = coordinator_client.post(url("edit-action", action.code), data)
    assert response.status_code == 422
    retry = data | {"seen": response.context["form"]["version"].value()}
    assert coordinator_client.post(url("edit-action", action.code), retry).status_code == 302
    with in_city(riverton):
        measures = dict(action.measures.values_list("text", "baseline"))
    assert measures == {"Visits of children": "", "Cards": "", "Hers": "3"}  # her removal is decided against


def test_a_form_from_before_an_upgrade_is_not_saved_without_its_lines(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = {"title": "New words", "how_much": "Visits", "milestones": "June 2027: Half"}
    response = coordinator_client.post(url("edit-action", action.code), data)
    assert response.status_code == 422
    assert "opened before the portal was updated" in response.text
    with in_city(riverton):
        action.refresh_from_db()
        assert action.title != "New words"


def test_a_row_of_another_action_is_not_taken(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        foreign = MeasureFactory(text="Foreign", baseline="9")
    data = new_row("measures", form_of(coordinator_client, action.code), id=foreign.pk, text="Mine")
    coordinator_client.post(url("edit-action", action.code), data)
    with in_city(riverton):
        foreign.refresh_from_db()
        assert (foreign.text, foreign.baseline) == ("Foreign", "9")
        assert action.measures.get().text == "Mine"


@pytest.mark.parametrize("number", ["", "many", "9" * 5000, "\0"])
@pytest.mark.parametrize("field", ["measures-TOTAL_FORMS", "milestones-0-id"])
def test_rows_without_a_readable_number_are_refused_and_change_nothing(
    coordinator_client, riverton, in_city, field, number
):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        MilestoneFactory(action=action, title="Train the staff")
    data = form_of(coordinator_client, action.code) | {field: number, "title": "Tampered with"}
    response = coordinator_client.post(url("edit-action", action.code), data)
    assert response.status_code == (422 if number or "TOTAL" in field else 302)
    with in_city(riverton):
        action.refresh_from_db()
        assert "Train the staff" in action.milestones.values_list("title", flat=True)
    if response.status_code == 422:
        assert action.title != "Tampered with"
    if "TOTAL" in field:
        assert "The form was not sent completely. Open it again." in response.text


@pytest.mark.parametrize(
    ("kind", "name", "limit"),
    [("goal", "title", 2_000), ("goal", "story", 20_000), ("outcome", "title", 2_000)],
)
def test_a_heading_has_room_for_a_text_that_pages_can_show(
    coordinator_client, riverton, in_city, kind, name, limit
):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        item = {"goal": action.outcome.goal, "outcome": action.outcome}[kind]
    address = url(f"edit-{kind}", item.uuid)
    data = fields_of(coordinator_client.get(address).context["form"])
    refused = coordinator_client.post(address, data | {name: "x" * (limit + 1)})
    assert refused.status_code == 422
    assert f"at most {limit} characters" in refused.text
    assert coordinator_client.post(address, data | {name: "x" * limit}).status_code == 302
    with in_city(riverton):
        item.refresh_from_db()
    assert getattr(item, name) == "x" * limit


def test_the_workspace_says_a_status_in_the_citys_own_words(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        facts = {"reason": "No lead.", "next_step": "Hire.", "on": timezone.localdate(), "by": None}
        services.record_progress(action, status="at_risk", text="Late.", **facts)
        plan = action.outcome.goal.plan
        plan.status_labels = {"at_risk": "Delayed"}
        plan.lifecycle = plan.Lifecycle.ADOPTED  # the page that publishes a draft counts no statuses
        plan.save()
    for page in (
        url("editor"),
        url("edit-action", action.code),
        url("record-progress", action.code),
        url("publish"),
        url("action-history", action.code),
    ):
        text = coordinator_client.get(page, headers={"HX-Request": "true"}).text
        assert "Delayed" in text, page
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
