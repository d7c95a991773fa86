from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

ACTION_STATUSES = {
    "not_started": "Not started",
    "on_track": "On track",
    "at_risk": "At risk",
    "off_track": "Off track",
    "on_hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "merged": "Merged",
}
ACTION_STAGES = {"normalize": "Normalize", "organize": "Organize", "operationalize": "Operationalize"}
MEASURE_KINDS = {"how_much": "How much", "how_well": "How well", "better_off": "Better off"}

# What a column may hold. A page that lets a person correct the guess offers these.
COLUMN_ROLES = (
    "action",
    "details",
    "number",
    "code",
    "goal",
    "outcome",
    "accountable",
    "support",
    "start",
    "timeline",
    "measures",
    "measures_how_much",
    "measures_how_well",
    "measures_better_off",
    "indicator",
    "status",
    "stage",
    "progress",
    "resources",
    "implementation_plan",
    "changes",
    "note",
    "ignore",
)


class SheetError(Exception):
    """A file that cannot be read as a plan.

    `str(error)` names the file or place, what is wrong and what to do.

    `sheets` holds what was seen of each sheet, so that a person can still say which column is which; it is
    empty
    where the file itself could not be opened.
    """

    def __init__(self, text: str, *, sheets: Iterable[SheetInfo] = ()) -> None:
        super().__init__(text)
        self.sheets = list(sheets)


@dataclass(frozen=True, slots=True)
class DateConventions:
    """What a city's dates mean. `date_order` is "month/day/year", "day/month/year" or "year/month/day"."""

    fiscal_year_starts_in_month: int = 7
    date_order: str = "month/day/year"


@dataclass(slots=True)
class Milestone:
    """A dated step. `due` is an ISO date, `measure` the place of the measure it belongs to, from 0."""

    due: str
    measure: int | None = None
    precision: str | None = None


@dataclass(slots=True)
class SheetNote:
    """Text kept under a label: a progress note ("FY26 Q2") or the cell of a column without a place of its
    own.
    """

    label: str
    text: str


@dataclass(slots=True)
class Action:
    """One action as the sheet has it. Dates are ISO strings; `row` counts from 1."""

    title: str
    details: str | None = None
    id: str | None = None
    sheet: str | None = None
    row: int | None = None
    number: str | None = None
    code: str | None = None
    accountable: list[str] = field(default_factory=list)
    support: list[str] = field(default_factory=list)
    owner_vacant_since: str | None = None
    accountability_raw: str = ""
    timeline_raw: str = ""
    start: str | None = None
    start_precision: str | None = None
    due: str | None = None
    due_precision: str | None = None
    continuous: bool = False
    milestones: list[Milestone] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    measure_kinds: list[str | None] = field(default_factory=list)
    progress_notes: list[SheetNote] = field(default_factory=list)
    status: str | None = None
    status_raw: str | None = None
    stage: str | None = None
    indicator_text: str | None = None
    resources: str | None = None
    implementation_plan: list[str] = field(default_factory=list)
    changes: str | None = None
    notes: list[SheetNote] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build an action from `dataclasses.asdict` or from the shorter shape of `as_json`; unknown keys
        are an error.
        """
        known = dict(data)
        known["milestones"] = [Milestone(**item) for item in data.get("milestones") or []]
        for name in ("progress_notes", "notes"):
            known[name] = [SheetNote(**item) for item in data.get(name) or []]
        for name in ("accountable", "support", "measures", "measure_kinds", "implementation_plan"):
            known[name] = list(data.get(name) or [])
        for name in ("accountability_raw", "timeline_raw"):
            known[name] = data.get(name) or ""
        return cls(**known)


@dataclass(slots=True)
class Outcome:
    title: str
    label: str | None = None
    id: str | None = None
    sheet: str | None = None
    row: int | None = None
    story: str | None = None
    notes: list[SheetNote] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        known = dict(data)
        known["notes"] = [SheetNote(**item) for item in data.get("notes") or []]
        known["actions"] = [Action.from_dict(item) for item in data.get("actions") or []]
        return cls(**known)


@dataclass(slots=True)
class Goal:
    title: str
    label: str | None = None
    id: str | None = None
    sheet: str | None = None
    row: int | None = None
    story: str | None = None
    department: str | None = None
    notes: list[SheetNote] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        known = dict(data)
        known["notes"] = [SheetNote(**item) for item in data.get("notes") or []]
        known["outcomes"] = [Outcome.from_dict(item) for item in data.get("outcomes") or []]
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person should look at.

    `kind`: no_date, several_parties, no_party, no_measure (one for each row at most), or
    ambiguous_date, unread_date, dates_reversed, unknown_status, unknown_stage, continued_row, no_goal,
    no_outcome, note_kept, other_sheet, hidden_sheet, comment, control_characters, encoding,
    open_quote, refused_cell.
    `level` is "warning", or "error" where a cell was refused.
    `column` is a letter, empty where the whole row is meant.
    """

    kind: str
    level: str
    sheet: str | None
    row: int | None
    column: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class CellDisposition:
    """What became of one cell that is not empty. `fate` is "imported", "noted" or "refused"."""

    sheet: str | None
    row: int
    column: str
    value: str
    disposition: str
    reason: str  # the role it was imported as, the label it was noted under, or why it was refused


