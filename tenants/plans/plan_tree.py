"""A plan in the schema as the tree that sheets are read into and written from."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tenants.plans import spreadsheets
from tenants.plans.models import (
    Action,
    ActionParty,
    Goal,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    ProgressNote,
)


def read_tree(plan: Plan, *, with_retired: bool = False) -> list[spreadsheets.Goal]:
    """The plan in its order, each part with its uuid as `id`; seven queries for a plan of any size.

    `with_retired` adds retired parts, and what stands under them, in their places.
    """
    goals = Goal.objects.filter(plan=plan).order_by("position", "pk")
    outcomes = Outcome.objects.filter(goal__plan=plan).order_by("position", "pk")
    actions = Action.objects.filter(outcome__goal__plan=plan).order_by("position", "pk")
    if not with_retired:
        goals = goals.filter(retired_at=None)
        outcomes = outcomes.filter(retired_at=None)
        actions = actions.filter(retired_at=None)
    parts = RelatedRows(plan)
    below: dict[int, list[spreadsheets.Action]] = defaultdict(list)
    for action in actions.select_related("accountable"):
        below[action.outcome_id].append(_action(action, parts))
    middle: dict[int, list[spreadsheets.Outcome]] = defaultdict(list)
    for outcome in outcomes:
        middle[outcome.goal_id].append(
            spreadsheets.Outcome(**_heading(outcome), actions=below[outcome.pk]),
        )
    return [
        spreadsheets.Goal(**_heading(goal), department=goal.department or None, outcomes=middle[goal.pk])
        for goal in goals
    ]


def retired_ids(plan: Plan) -> frozenset[str]:
    """The uuids of the plan's retired parts, and of what stands under them."""
    found: set[str] = set()
    for rows, above in (
        (Goal.objects.filter(plan=plan), []),
        (Outcome.objects.filter(goal__plan=plan), ["goal__retired_at"]),
        (
            Action.objects.filter(outcome__goal__plan=plan),
            ["outcome__retired_at", "outcome__goal__retired_at"],
        ),
    ):
        for uuid, *moments in rows.values_list("uuid", "retired_at", *above):
            if any(moments):
                found.add(str(uuid))
    return frozenset(found)


class RelatedRows:
    """The rows below the actions of a plan, or of some of them, by action id."""

    def __init__(self, plan: Plan | None = None, *, actions: Iterable[int] | None = None) -> None:
        only: dict[str, Any] = (
            {"action__in": list(actions)} if actions is not None else {"action__outcome__goal__plan": plan}
        )
        self.parties: dict[int, list[ActionParty]] = defaultdict(list)
        self.measures: dict[int, list[PerformanceMeasure]] = defaultdict(list)
        self.milestones: dict[int, list[Milestone]] = defaultdict(list)
        self.notes: dict[int, list[ProgressNote]] = defaultdict(list)
        for party in (
            ActionParty.objects.filter(**only).select_related("department").order_by("position", "pk")
        ):
            self.parties[party.action_id].append(party)
        for measure in PerformanceMeasure.objects.filter(**only).order_by("position", "pk"):
            self.measures[measure.action_id].append(measure)
        for milestone in Milestone.objects.filter(**only).order_by("position", "pk"):
            self.milestones[milestone.action_id].append(milestone)
        for note in ProgressNote.objects.filter(**only).order_by("position", "pk"):
            self.notes[note.action_id].append(note)

    def named(self, action: Action, part: str) -> list[str]:
        return [party.department.name for party in self.parties[action.pk] if party.part == part]


def _heading(part: Goal | Outcome) -> dict[str, Any]:
    return {
        "id": str(part.uuid),
        "title": part.title,
        "label": part.label or None,
        "story": part.story or None,
        "notes": [spreadsheets.SheetNote(**note) for note in part.notes],
        "sheet": part.source.get("sheet"),
        "row": part.source.get("row"),
    }


def _action(action: Action, parts: RelatedRows) -> spreadsheets.Action:
    responsible = parts.named(action, ActionParty.Part.RESPONSIBLE)
    code = action.source.get("code")
    is_coded = bool(code) and action.number in ("", code)
    return spreadsheets.Action(
        id=str(action.uuid),
        sheet=action.source.get("sheet"),
        row=action.source.get("row"),
        title=action.title,
        details=action.details or None,
        number=None if is_coded else action.number or None,
        code=code,
        accountable=([action.accountable.name] if action.accountable else []) + responsible,
        support=parts.named(action, ActionParty.Part.SUPPORT),
        owner_vacant_since=format_vacancy(action.owner_vacant_since),
        accountability_raw=action.accountability_raw,
        timeline_raw=action.timeline_raw,
        start=action.start_date.isoformat() if action.start_date else None,
        start_precision=action.start_precision or None,
        due=action.due_date.isoformat() if action.due_date else None,
        due_precision=action.due_precision or None,
        continuous=action.is_continuous,
        milestones=[
            spreadsheets.Milestone(
                due=step.due_date.isoformat(), measure=step.measure_position, precision=step.due_precision
            )
            for step in parts.milestones[action.pk]
        ],
        measures=[measure.text for measure in parts.measures[action.pk]],
        measure_kinds=[measure.kind for measure in parts.measures[action.pk]],
        progress_notes=[
            spreadsheets.SheetNote(label=note_label(note), text=note.text) for note in parts.notes[action.pk]
        ],
        status=action.status or None,
        status_raw=action.status_raw or None,
        stage=action.stage or None,
        indicator_text=action.indicator_text or None,
        resources=action.resources or None,
        implementation_plan=list(action.implementation_plan),
        changes=action.changes or None,
        notes=[spreadsheets.SheetNote(**note) for note in action.notes],
    )


def note_label(note: ProgressNote) -> str:
    """The sheet's word for the period, or the day for a note written in the portal."""
    if note.label or note.is_imported or note.noted_on is None:
        return note.label
    return note.noted_on.isoformat()


def format_vacancy(day: dt.date | None) -> str | None:
    """ "2026-03" where only the month was meant, else the day."""
    if day is None:
        return None
    return day.isoformat()[:7] if day.day == 1 else day.isoformat()


def parse_vacancy(text: str | None) -> dt.date | None:
    """The first day of "2026" or "2026-03", or the day itself."""
    if not text:
        return None
    parts = [int(part) for part in text.split("-")]
    return dt.date(parts[0], *[*parts[1:], 1, 1][:2])
