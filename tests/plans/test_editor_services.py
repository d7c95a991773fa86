"""Services behind the editor: rows by id, moves over several positions, one change for several actions, merges."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from tenants.plans import imports, selectors, services
from tenants.plans.imports.row_builder import RowBuilder
from tenants.plans.models import (
    Action,
    Department,
    Goal,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    PlanLogEntry,
)
from tests.plans.factories import (
    ActionFactory,
    DepartmentFactory,
    GoalFactory,
    MeasureFactory,
    MilestoneFactory,
    OutcomeFactory,
    PlanFactory,
)
from tests.plans.import_samples import SHEET

REASON = "The council moved the grant."


@pytest.fixture(autouse=True)
def _in_riverton(riverton: Any, in_city: Any) -> Any:
    with in_city(riverton):
        yield


def rows() -> dict[str, Any]:
    """Everything of the plan, to prove that nothing changed."""
    models = (Plan, Goal, Outcome, Action, PerformanceMeasure, Milestone, Department, PlanLogEntry)
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def plan_of(action: Action) -> Plan:
    return action.outcome.goal.plan


# ---- Rows ------------------------------------------------------------------------------------------------
def test_a_row_keeps_what_an_edit_does_not_name():
    action = ActionFactory()
    measure = MeasureFactory(action=action, baseline="22", target="90")
    step = MilestoneFactory(action=action, done_date=dt.date(2026, 6, 1), measure_position=0)
    services.edit_action(
        action,
        by=None,
        reason=REASON,
        measures=[{"text": "New", "kind": "how_well"}, {"id": measure.pk, "text": "Families housed"}],
        milestones=[{"id": step.pk, "title": "Half of them"}],
    )
    measure.refresh_from_db()
    step.refresh_from_db()
    assert (measure.text, measure.baseline, measure.target) == ("Families housed", "22", "90")
    assert measure.position == 1
    assert (step.title, step.done_date) == ("Half of them", dt.date(2026, 6, 1))
    assert step.measure_position == 1  # it stays with its measure
    assert action.measures.count() == 2


def test_a_removed_measure_leaves_its_milestone_without_one():
    action = ActionFactory()
    measures = [MeasureFactory(action=action, position=index) for index in range(2)]
    steps = [MilestoneFactory(action=action, position=i, measure_position=i) for i in range(2)]
    services.edit_action(action, by=None, reason=REASON, measures=[{"id": measures[1].pk}])
    positions = [Milestone.objects.get(pk=step.pk).measure_position for step in steps]
    assert positions == [None, 0]


def test_a_row_is_not_taken_from_another_action_and_not_twice():
    action, foreign = ActionFactory(), MeasureFactory()
    own = MeasureFactory(action=action)
    before = rows()
    for ids in ([foreign.pk], [own.pk, own.pk]):
        with pytest.raises(ValidationError, match="no longer exists"):
            services.edit_action(
                action, by=None, reason=REASON, measures=[{"id": pk, "text": "Mine"} for pk in ids]
            )
    assert rows() == before


def test_an_unchanged_row_is_not_written():
    action = ActionFactory()
    measure = MeasureFactory(action=action)
    before = rows()
    services.edit_action(action, by=None, measures=[{"id": measure.pk, "text": measure.text}])
    assert rows() == before


# ---- Moves -----------------------------------------------------------------------------------------------
def numbers(outcome: Outcome) -> list[str]:
    return list(outcome.actions.order_by("position", "pk").values_list("number", flat=True))


def seven(plan: Plan | None = None) -> tuple[Outcome, list[Action]]:
    outcome = OutcomeFactory(goal__plan=plan or PlanFactory())
    return outcome, [ActionFactory(outcome=outcome, number=str(n), position=n) for n in range(7)]


@pytest.mark.parametrize(
    ("moved", "after", "expected"),
    [(1, 6, "0234561"), (6, None, "6012345"), (6, 0, "0612345"), (3, 3 - 1, "0123456"), (2, 5, "0134526")],
)
def test_an_action_moves_over_several_others(moved, after, expected):
    outcome, actions = seven()
    services.move_to(actions[moved], outcome, after=None if after is None else actions[after].pk, by=None)
    assert "".join(numbers(outcome)) == expected
    entries = PlanLogEntry.objects.filter(object_uuid=actions[moved].uuid)
    assert [entry.fields["position"] for entry in entries] == (
        [] if expected == "0123456" else [[moved, expected.index(str(moved))]]
    )


def test_an_action_moves_behind_one_of_another_outcome_with_a_reason():
    outcome, actions = seven()
    other, others = seven(outcome.goal.plan)
    before = rows()
    with pytest.raises(ValidationError, match="Add a reason for this change"):
        services.move_to(actions[2], other, after=others[4].pk, by=None)
    assert rows() == before
    services.move_to(actions[2], other, after=others[4].pk, by=None, reason=REASON)
    assert numbers(other) == ["0", "1", "2", "3", "4", "2", "5", "6"]
    assert numbers(outcome) == ["0", "1", "3", "4", "5", "6"]


def test_a_goal_and_an_outcome_move_over_several_others():
    plan = PlanFactory()
    goals = [GoalFactory(plan=plan, position=n) for n in range(4)]
    outcomes = [OutcomeFactory(goal=goals[0], position=n) for n in range(3)]
    services.move_to(goals[3], plan, after=None, by=None)
    assert list(plan.goals.order_by("position")) == [goals[3], *goals[:3]]
    services.move_to(outcomes[0], goals[0], after=outcomes[2].pk, by=None)
    assert list(goals[0].outcomes.order_by("position")) == [outcomes[1], outcomes[2], outcomes[0]]


def test_nothing_moves_behind_a_row_that_is_elsewhere():
    outcome, actions = seven()
    elsewhere = ActionFactory()
    before = rows()
    with pytest.raises(ValidationError, match="changed in the meantime"):
        services.move_to(actions[0], outcome, after=elsewhere.pk, by=None)
    assert rows() == before


# ---- Several actions -------------------------------------------------------------------------------------
def versions(*actions: Action) -> dict[str, str]:
    return {action.code: services.version_token(Action.objects.get(pk=action.pk)) for action in actions}


DUE = {"due_date": dt.date(2028, 3, 31), "due_precision": "quarter", "is_continuous": False}


def test_several_actions_get_one_date_department_and_owner(make_user, riverton):
    _outcome, actions = seven()
    Action.objects.filter(pk=actions[0].pk).update(timeline_raw="By 2027")
    owner = make_user(riverton, "department_lead").affiliations.get()
    changed = services.edit_actions(
        plan_of(actions[0]),
        versions(*actions[:3]),
        by=None,
        reason=REASON,
        accountable="Parks",
        owner=owner.pk,
        owner_vacant_since=None,
        **DUE,
    )
    assert {action.pk for action in changed} == {action.pk for action in actions[:3]}
    for action in Action.objects.filter(pk__in=[row.pk for row in actions[:3]]):
        assert (action.due_date, action.due_precision) == (dt.date(2028, 3, 31), "quarter")
        assert (action.accountable.name, action.owner_id, action.timeline_raw) == ("Parks", owner.pk, "")
        entry = PlanLogEntry.objects.get(object_uuid=action.uuid)
        assert (entry.verb, entry.reason) == ("edited", REASON)
        assert entry.fields["due_date"] == ["2027-06-30", "2028-03-31"]
    untouched = Action.objects.filter(pk__in=[row.pk for row in actions[3:]])
    assert set(untouched.values_list("due_date", flat=True)) == {dt.date(2027, 6, 30)}


def test_an_action_that_has_the_values_already_gets_no_entry():
    _outcome, actions = seven()
    Action.objects.filter(pk=actions[0].pk).update(**DUE)
    changed = services.edit_actions(
        plan_of(actions[0]), versions(*actions[:2]), by=None, reason=REASON, **DUE
    )
    assert changed == [actions[1]]
    assert not PlanLogEntry.objects.filter(object_uuid=actions[0].uuid).exists()


def test_a_conflict_names_the_actions_and_changes_none():
    _outcome, actions = seven()
    seen = versions(*actions[:4])
    for action in actions[1:3]:
        services.edit_action(action, by=None, resources="Hers")
    before = rows()
    with pytest.raises(services.EditConflict) as refused:
        services.edit_actions(plan_of(actions[0]), seen, by=None, reason=REASON, **DUE)
    assert refused.value.messages[1:] == [str(actions[1]), str(actions[2])]
    assert rows() == before


def test_one_action_that_cannot_change_keeps_all_from_changing():
    _outcome, actions = seven()
    Action.objects.filter(pk=actions[1].pk).update(start_date=dt.date(2027, 1, 1))
    before = rows()
    early = DUE | {"due_date": dt.date(2026, 6, 30), "due_precision": "month"}
    with pytest.raises(ValidationError) as refused:
        services.edit_actions(
            plan_of(actions[0]),
            versions(*actions[:3]),
            by=None,
            reason=REASON,
            accountable="New dept",
            **early,
        )
    assert len(refused.value.messages) == 1
    assert refused.value.messages[0].startswith(f"{actions[1]}: ")
    assert rows() == before


def test_a_promise_of_several_actions_changes_with_a_reason_only():
    _outcome, actions = seven()
    before = rows()
    for refusal in (
        lambda: services.edit_actions(plan_of(actions[0]), versions(*actions), by=None, **DUE),
        lambda: services.edit_actions(plan_of(actions[0]), {}, by=None, reason=REASON, **DUE),
        lambda: services.edit_actions(plan_of(actions[0]), versions(*actions), by=None, reason=REASON),
        lambda: services.edit_actions(plan_of(actions[0]), {"nope": ""}, by=None, reason=REASON, **DUE),
    ):
        with pytest.raises(ValidationError):
            refusal()
    assert rows() == before


def test_the_cost_of_a_change_of_several_actions_is_small(django_assert_max_num_queries):
    _outcome, actions = seven()
    seen = versions(*actions)
    with django_assert_max_num_queries(110):  # a dozen for each of seven, and what does not grow
        services.edit_actions(plan_of(actions[0]), seen, by=None, reason=REASON, **DUE)


# ---- Merging ---------------------------------------------------------------------------------------------
def test_a_merged_action_points_to_the_one_that_continues_it():
    _outcome, (action, target, *_others) = seven()
    services.merge_actions(action, target, by=None, reason="Same work.")
    action.refresh_from_db()
    assert (action.status, action.continued_by, action.reason) == ("merged", target, "Same work.")
    entries = {entry.verb: entry for entry in PlanLogEntry.objects.all()}
    assert entries["merged"].fields["merged_into"] == [None, str(target)]
    assert entries["took_in"].object_uuid == target.uuid
    assert action not in Action.objects.counted()
    assert sum(line["count"] for line in selectors.count_by_stage(plan_of(action))) == 6


def test_a_merge_is_taken_back_with_the_status_from_before():
    _outcome, (action, target, *_others) = seven()
    Action.objects.filter(pk=action.pk).update(status="at_risk", reason="No staff.", next_step="Hire.")
    services.merge_actions(Action.objects.get(pk=action.pk), target, by=None, reason="Same work.")
    services.separate_action(action, by=None, reason="It is not.")
    action.refresh_from_db()
    assert (action.status, action.reason, action.next_step) == ("at_risk", "No staff.", "Hire.")
    assert action.merged_into is None
    assert PlanLogEntry.objects.filter(object_uuid=action.uuid, verb="separated").exists()
    with pytest.raises(ValidationError, match="not merged"):
        services.separate_action(action, by=None, reason="Again.")


@pytest.mark.parametrize(
    "case", ["itself", "other plan", "retired", "cancelled", "merged", "no reason", "twice"]
)
def test_a_refused_merge_changes_nothing(case):
    outcome, (action, target, third, *_others) = seven()
    reason = "" if case == "no reason" else REASON
    if case == "itself":
        target = action
    elif case == "other plan":
        target = ActionFactory()
    elif case == "retired":
        services.retire(target, by=None, reason="Gone.")
    elif case == "cancelled":
        Action.objects.filter(pk=target.pk).update(status="cancelled")
    elif case == "merged":
        services.merge_actions(target, third, by=None, reason=REASON)
    elif case == "twice":
        services.merge_actions(action, target, by=None, reason=REASON)
    before = rows()
    with pytest.raises(ValidationError):
        services.merge_actions(Action.objects.get(pk=action.pk), target, by=None, reason=reason)
    assert rows() == before
    assert outcome.actions.count() == 7


def test_a_draft_needs_no_reason_for_a_merge():
    _outcome, (action, target, *_others) = seven(PlanFactory(lifecycle="draft"))
    assert services.merge_actions(action, target, by=None).status == "merged"


def test_nobody_reports_on_a_merged_action():
    _outcome, (action, target, *_others) = seven()
    services.merge_actions(action, target, by=None, reason=REASON)
    before = rows()
    with pytest.raises(ValidationError, match="merged into another action"):
        services.record_progress(action, status="on_track", text="Done.", by=None, on=dt.date(2026, 1, 1))
    assert rows() == before


def test_a_merged_action_survives_export_and_import():
    imports.import_sheet(filename="plan.csv", content=SHEET.encode(), by=None)
    action, target = Action.objects.in_plan_order()
    services.merge_actions(action, target, by=None)
    content = imports.export_as_bytes(plan_of(action), by=None)
    imports.import_sheet(filename="plan.xlsx", content=content, by=None)
    action.refresh_from_db()
    assert (action.status, action.continued_by) == ("merged", target)


def test_a_sheet_that_says_another_status_ends_the_merge():
    _outcome, (action, target, *_others) = seven()
    services.merge_actions(action, target, by=None, reason=REASON)
    builder = RowBuilder(by=None, date_conventions=selectors.date_conventions_of(connection.tenant))
    action.refresh_from_db()
    builder.set_value(action, "status", {"status": "merged", "raw": "Merged"})
    assert action.continued_by == target
    builder.set_value(action, "status", {"status": "completed", "raw": "Done"})
    assert (action.status, action.merged_into) == ("completed", None)


def test_departments_of_several_actions_are_made_once():
    _outcome, actions = seven()
    DepartmentFactory(name="Parks")
    services.edit_actions(
        plan_of(actions[0]), versions(*actions), by=None, reason=REASON, accountable="parks"
    )
    assert Department.objects.filter(name__iexact="parks").count() == 1