@dataclass(slots=True)
class ColumnInfo:
    """One column as it was understood. `role` is one of ROLES, or "id" for the column our own export
    writes.
    """

    letter: str
    header: str
    role: str
    samples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SheetInfo:
    """One sheet of the file. `kind` is "plan", "other" (kept as notes) or "hidden" (kept as notes)."""

    name: str | None
    kind: str
    header_row: int | None = None
    columns: list[ColumnInfo] = field(default_factory=list)
    title: str = ""
    department: str | None = None


@dataclass(slots=True)
class ParseResult:
    """A file that was read: the tree, what became of every cell, and what a person should look at."""

    filename: str
    date_conventions: DateConventions
    goals: list[Goal] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    cells: list[CellDisposition] = field(default_factory=list)
    sheets: list[SheetInfo] = field(default_factory=list)

    @property
    def outcomes(self) -> Iterator[Outcome]:
        return (outcome for goal in self.goals for outcome in goal.outcomes)

    @property
    def actions(self) -> Iterator[Action]:
        return (action for outcome in self.outcomes for action in outcome.actions)

    @property
    def tree(self) -> list[dict[str, Any]]:
        """The goals as plain dicts with every field; `Goal.from_dict` reads them back."""
        return [dataclasses.asdict(goal) for goal in self.goals]

    @property
    def cell_counts(self) -> dict[str, int]:
        """{"total": 9, "imported": 6, "noted": 2, "refused": 1}"""
        counts = {"total": len(self.cells), "imported": 0, "noted": 0, "refused": 0}
        for cell in self.cells:
            counts[cell.disposition] += 1
        return counts

    def count(self, kind: str) -> int:
        return sum(message.kind == kind for message in self.messages)


def as_json(result: ParseResult) -> dict[str, Any]:
    """The result in the shape the import command prints.

    {"goals": 4, "outcomes": 9, "actions": 31, "cells": {"total", "imported", "noted", "refused"},
    "messages": [{"row", "column", "value", "text"}], "tree": [goal with outcomes with actions]}
    Fields that a sheet has no column for are left out of its actions.
    """
    is_one_sheet = len({message.sheet for message in result.messages}) < 2
    return {
        "goals": len(result.goals),
        "outcomes": sum(1 for _ in result.outcomes),
        "actions": sum(1 for _ in result.actions),
        "cells": result.cell_counts,
        "messages": [
            {
                "row": message.row,
                "column": message.column,
                "value": message.value,
                "text": message.text if is_one_sheet else f"{message.sheet}: {message.text}",
            }
            for message in result.messages
        ],
        "tree": compact_tree(result.goals),
    }


ALWAYS_INCLUDED = (
    "row",
    "title",
    "accountable",
    "timeline_raw",
    "start",
    "due",
    "due_precision",
    "continuous",
    "measures",
    "measure_kinds",
    "progress_notes",
    "status",
    "indicator_text",
)
# Left out when empty, one by one, or when no action of the sheet has any.
INCLUDED_IF_FILLED = ("id", "details", "milestones", "owner_vacant_since", "notes")
INCLUDED_IF_USED = (
    "sheet",
    "number",
    "code",
    "status_raw",
    "support",
    "stage",
    "resources",
    "implementation_plan",
    "changes",
)


def compact_tree(goals: Iterable[Goal]) -> list[dict[str, Any]]:
    """The goals as dicts without the fields that nothing was found for."""
    goals = list(goals)
    used: dict[str | None, set[str]] = {}
    for goal in goals:
        for outcome in goal.outcomes:
            for action in outcome.actions:
                found = used.setdefault(action.sheet, set())
                found.update(name for name in INCLUDED_IF_USED if getattr(action, name))
    return [_compact_goal(goal, used) for goal in goals]


def _compact_goal(goal: Goal, used: dict[str | None, set[str]]) -> dict[str, Any]:
    short = _compact_node(goal, ("id", "sheet", "story", "department", "notes"))
    short["outcomes"] = [
        _compact_node(outcome, ("id", "story", "notes"))
        | {"actions": [_compact_action(action, used[action.sheet]) for action in outcome.actions]}
        for outcome in goal.outcomes
    ]
    return short


def _compact_node(node: Goal | Outcome, optional: tuple[str, ...]) -> dict[str, Any]:
    full = dataclasses.asdict(node)
    return {name: full[name] for name in ("label", "title", "row")} | {
        name: full[name] for name in optional if full[name]
    }


def _compact_action(action: Action, used: set[str]) -> dict[str, Any]:
    full = dataclasses.asdict(action)
    short = {name: full[name] for name in ALWAYS_INCLUDED}
    short |= {name: full[name] for name in INCLUDED_IF_FILLED if full[name]}
    short |= {name: full[name] for name in INCLUDED_IF_USED if name in used}
    if "milestones" in short:
        short["milestones"] = [
            {"due": item["due"], "measure": item["measure"]} for item in short["milestones"]
        ]
    return short
