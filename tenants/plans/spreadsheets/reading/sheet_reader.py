"""Turn the rows of one sheet into goals, outcomes and actions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tenants.plans.spreadsheets.export_format import EMPTY_MARKER, EXPORT_ID
from tenants.plans.spreadsheets.grid import Cell, Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import (
    Action,
    Column,
    Goal,
    Header,
    Layout,
    Outcome,
    SheetInfo,
    SheetNote,
)
from tenants.plans.spreadsheets.reading.cell_ledger import CellLedger, ParseContext
from tenants.plans.spreadsheets.reading.department_titles import department_in_title, is_generic
from tenants.plans.spreadsheets.reading.field_parser import ActionDraft
from tenants.plans.spreadsheets.reading.header_detection import header_cells
from tenants.plans.spreadsheets.reading.heading_levels import infer_levels
from tenants.plans.spreadsheets.reading.label_parser import LabeledTitle, parse_label
from tenants.plans.spreadsheets.reading.section_headings import Heading, HeadingFinder
from tenants.plans.spreadsheets.reading.sheet_description import describe_plan, describe_unparsed
from tenants.plans.spreadsheets.text import collapse_whitespace, is_empty_marker

# Read on their own, not as fields of an action.
TREE_ROLES = frozenset({"action", "goal", "outcome", "indicator"})
BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
BULLET_LINE = re.compile(r"\n\s*(?:[\u2022\u25e6\u25aa\u25cf\u2023*-]\s|\d{1,2}[.)]\s)")
LEADING_BULLET = re.compile(r"^[\u2022\u25e6\u25aa\u25cf\u2023]\s*")
FILE_EXTENSION = re.compile(r"\.\w{2,5}$")


class SheetParser:
    """Parses one sheet: `build` collects `goals`, and `drafts` of their actions with the cells to parse.

    The goal, outcome, action and indicator that the next rows belong to are kept from row to row.
    """

    def __init__(self, grid: Grid, layout: Layout, context: ParseContext) -> None:
        self.grid = grid
        self.layout = layout
        self.context = context
        self.ledger = CellLedger(grid, context)
        self.goals: list[Goal] = []
        self.drafts: list[ActionDraft] = []
        self.title = ""
        self.department: str | None = None
        self._goal: Goal | None = None
        self._outcome: Outcome | None = None
        self._draft: ActionDraft | None = None
        self._indicator: str | None = None
        self._section_notes: list[SheetNote] = []
        self._goals_by_title: dict[str, Goal] = {}
        self._outcomes_by_title: dict[tuple[int, str], Outcome] = {}

    # Rows

    def build(self, *, is_one_of_many: bool) -> None:
        """Collect the goals, outcomes and drafts of actions. `is_one_of_many`: other sheets have plans too."""
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
                    self.ledger.mark_imported(cell, "header")
                self._draft = None
                continue
            if row <= header_end:
                continue
            if row in headings:
                self._open_heading(row, headings[row], header)
            elif header is not None:
                self._read_row(row, header)

    def _read_titles(self, rows: Iterable[int], is_one_of_many: bool) -> None:
        """Read the rows above the table: the title of the sheet, and its department."""
        sheet_name = self.grid.name or ""
        for row in rows:
            for cell in self.grid.row(row):
                self.title = self.title or collapse_whitespace(cell.text)
                department = department_in_title(
                    cell.text, sheet_name=sheet_name, is_one_of_many=is_one_of_many
                )
                if department and not self.department:
                    self.department = department
                    self.ledger.mark_imported(cell, "department")
                else:
                    self.ledger.mark_noted(cell, _("title of the sheet"))
        is_export = self.layout.headers[0].is_export
        if (
            is_one_of_many
            and not is_export
            and not self.department
            and sheet_name
            and not is_generic(sheet_name)
        ):
            self.department = sheet_name

    # Headings

    def _open_heading(self, row: int, heading: Heading, header: Header | None) -> None:
        self._draft = None
        exported_id = self._exported_id(row, header)
        title, label = _title_and_label(heading.labeled)
        text = heading.cells[-1].text
        is_imported = heading.level in ("goal", "outcome") or (
            heading.level == "story" and self._goal is not None
        )
        if heading.level == "goal":
            self._start_goal(Goal(title=title, label=label, row=row, id=exported_id))
        elif heading.level == "outcome":
            goal = self._current_goal(row)
            self._start_outcome(goal, Outcome(title=title, label=label, row=row, id=exported_id))
        elif heading.level == "story" and self._goal is not None:
            parent: Goal | Outcome = self._outcome or self._goal
            parent.story = f"{parent.story}\n\n{text}" if parent.story else text
        elif heading.level == "note" and self._goal is not None:
            (self._outcome or self._goal).notes.append(SheetNote(label or "", text))
        elif heading.level == "subsection":
            self._section_notes = [SheetNote(_("Section"), collapse_whitespace(text))]
        else:
            self._warn_of_plain_text(row, heading.cells[0])
        for cell in heading.cells:
            if is_imported:
                self.ledger.mark_imported(cell, heading.level)
            else:
                self.ledger.mark_noted(cell, heading.level)
        for cell in heading.other_cells:
            self._note_on_heading(cell, header, heading.level)
        column = header.column_of("id") if header and header.is_export else None
        id_cell = self.grid.cells.get((row, column.index)) if column else None
        if id_cell is not None and id_cell not in heading.other_cells:
            self.ledger.mark_imported(id_cell, "id")

    def _warn_of_plain_text(self, row: int, cell: Cell) -> None:
        text = _("This row is not a goal, outcome or action. It was saved as a note.")
        self.ledger.warn("note_kept", row, cell.letter, cell.text, text)

    def _note_on_heading(self, cell: Cell, header: Header | None, level: str) -> None:
        column = header.columns.get(cell.column) if header else None
        label = column.label if column else cell.letter
        parent = self._outcome if level == "outcome" else self._goal
        if parent is not None:
            parent.notes.append(SheetNote(label, cell.text))
        self.ledger.mark_noted(cell, label)

    def _exported_id(self, row: int, header: Header | None) -> str | None:
        """The id that our own export wrote into a row."""
        if header is None or not header.is_export:
            return None
        column = header.column_of("id")
        cell = self.grid.cells.get((row, column.index)) if column else None
        match = EXPORT_ID.fullmatch(cell.text.strip()) if cell else None
        return (match["id"] or None) if match else None

    def _start_goal(self, goal: Goal) -> Goal:
        goal.sheet, goal.department = self.grid.name, self.department
        self.goals.append(goal)
        return self._enter_goal(goal)

    def _enter_goal(self, goal: Goal) -> Goal:
        if goal is not self._goal:
            self._goal, self._outcome, self._indicator, self._section_notes = goal, None, None, []
        return goal

    def _start_outcome(self, goal: Goal, outcome: Outcome) -> Outcome:
        outcome.sheet = self.grid.name
        goal.outcomes.append(outcome)
        return self._enter_outcome(outcome)

    def _enter_outcome(self, outcome: Outcome) -> Outcome:
        if outcome is not self._outcome:
            self._outcome, self._indicator, self._section_notes = outcome, None, []
        return outcome

    def _current_goal(self, row: int) -> Goal:
        """The goal that a row belongs to. Without one above it, the title of the sheet becomes a goal."""
        if self._goal is not None:
            return self._goal
        title = collapse_whitespace(
            self.title or self.grid.name or FILE_EXTENSION.sub("", self.context.filename)
        )
        text = _(
            "There is no goal above this row. We used “%(title)s” as the goal; rename it after the import."
        )
        self.ledger.warn("no_goal", row, "", "", text % {"title": title})
        return self._start_goal(Goal(title=title, row=row))

    def _current_outcome(self, row: int) -> Outcome:
        """The outcome that a row belongs to. Without one above it, the goal's title becomes an outcome."""
        goal = self._current_goal(row)
        if self._outcome is not None:
            return self._outcome
        text = _(
            "There is no outcome above this row. We used the goal’s wording, “%(title)s”. After the import, write "
            "what should change for people."
        )
        self.ledger.warn("no_outcome", row, "", "", text % {"title": goal.title})
        return self._start_outcome(goal, Outcome(title=goal.title, row=row))

    # Actions

    def _read_row(self, row: int, header: Header) -> None:
        action_column = header.column_of("action")
        action = self.grid.at(row, action_column.index) if action_column else None
        filled = []
        for cell in self.grid.row(row):
            if cell.refusal:
                self.ledger.refuse(cell, cell.refusal)
            else:
                filled.append(cell)
        if action is not None and action.refusal:
            self._draft = None
            for cell in filled:
                self.ledger.refuse(
                    cell, _("the action in this row was not imported. Correct the action and import again")
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
            self._read_parent_columns(row, header)
            self._read_indicator(row, header)
            for cell in filled:
                self.ledger.mark_imported(cell, roles[cell.column])
            return
        if self._draft is not None and set(roles.values()) - {"number", "note", "ignore", "goal", "outcome"}:
            action_row = self._draft.action.row
            self._continue_action(row, header)
            self.ledger.warn(
                "continued_row",
                row,
                "",
                "",
                _("This row has no action of its own; its cells were added to the action of row %(row)s.")
                % {"row": action_row},
            )
            return
        if set(roles.values()) <= {"number", "note", "ignore", "id"}:
            for cell in filled:
                self.ledger.mark_noted(
                    cell, header.columns[cell.column].label if cell.column in header.columns else cell.letter
                )
                self.ledger.warn(
                    "note_kept",
                    row,
                    cell.letter,
                    cell.text,
                    _("This row has no action. The cell was saved as a note."),
                )
            return
        action = header.column_of("action")
        for cell in filled:
            self.ledger.refuse(
                cell,
                _("the row has no action. Write the action into column %(column)s, or delete the row")
                % {"column": action.letter if action else "?"},
            )

    def _read_parent_columns(self, row: int, header: Header) -> None:
        """Enter the goal and outcome in a row's own columns: repeated in each row, merged, or written once."""
        cell = self._parent_cell(row, header, "goal")
        if cell is not None:
            goal_key = collapse_whitespace(cell.text).casefold()
            if goal_key not in self._goals_by_title:
                title, label = _title_and_label(parse_label(cell.text))
                self._goals_by_title[goal_key] = self._start_goal(Goal(title=title, label=label, row=row))
            self._enter_goal(self._goals_by_title[goal_key])
        cell = self._parent_cell(row, header, "outcome")
        if cell is not None:
            goal = self._current_goal(row)
            outcome_key = (id(goal), collapse_whitespace(cell.text).casefold())
            if outcome_key not in self._outcomes_by_title:
                title, label = _title_and_label(parse_label(cell.text))
                self._outcomes_by_title[outcome_key] = self._start_outcome(
                    goal, Outcome(title=title, label=label, row=row)
                )
            self._enter_outcome(self._outcomes_by_title[outcome_key])

    def _parent_cell(self, row: int, header: Header, role: str) -> Cell | None:
        column = header.column_of(role)
        cell = self.grid.at(row, column.index) if column else None
        if cell is None or cell.refusal:
            return None
        self.ledger.mark_imported(cell, role)
        return cell

    def _read_indicator(self, row: int, header: Header) -> None:
        column = header.column_of("indicator")
        cell = self.grid.at(row, column.index) if column else None
        if cell is None or cell.refusal:
            return
        self.ledger.mark_imported(cell, "indicator")
        is_empty = cell.text == EMPTY_MARKER if header.is_export else is_empty_marker(cell.text)
        self._indicator = None if is_empty else cell.text

    def _open_action(self, row: int, header: Header, cell: Cell) -> None:
        self._read_parent_columns(row, header)
        outcome = self._current_outcome(row)
        self._read_indicator(row, header)
        first, _gap, rest = BLANK_LINE.sub("\n\n", cell.text.strip(), count=1).partition("\n\n")
        bullet = BULLET_LINE.search(first)
        if bullet and not header.is_export:
            first, rest = first[: bullet.start()], f"{first[bullet.start() :]}\n\n{rest}"
        title = collapse_whitespace(first)
        if not header.is_export:
            title = LEADING_BULLET.sub("", title)
        action = Action(
            title=title,
            details=rest.strip() or None,
            row=row,
            sheet=self.grid.name,
            id=self._exported_id(row, header),
        )
        if header.column_of("code") is None:
            self._take_code(action)
        action.indicator_text = self._indicator
        action.notes = [SheetNote(note.label, note.text) for note in self._section_notes]
        self._draft = ActionDraft(action, header)
        self.drafts.append(self._draft)
        outcome.actions.append(action)
        self.ledger.mark_imported(cell, "action")
        self._collect(row, header, self._draft)

    @staticmethod
    def _take_code(action: Action) -> None:
        """Move a label in front of the title to the code: 1.1.2 of "1.1.2. Pay fees"."""
        labeled = parse_label(action.title)
        if labeled.label and labeled.title and labeled.kind not in ("goal", "strategy", "outcome", "plain"):
            if labeled.kind == "action":
                number = re.search(r"\S+$", labeled.label)
                action.code, action.title = number[0] if number else labeled.label, labeled.title
            else:
                action.code, action.title = labeled.label, labeled.title

    def _continue_action(self, row: int, header: Header) -> None:
        if self._draft is not None:
            self._collect(row, header, self._draft)

    def _collect(self, row: int, header: Header, draft: ActionDraft) -> None:
        """Add the cells of a row to a draft, by role. A merged cell belongs to every action beside it."""
        for index in sorted(header.columns):
            column = header.columns[index]
            cell = self.grid.at(row, index)
            if cell is None or cell.refusal or cell.column != index or column.role in TREE_ROLES:
                continue
            if cell.row != row and any(cell is other for other, _column in draft.cells.get(column.role, [])):
                continue
            draft.cells.setdefault(column.role, []).append((cell, column))
            if column.role == "ignore":
                self.ledger.mark_ignored(cell)
            elif column.role == "note":
                self.ledger.mark_noted(cell, column.label)
            else:
                self.ledger.mark_imported(cell, column.role)
        for cell in self.grid.row(row):
            if cell.column not in header.columns and not cell.refusal:
                column = Column(cell.column, "", "note")
                draft.cells.setdefault("note", []).append((cell, column))
                self.ledger.mark_noted(cell, column.label)

    # Result

    def close(self) -> None:
        """Add the dispositions of the cells to the result."""
        self.ledger.close(is_plan=bool(self.layout.headers))

    def describe(self) -> SheetInfo:
        if not self.layout.headers:
            return describe_unparsed(self.grid)
        return describe_plan(self.grid, self.layout.headers[0], title=self.title, department=self.department)


def _title_and_label(labeled: LabeledTitle) -> tuple[str, str | None]:
    """Title and label of a heading. A label without a title ("Goal 1") is the title."""
    return (labeled.title, labeled.label) if labeled.title else (labeled.label or "", None)
