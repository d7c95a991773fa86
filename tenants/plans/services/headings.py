"""Edit the plan itself; add and edit goals and outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import User
from tenants.plans import change_log
from tenants.plans.models import Goal, Outcome, Plan
from tenants.plans.services._common import (
    PlanItem,
    announce_plan,
    check_fields,
    check_parent,
    check_version,
    find_repeat,
    lock_item,
    lock_plan,
    log_added,
    next_position,
    save_and_log,
)

PLAN_FIELDS = frozenset(
    {
        "title",
        "summary",
        "vision",
        "period_start",
        "period_end",
        "cadence_days",
        "grace_days",
        "status_labels",
    }
)
GOAL_FIELDS = frozenset({"label", "title", "story", "department", "sectors"})
OUTCOME_FIELDS = frozenset({"label", "title", "story", "stage"})


@transaction.atomic
def edit_plan(plan: Plan, *, by: User | None, version: str = "", **fields: Any) -> Plan:
    """Change PLAN_FIELDS of the plan. Announces `plan_changed`.

    Raises EditConflict if it was changed since `version`, ValidationError for an invalid field.
    """
    check_fields(fields, PLAN_FIELDS, "edit_plan")
    plan = lock_plan(plan)
    return _edit(plan, plan, by=by, version=version, fields=fields)


@transaction.atomic
def add_goal(plan: Plan, *, by: User | None, **fields: Any) -> Goal:
    """Add a goal at the end of the plan. Announces `plan_changed`.

    Added twice with the same texts by the same person in a few minutes, it is the same goal, with `is_repeat`.
    """
    check_fields(fields, GOAL_FIELDS, "add_goal")
    plan = lock_plan(plan)
    if goal := find_repeat(plan.goals, fields, by=by):
        return goal
    goal = Goal(plan=plan, position=next_position(plan.goals.all()), **fields)
    return _add(goal, plan, by=by)


@transaction.atomic
def add_outcome(goal: Goal, *, by: User | None, **fields: Any) -> Outcome:
    """Add an outcome at the end of a goal, or return the same one as `add_goal` does. Announces `plan_changed`.

    Raises ValidationError for an invalid field, and for a goal that is retired.
    """
    check_fields(fields, OUTCOME_FIELDS, "add_outcome")
    goal, plan = lock_item(goal)
    if outcome := find_repeat(goal.outcomes, fields, by=by):
        return outcome
    check_parent(goal)
    position = next_position(goal.outcomes.all())
    outcome = Outcome(goal=goal, position=position, **fields)
    return _add(outcome, plan, by=by)


def _add(item: PlanItem, plan: Plan, *, by: User | None) -> PlanItem:
    item.created_by = item.updated_by = by
    item.full_clean()
    item.save()
    log_added(item, plan, by=by)
    announce_plan(plan)
    return item


@transaction.atomic
def edit_goal(goal: Goal, *, by: User | None, version: str = "", reason: str = "", **fields: Any) -> Goal:
    """Change GOAL_FIELDS of a goal. Announces `plan_changed`.

    Raises EditConflict, or ValidationError naming the field.
    """
    check_fields(fields, GOAL_FIELDS, "edit_goal")
    goal, plan = lock_item(goal)
    return _edit(goal, plan, by=by, version=version, reason=reason, fields=fields)


@transaction.atomic
def edit_outcome(
    outcome: Outcome, *, by: User | None, version: str = "", reason: str = "", **fields: Any
) -> Outcome:
    """Change OUTCOME_FIELDS of an outcome. Announces `plan_changed`.

    Raises EditConflict, or ValidationError naming the field.
    """
    check_fields(fields, OUTCOME_FIELDS, "edit_outcome")
    outcome, plan = lock_item(outcome)
    return _edit(outcome, plan, by=by, version=version, reason=reason, fields=fields)


def _edit(
    item: Any, plan: Plan, *, by: User | None, version: str, fields: Mapping[str, Any], reason: str = ""
) -> Any:
    check_version(item, version, by=by)
    before = change_log.snapshot(item)
    for name, value in fields.items():
        setattr(item, name, value)
    item.full_clean()
    if save_and_log(item, "edited", before, by=by, columns=fields, reason=reason):
        announce_plan(plan)
    return item
