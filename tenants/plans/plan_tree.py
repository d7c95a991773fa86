"""The plan of the active schema as the tree of the spreadsheet model, and the related rows of its actions."""

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
    PlanLogEntry,
    ProgressNote,
)


def read_tree(plan: Plan, *, with_retired: bool = False) -> list[spreadsheets.Goal]:
    """The goals of the plan in order, each item with its uuid as `id`; seven queries for a plan of any size.

    `with_retired` adds retired items, and the items under them, in their positions.
    """
    goals = Goal.objects.filter(plan=plan).order_by("position", "pk")
    outcomes = Outcome.objects.filter(goal__plan=plan).order_by("position", "pk")
    actions = Action.objects.filter(outcome__goal__plan=plan).order_by("position", "pk")
    if not with_retired:
        goals = goals.filter(retired_at=None)
        outcomes = outcomes.filter(retired_at=None)
        actions = actions.filter(retired_at=None)
    related = RelatedRows(plan)
    actions_by_outcome: dict[int, list[spreadsheets.Action]] = defaultdict(list)
    for action in actions.select_related("accountable"):
        actions_by_outcome[action.outcome_id].append(_action_node(action, related))
    outcomes_by_goal: dict[int, list[spreadsheets.Outcome]] = defaultdict(list)
    for outcome in outcomes:
        outcomes_by_goal[outcome.goal_id].append(
            spreadsheets.Outcome(**_heading_values(outcome), actions=actions_by_outcome[outcome.pk]),
        )
    return [
        spreadsheets.Goal(
            **_heading_values(goal), department=goal.department or None, outcomes=outcomes_by_goal[goal.pk]
        )
        for goal in goals
    ]


def retired_ids(plan: Plan) -> frozenset[str]:
    """The uuids of the plan's retired items, and of the items under them."""
    uuids: set[str] = set()
    for rows, parent_columns in (
        (Goal.objects.filter(plan=plan), []),
        (Outcome.objects.filter(goal__plan=plan), ["goal__retired_at"]),
        (
            Action.objects.filter(outcome__goal__plan=plan),
            ["outcome__retired_at", "outcome__goal__retired_at"],
        ),
    ):
        for uuid, *retired_at in rows.values_list("uuid", "retired_at", *parent_columns):
            if any(retired_at):
                uuids.add(str(uuid))
    return frozenset(uuids)


class RelatedRows:
    """Parties, measures, milestones and progress notes by action id: of a plan, or of the given action ids; four queries."""

    def __init__(self, plan: Plan | None = None, *, actions: Iterable[int] | None = None) -> None:
        condition: dict[str, Any] = (
            {"action__in": list(actions)} if actions is not None else {"action__outcome__goal__plan": plan}
        )
        self.parties: dict[int, list[ActionParty]] = defaultdict(list)
        self.measures: dict[int, list[PerformanceMeasure]] = defaultdict(list)
        self.milestones: dict[int, list[Milestone]] = defaultdict(list)
        self.progress_notes: dict[int, list[ProgressNote]] = defaultdict(list)
        for party in (
            ActionParty.objects.filter(**condition).select_related("department").order_by("position", "pk")
        ):
            self.parties[party.action_id].append(party)
        for measure in PerformanceMeasure.objects.filter(**condition).order_by("position", "pk"):
            self.measures[measure.action_id].append(measure)
        for milestone in Milestone.objects.filter(**condition).order_by("position", "pk"):
            self.milestones[milestone.action_id].append(milestone)
        for note in ProgressNote.objects.filter(**condition).order_by("position", "pk"):
            self.progress_notes[note.action_id].append(note)

    def department_names(self, action: Action, role: str) -> list[str]:
        return [party.department.name for party in self.parties[action.pk] if party.role == role]


def _heading_values(item: Goal | Outcome) -> dict[str, Any]:
    return {
        "id": str(item.uuid),
        "title": item.title,
        "label": item.label or None,
        "story": item.story or None,
        "notes": [spreadsheets.SheetNote(**note) for note in item.extra_columns],
        "sheet": item.source.get("sheet"),
        "row": item.source.get("row"),
    }


def _action_node(action: Action, related: RelatedRows) -> spreadsheets.Action:
    responsible = related.department_names(action, ActionParty.Role.RESPONSIBLE)
    code = action.source.get("code")
    is_code_number = bool(code) and action.number in ("", code)
    return spreadsheets.Action(
        id=str(action.uuid),
        sheet=action.source.get("sheet"),
        row=action.source.get("row"),
        title=action.title,
        details=action.details or None,
        number=None if is_code_number else action.number or None,
        code=code,
        accountable=([action.accountable.name] if action.accountable else []) + responsible,
        support=related.department_names(action, ActionParty.Role.SUPPORT),
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
            for step in related.milestones[action.pk]
        ],
        measures=[measure.text for measure in related.measures[action.pk]],
        measure_kinds=[measure.kind for measure in related.measures[action.pk]],
        progress_notes=[
            spreadsheets.SheetNote(label=note_label(note), text=note.text)
            for note in related.progress_notes[action.pk]
        ],
        status=action.status or None,
        status_raw=action.status_raw or None,
        stage=action.stage or None,
        indicator_text=action.indicator_text or None,
        resources=action.resources or None,
        implementation_plan=list(action.implementation_plan),
        changes=action.changes or None,
        notes=[spreadsheets.SheetNote(**note) for note in action.extra_columns],
    )


def former_notes(plan: Plan) -> dict[str, list[list[str]]]:
    """By uuid of the action, what older sheets say and the plan no longer does; two queries.

    [label, text] of each withdrawn note, and of each corrected one as it was before.
    """
    notes: dict[str, list[list[str]]] = defaultdict(list)
    withdrawn = ProgressNote.with_withdrawn.filter(action__outcome__goal__plan=plan).exclude(
        withdrawn_at=None
    )
    for note in withdrawn.select_related("action"):
        notes[str(note.action.uuid)].append([note_label(note), note.text])
    corrected = PlanLogEntry.objects.filter(verb="corrected", fields__has_key="progress_note")
    for uuid, fields in corrected.values_list("object_uuid", "fields"):
        old = fields["progress_note"][0]
        # The log does not say whether a note without a label was imported; if so, a sheet has no day for it.
        labels = [old["label"]] if old["label"] else ["", old["on"]]
        notes[str(uuid)] += [[label, old["text"]] for label in labels]
    return notes


def note_label(note: ProgressNote) -> str:
    """The period as the sheet names it; for a note written in the portal its day: "2026-03-01"."""
    if note.label or note.is_imported or note.noted_on is None:
        return note.label
    return note.noted_on.isoformat()


def format_vacancy(day: dt.date | None) -> str | None:
    """Month or day of a vacancy: "2026-03" for the first of a month, else "2026-03-15"."""
    if day is None:
        return None
    return day.isoformat()[:7] if day.day == 1 else day.isoformat()


def parse_vacancy(text: str | None) -> dt.date | None:
    """Day of a vacancy: the first day of "2026" or "2026-03", or the day itself."""
    if not text:
        return None
    year, *month_and_day = (int(number) for number in text.split("-"))
    return dt.date(year, *[*month_and_day, 1, 1][:2])
