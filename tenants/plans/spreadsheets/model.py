"""The plan as the spreadsheets have it: the tree, the layout of a sheet, and the result of reading a file.

The trees of imports and exports are stored with the field names as keys: to rename a field of Goal, Outcome, Action,
Milestone or SheetNote, `from_dict` has to accept the old name too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from openpyxl.utils import get_column_letter

from tenants.plans.spreadsheets.text import collapse_whitespace

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

# The roles of a column that a person can choose from, where the guess was wrong.
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

    `str(error)` names the file or cell, what is wrong and what to do. `sheets` describes the sheets, so that a person
    can still say which column is which; it is empty where the file itself could not be opened.
    """

    def __init__(self, text: str, *, sheets: Iterable[SheetInfo] = ()) -> None:
        super().__init__(text)
        self.sheets = list(sheets)


@dataclass(frozen=True, slots=True)
class DateConventions:
    """How a city writes dates. `date_order` is "month/day/year", "day/month/year" or "year/month/day"."""

    fiscal_year_starts_in_month: int = 7
    date_order: str = "month/day/year"


@dataclass(slots=True)
class Milestone:
    """A dated step. `due` is an ISO date, `measure` the index of the measure it belongs to, from 0."""

    due: str
    measure: int | None = None
    precision: str | None = None


@dataclass(slots=True)
class SheetNote:
    """Text under a label: a progress note ("FY26 Q2") or the cell of a column without a role."""

    label: str
    text: str


@dataclass(slots=True)
class Action:
    """One action of a sheet. Dates are ISO strings; `row` counts from 1."""

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
        """An action from `dataclasses.asdict` or from the shorter dict of `as_json`. TypeError for unknown keys."""
        fields = dict(data)
        fields["milestones"] = [Milestone(**item) for item in data.get("milestones") or []]
        for name in ("progress_notes", "notes"):
            fields[name] = [SheetNote(**item) for item in data.get(name) or []]
        for name in ("accountable", "support", "measures", "measure_kinds", "implementation_plan"):
            fields[name] = list(data.get(name) or [])
        for name in ("accountability_raw", "timeline_raw"):
            fields[name] = data.get(name) or ""
        return cls(**fields)


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
        fields = dict(data)
        fields["notes"] = [SheetNote(**item) for item in data.get("notes") or []]
        fields["actions"] = [Action.from_dict(item) for item in data.get("actions") or []]
        return cls(**fields)


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
        fields = dict(data)
        fields["notes"] = [SheetNote(**item) for item in data.get("notes") or []]
        fields["outcomes"] = [Outcome.from_dict(item) for item in data.get("outcomes") or []]
        return cls(**fields)


@dataclass(slots=True)
class Column:
    """One column of a table: its index from 1, its header as written, and its role."""

    index: int
    header: str
    role: str
    is_explicit: bool = False  # chosen by a person
    has_label: bool = False  # the header is the label of a note, even where it is empty

    @property
    def letter(self) -> str:
        return get_column_letter(self.index)

    @property
    def label(self) -> str:
        """The first line of the header: the label of notes from this column."""
        first = next((line for line in self.header.split("\n") if line.strip()), "")
        return collapse_whitespace(first)[:40] or ("" if self.has_label else f"Column {self.letter}")


@dataclass(slots=True)
class Header:
    """A header row and its columns by index. A header may stretch over several rows, to `last_row`."""

    row: int
    columns: dict[int, Column]
    last_row: int = 0
    is_export: bool = False  # of our own export, with an id column

    def __post_init__(self) -> None:
        self.last_row = self.last_row or self.row

    def column_of(self, role: str) -> Column | None:
        """The first column with this role."""
        return next((column for column in self.columns.values() if column.role == role), None)

    def columns_of(self, *roles: str) -> list[Column]:
        return [column for _index, column in sorted(self.columns.items()) if column.role in roles]


@dataclass(slots=True)
class Layout:
    """The header rows of a sheet from top to bottom; a header may be repeated above every goal."""

    headers: list[Header] = field(default_factory=list)
    score: int = 0

    def header_for(self, row: int) -> Header | None:
        """The last header at or above a row."""
        return next((header for header in reversed(self.headers) if header.row <= row), None)


@dataclass(frozen=True, slots=True)
class Message:
    """A warning or an error for a person to check.

    `kind`: no_date, several_parties, no_party, no_measure (at most one of each for a row), or
    ambiguous_date, unread_date, dates_reversed, unknown_status, unknown_stage, continued_row, no_goal,
    no_outcome, note_kept, other_sheet, hidden_sheet, comment, control_characters, encoding,
    open_quote, refused_cell.
    `level` is "warning", or "error" where a cell was refused.
    `column` is a letter, empty for the whole row.
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
    """What became of one cell that is not empty.

    `disposition` is "imported", "noted" or "refused". `reason` is the role it was imported as, the label it was noted
    under, or why it was refused.
    """

    sheet: str | None
    row: int
    column: str
    value: str
    disposition: str
    reason: str


@dataclass(slots=True)
class ColumnInfo:
    """One column of a sheet. `role` is one of COLUMN_ROLES, or of export_format.EXPORT_COLUMNS or "id" in our own export."""

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
    """A file that was read: the tree, the disposition of every cell, and messages for a person to check."""

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
        """The goals as dicts with every field; `Goal.from_dict` is the inverse."""
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
