"""One sheet on its way into the tree: rows become goals, outcomes and actions, and every cell has a fate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tenants.plans.spreadsheets.grid import Cell, Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import (
    Action,
    CellDisposition,
    ColumnInfo,
    DateConventions,
    Goal,
    Message,
    Outcome,
    ParseResult,
    SheetInfo,
    SheetNote,
)
from tenants.plans.spreadsheets.reading.field_parser import ActionDraft
from tenants.plans.spreadsheets.reading.header_detection import (
    EMPTY_MARKER,
    EXPORT_ID,
    Column,
    Header,
    Layout,
    guess_header_row,
    header_cells,
)
from tenants.plans.spreadsheets.reading.label_parser import (
    LabeledTitle,
    collapse_whitespace,
    is_empty_marker,
    parse_label,
)
from tenants.plans.spreadsheets.reading.section_headings import Heading, HeadingFinder, infer_levels

GENERIC_SHEET_NAME = re.compile(
    r"(?:sheet|tab|table|page|plan|action|goal|reap|gare|racial|equity|data|export|draft|final|main|"
    r"master|\W|\d|s\b|of)+",
    re.IGNORECASE,
)
BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
PLAN_TITLE_WORDS = re.compile(
    r"\b(plan|phase|version|draft|updated?|fy ?\d\d|20\d\d|goals?|actions?|racial|equity)\b", re.IGNORECASE
)
DEPARTMENT_WORDS = re.compile(
    r"\b(department|dept|office|division|bureau|library|agency|district|authority|court|commission|"
    r"services?)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class ParseContext:
    """What is collected over all sheets."""

    filename: str
    date_conventions: DateConventions
    result: ParseResult = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.result = ParseResult(self.filename, self.date_conventions)

    def warn(
        self,
        kind: str,
        sheet: str | None,
        row: int | None,
        column: str,
        value: str,
        text: str,
        level: str = "warning",
    ) -> None:
        value = value if len(value) <= 200 else value[:199] + "…"
        self.result.messages.append(Message(kind, level, sheet, row, column, value, text))


class SheetParser:
    """One sheet on its way into the tree."""

    def __init__(self, grid: Grid, layout: Layout, reading: ParseContext) -> None:
        self.grid = grid
        self.layout = layout
        self.reading = reading
        self.goals: list[Goal] = []
        self.drafts: list[ActionDraft] = []
        self.title = ""
        self.department: str | None = None
        self._fates: dict[tuple[int, int], tuple[str, str]] = {}
        self._goal: Goal | None = None
        self._outcome: Outcome | None = None
        self._draft: ActionDraft | None = None
        self._indicator: str | None = None
        self._deeper: list[SheetNote] = []
        self._flat_goals: dict[str, Goal] = {}
        self._flat_outcomes: dict[tuple[int, str], Outcome] = {}

    # What becomes of the cells

    def _import(self, cell: Cell, role: str) -> None:
        if not cell.refused:
            self._fates.setdefault((cell.row, cell.column), ("imported", role))

    def _note(self, cell: Cell, label: str) -> None:
        if not cell.refused:
            self._fates.setdefault((cell.row, cell.column), ("noted", label))

    def _refuse(self, cell: Cell, reason: str, kind: str = "refused_cell") -> None:
        self._fates[(cell.row, cell.column)] = ("refused", reason)
        self.warn(
            kind,
            cell.row,
            cell.letter,
            cell.text,
            _("Cell %(place)s was left out: %(reason)s.") % {"place": self._place(cell), "reason": reason},
            level="error",
        )

    def _place(self, cell: Cell) -> str:
        place = f"{cell.letter}{cell.row}"
        return f"{self.grid.name}!{place}" if self.grid.name else place

    def warn(self, kind: str, row: int, column: str, value: str, text: str, level: str = "warning") -> None:
        self.reading.warn(kind, self.grid.name, row, column, value, text, level)

    def account_for_rest(self) -> None:
        """Cells that found no place are notes of the sheet; nothing is dropped."""
        if self.grid.cells and not self.layout.headers:
            kind = "hidden_sheet" if self.grid.is_hidden else "other_sheet"
            text = (
                _(
                    "The sheet “%(sheet)s” is hidden. It was not imported; its %(count)s cells are kept "
                    "as notes. Show it in Excel if it belongs to the plan."
                )
                if self.grid.is_hidden
                else _(
                    "The sheet “%(sheet)s” has no column for actions. It was not imported; its %(count)s "
                    "cells are kept as notes."
                )
            )
            self.warn(kind, 1, "", "", text % {"sheet": self.grid.name or "", "count": len(self.grid.cells)})
        for place, cell in self.grid.cells.items():
            if cell.refused and self._fates.get(place, ("",))[0] != "refused":
                self._refuse(cell, cell.refused)
            disposition, reason = self._fates.get(place, ("noted", self.grid.name or ""))
            self.reading.result.cells.append(
                CellDisposition(self.grid.name, cell.row, cell.letter, cell.text, disposition, reason)
            )
        for cell in self.grid.cleaned:
            self.warn(
                "control_characters",
                cell.row,
                cell.letter,
                cell.text,
                _("Invisible control characters were taken out of this cell. Check its text."),
            )
        if self.grid.has_open_quote:
            text = _(
                "A quotation mark is opened and never closed; rows may have run together. Export the file again."
            )
            self.warn("open_quote", 1, "", '"', text)
        if self.layout.headers:
            for row, column, text in self.grid.comments:
                self.warn(
                    "comment",
                    row,
                    Column(column, "", "").letter,
                    text,
                    _(
                        "The comment on this cell is not part of the plan and was not imported. Put it "
                        "into a cell if it should be kept."
                    ),
                )

    # Rows

    def build(self, *, is_one_of_many: bool) -> None:
        """Turn the rows into goals, outcomes and drafts of actions."""
        headings = HeadingFinder(self.grid, self.layout).find()
        infer_levels(list(headings.values()))
        first = self.layout.headers[0].row
        self._read_titles(
            [row for row in self.grid.rows if row < first and row not in headings], is_one_of_many
        )
        headers = {header.row: header for header in self.layout.headers}
        header: Header | None = None
        header_end = 0
        for row in self.grid.rows:
            if row in headers:
                header = headers[row]
                header_end = header.last_row
                for cell in header_cells(self.grid, header):
                    self._import(cell, "header")
                self._draft = None
                continue
            if row <= header_end:
                continue
            if row in headings:
                self._open_heading(row, headings[row], header)
            elif header is not None:
                self._read_row(row, header)

    def _read_titles(self, rows: Iterable[int], is_one_of_many: bool) -> None:
        for row in rows:
            for cell in self.grid.row(row):
                self.title = self.title or collapse_whitespace(cell.text)
                self._note(cell, _("title of the sheet"))
                found = self._department_in(cell.text, is_one_of_many)
                if found and not self.department:
                    self.department = found
                    self._fates[(cell.row, cell.column)] = ("imported", "department")
        if (
            is_one_of_many
            and not self.layout.headers[0].is_export
            and not self.department
            and self.grid.name
            and not GENERIC_SHEET_NAME.fullmatch(self.grid.name)
        ):
            self.department = self.grid.name

    def _department_in(self, text: str, is_one_of_many: bool) -> str | None:
        """The department in "Tallow County - Department of Public Health - Action Plan" or "Department:
        Fire".
        """
        match = re.fullmatch(
            r"(?:department|office|division|agency|bureau)(?: name)?\s*:\s*(\S.*)",
            collapse_whitespace(text),
            re.IGNORECASE,
        )
        if match:
            return match[1][:160]
        parts = [
            part.strip() for part in re.split(r"\s+[-\u2013\u2014|]\s+|\s*:\s+|\n", text) if part.strip()
        ]
        if not is_one_of_many or len(parts) < 2:
            return None
        words = set(re.findall(r"\w{3,}", (self.grid.name or "").lower()))
        scored = []
        for part in parts:
            shared = len(words & set(re.findall(r"\w{3,}", part.lower())))
            score = (
                3 * shared + 2 * bool(DEPARTMENT_WORDS.search(part)) - 3 * bool(PLAN_TITLE_WORDS.search(part))
            )
            scored.append((score, part))
        best = max(scored, key=lambda item: item[0])
        return best[1][:160] if best[0] > 0 else None

    # Headings

    def _open_heading(self, row: int, heading: Heading, header: Header | None) -> None:
        self._draft = None
        identity = self._identity(row, header)
        title, label = _title_and_label(heading.labeled)
        text = heading.cells[-1].text
        is_imported = heading.level in ("goal", "outcome") or (
            heading.level == "story" and self._goal is not None
        )
        if heading.level == "goal":
            self._start_goal(Goal(title=title, label=label, row=row, id=identity))
        elif heading.level == "outcome":
            goal = self._need_goal(row)
            self._start_outcome(goal, Outcome(title=title, label=label, row=row, id=identity))
        elif heading.level == "story" and self._goal is not None:
            target: Goal | Outcome = self._outcome or self._goal
            target.story = f"{target.story}\n\n{text}" if target.story else text
        elif heading.level == "note" and self._goal is not None:
            (self._outcome or self._goal).notes.append(SheetNote(label or "", text))
        elif heading.level == "deeper":
            self._deeper = [SheetNote(_("Section"), collapse_whitespace(text))]
        else:
            self._warn_of_remark(row, heading.cells[0])
        for cell in heading.cells:
            if is_imported:
                self._import(cell, heading.level)
            else:
                self._note(cell, heading.level)
        for cell in heading.beside:
            self._keep_on_heading(cell, header, heading.level)
        column = header.first("id") if header and header.is_export else None
        id_cell = self.grid.cells.get((row, column.index)) if column else None
        if id_cell is not None and id_cell not in heading.beside:
            self._import(id_cell, "id")

    def _warn_of_remark(self, row: int, cell: Cell) -> None:
        text = _(
            "This row is neither a goal nor an outcome nor an action. It was kept as a note of the sheet."
        )
        self.warn("note_kept", row, cell.letter, cell.text, text)

    def _keep_on_heading(self, cell: Cell, header: Header | None, level: str) -> None:
        column = header.columns.get(cell.column) if header else None
        label = column.label if column else cell.letter
        target = self._outcome if level == "outcome" else self._goal
        if target is not None:
            target.notes.append(SheetNote(label, cell.text))
        self._note(cell, label)

    def _identity(self, row: int, header: Header | None) -> str | None:
        if header is None or not header.is_export:
            return None
        column = header.first("id")
        cell = self.grid.cells.get((row, column.index)) if column else None
        match = EXPORT_ID.fullmatch(cell.text.strip()) if cell else None
        return (match["id"] or None) if match else None

    def _start_goal(self, goal: Goal) -> Goal:
        goal.sheet, goal.department = self.grid.name, self.department
        self.goals.append(goal)
        return self._enter_goal(goal)

    def _enter_goal(self, goal: Goal) -> Goal:
        if goal is not self._goal:
            self._goal, self._outcome, self._indicator, self._deeper = goal, None, None, []
        return goal

    def _start_outcome(self, goal: Goal, outcome: Outcome) -> Outcome:
        outcome.sheet = self.grid.name
        goal.outcomes.append(outcome)
        return self._enter_outcome(outcome)

    def _enter_outcome(self, outcome: Outcome) -> Outcome:
        if outcome is not self._outcome:
            self._outcome, self._indicator, self._deeper = outcome, None, []
        return outcome

    def _need_goal(self, row: int) -> Goal:
        """Without a goal row, the sheet itself stands for the goal."""
        if self._goal is not None:
            return self._goal
        title = collapse_whitespace(
            self.title or self.grid.name or re.sub(r"\.\w{2,5}$", "", self.reading.filename)
        )
        text = _(
            "No goal stands above this row. “%(title)s” was taken as the goal; name it after the import."
        )
        self.warn("no_goal", row, "", "", text % {"title": title})
        return self._start_goal(Goal(title=title, row=row))

    def _need_outcome(self, row: int) -> Outcome:
        """Without an outcome row, the goal's words stand for the outcome."""
        goal = self._need_goal(row)
        if self._outcome is not None:
            return self._outcome
        text = _(
            "No outcome stands above this row. The goal's words, “%(title)s”, were taken; write what should "
            "change for people after the import."
        )
        self.warn("no_outcome", row, "", "", text % {"title": goal.title})
        return self._start_outcome(goal, Outcome(title=goal.title, row=row))

    # Actions

    def _read_row(self, row: int, header: Header) -> None:
        action_column = header.first("action")
        action = self.grid.at(row, action_column.index) if action_column else None
        filled = []
        for cell in self.grid.row(row):
            if cell.refused:
                self._refuse(cell, cell.refused)
            else:
                filled.append(cell)
        if action is not None and action.refused:
            self._draft = None
            for cell in filled:
                self._refuse(
                    cell, _("the action of this row was left out. Correct the action and import again")
                )
        elif action is not None and action.row == row:
            self._open_action(row, header, action)
        elif action is not None and self._draft is not None:
            self._continue_action(row, header)
        elif filled:
            self._read_row_without_action(row, header, filled)

    def _read_row_without_action(self, row: int, header: Header, filled: list[Cell]) -> None:
        roles = {
            cell.column: header.columns[cell.column].role if cell.column in header.columns else "note"
            for cell in filled
        }
        if set(roles.values()) <= {"goal", "outcome", "indicator"}:
            self._read_flat(row, header)
            self._read_indicator(row, header)
            for cell in filled:
                self._import(cell, roles[cell.column])
            return
        if self._draft is not None and set(roles.values()) - {"number", "note", "ignore", "goal", "outcome"}:
            place = self._draft.action.row
            self._continue_action(row, header)
            self.warn(
                "continued_row",
                row,
                "",
                "",
                _("This row has no action of its own; its cells were added to the action of row %(row)s.")
                % {"row": place},
            )
            return
        if set(roles.values()) <= {"number", "note", "ignore", "id"}:
            for cell in filled:
                self._note(
                    cell, header.columns[cell.column].label if cell.column in header.columns else cell.letter
                )
                self.warn(
                    "note_kept",
                    row,
                    cell.letter,
                    cell.text,
                    _("This row has no action. The cell was kept as a note of the sheet."),
                )
            return
        action = header.first("action")
        for cell in filled:
            self._refuse(
                cell,
                _("the row has no action. Write the action into column %(column)s, or delete the row")
                % {"column": action.letter if action else "?"},
            )

    def _read_flat(self, row: int, header: Header) -> None:
        """Goals and outcomes in columns of their own, repeated, merged or written once."""
        cell = self._flat_cell(row, header, "goal")
        if cell is not None:
            name = collapse_whitespace(cell.text).casefold()
            if name not in self._flat_goals:
                title, label = _title_and_label(parse_label(cell.text))
                self._flat_goals[name] = self._start_goal(Goal(title=title, label=label, row=row))
            self._enter_goal(self._flat_goals[name])
        cell = self._flat_cell(row, header, "outcome")
        if cell is not None:
            goal = self._need_goal(row)
            place = (id(goal), collapse_whitespace(cell.text).casefold())
            if place not in self._flat_outcomes:
                title, label = _title_and_label(parse_label(cell.text))
                self._flat_outcomes[place] = self._start_outcome(
                    goal, Outcome(title=title, label=label, row=row)
                )
            self._enter_outcome(self._flat_outcomes[place])

    def _flat_cell(self, row: int, header: Header, role: str) -> Cell | None:
        column = header.first(role)
        cell = self.grid.at(row, column.index) if column else None
        if cell is None or cell.refused:
            return None
        self._import(cell, role)
        return cell

    def _read_indicator(self, row: int, header: Header) -> None:
        column = header.first("indicator")
        cell = self.grid.at(row, column.index) if column else None
        if cell is None or cell.refused:
            return
        self._import(cell, "indicator")
        is_empty = cell.text == EMPTY_MARKER if header.is_export else is_empty_marker(cell.text)
        self._indicator = None if is_empty else cell.text

    def _open_action(self, row: int, header: Header, cell: Cell) -> None:
        self._read_flat(row, header)
        outcome = self._need_outcome(row)
        self._read_indicator(row, header)
        first, _gap, rest = BLANK_LINE.sub("\n\n", cell.text.strip(), count=1).partition("\n\n")
        bulleted = re.search(r"\n\s*(?:[\u2022\u25e6\u25aa\u25cf\u2023*-]\s|\d{1,2}[.)]\s)", first)
        if bulleted and not header.is_export:
            first, rest = first[: bulleted.start()], f"{first[bulleted.start() :]}\n\n{rest}"
        title = collapse_whitespace(first)
        if not header.is_export:
            title = re.sub(r"^[\u2022\u25e6\u25aa\u25cf\u2023]\s*", "", title)
        action = Action(
            title=title,
            details=rest.strip() or None,
            row=row,
            sheet=self.grid.name,
            id=self._identity(row, header),
        )
        if header.first("code") is None:
            self._take_code(action)
        action.indicator_text = self._indicator
        action.notes = [SheetNote(note.label, note.text) for note in self._deeper]
        self._draft = ActionDraft(action, header)
        self.drafts.append(self._draft)
        outcome.actions.append(action)
        self._import(cell, "action")
        self._collect(row, header, self._draft)

    @staticmethod
    def _take_code(action: Action) -> None:
        """ "1.1.2. Pay fees" has the code 1.1.2."""
        labeled = parse_label(action.title)
        if labeled.label and labeled.title and labeled.kind not in ("goal", "strategy", "outcome", "plain"):
            if labeled.kind == "action":
                mark = re.search(r"\S+$", labeled.label)
                action.code, action.title = mark[0] if mark else labeled.label, labeled.title
            else:
                action.code, action.title = labeled.label, labeled.title

    def _continue_action(self, row: int, header: Header) -> None:
        if self._draft is not None:
            self._collect(row, header, self._draft)

    def _collect(self, row: int, header: Header, draft: ActionDraft) -> None:
        """Put the cells of a row under their roles. A merged cell reaches every action it stands beside."""
        for index in sorted(header.columns):
            column = header.columns[index]
            cell = self.grid.at(row, index)
            if cell is None or cell.refused or (cell.column != index and cell.row != row):
                continue
            if cell.column != index or column.role in ("action", "goal", "outcome", "indicator"):
                continue
            if cell.row != row and any(cell is seen for seen, _column in draft.texts.get(column.role, [])):
                continue
            draft.texts.setdefault(column.role, []).append((cell, column))
            if column.role == "ignore":
                self._fates[(cell.row, cell.column)] = ("refused", _("left out in the mapping"))
            elif column.role == "note":
                self._note(cell, column.label)
            else:
                self._import(cell, column.role)
        for cell in self.grid.row(row):
            if cell.column not in header.columns and not cell.refused:
                column = Column(cell.column, "", "note")
                draft.texts.setdefault("note", []).append((cell, column))
                self._note(cell, column.label)

    # For the page that shows the guess

    def info(self) -> SheetInfo:
        kind = "plan" if self.layout.headers else "hidden" if self.grid.is_hidden else "other"
        if kind != "plan":
            return describe_unparsed(self.grid, self.reading.date_conventions)
        header = self.layout.headers[0]
        columns = []
        for index, column in sorted(header.columns.items()):
            samples = [
                cell.text
                for row in self.grid.rows
                if row > header.last_row and (cell := self.grid.cells.get((row, index))) and cell.width == 1
            ]
            columns.append(ColumnInfo(column.letter, column.header, column.role, samples[:3]))
        return SheetInfo(self.grid.name, kind, header.row, columns, self.title, self.department)


def describe_unparsed(grid: Grid, date_conventions: DateConventions) -> SheetInfo:
    """A sheet that was not understood, with its likely header, for a person to say what its columns are."""
    row = guess_header_row(grid)
    info = SheetInfo(name=grid.name, kind="hidden" if grid.is_hidden else "other", header_row=row)
    for index in range(1, min(grid.last_column, 60) + 1):
        cell = grid.at(row, index)
        samples = [
            found.text for number in grid.rows if number > row and (found := grid.cells.get((number, index)))
        ]
        if cell or samples:
            column = Column(index, cell.text if cell else "", "note")
            info.columns.append(ColumnInfo(column.letter, column.header, "note", samples[:3]))
    return info


def _title_and_label(labeled: LabeledTitle) -> tuple[str, str | None]:
    """A label alone ("Goal 1") is the title, for want of another."""
    return (labeled.title, labeled.label) if labeled.title else (labeled.label or "", None)
