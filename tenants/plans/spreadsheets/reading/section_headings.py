"""Find the rows of a sheet that are headings, not actions."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from tenants.plans.spreadsheets.export_format import EMPTY_MARKER, EXPORT_ID
from tenants.plans.spreadsheets.grid import Cell, Grid
from tenants.plans.spreadsheets.model import Column, Header, Layout
from tenants.plans.spreadsheets.reading.label_parser import LabeledTitle, parse_label
from tenants.plans.spreadsheets.text import collapse_whitespace


@dataclass(slots=True)
class Heading:
    """A row that is not an action.

    `cells` are the label and title, or both in one; `other_cells` the others of the row. `exported_level` is the level
    that our own export wrote. Headings without an action between them have the same `run_index`. `level` is "goal",
    "outcome", "story", "note", "subsection" or "paragraph", set by `heading_levels.infer_levels`.
    """

    row: int
    labeled: LabeledTitle
    cells: list[Cell]
    other_cells: list[Cell]
    exported_level: str | None = None
    run_index: int = 0
    level: str = ""

    @property
    def format(self) -> tuple[object, ...]:
        """How the row looks: font, fill, position and width of its first cell."""
        first = self.cells[0]
        return (first.is_bold, first.size, first.fill, first.column, first.width > 1)


@dataclass(slots=True)
class HeadingFinder:
    """Tells the headings of one sheet from its actions.

    `_action_label` and `_number_label` are the kinds of label that most actions and most cells of the number column have.
    """

    grid: Grid
    layout: Layout
    _singles: dict[int, str] | None = None
    _action_label: str = "plain"
    _number_label: str = "plain"

    def find(self) -> dict[int, Heading]:
        """The headings by row, in order."""
        headings: dict[int, Heading] = {}
        run_index = 0
        was_heading = False
        self._action_label = self._common_label("action")
        self._number_label = self._common_label("number")
        header_rows = {
            row for header in self.layout.headers for row in range(header.row, header.last_row + 1)
        }
        first = self.layout.headers[0].row
        merged_headings = self._has_merged_headings()
        for row in self.grid.rows:
            if row in header_rows:
                continue
            header = self.layout.header_for(row)
            heading = self._heading(row, header, merged_headings)
            if (
                heading is not None
                and row < first
                and (header is not None or heading.labeled.kind not in ("goal", "outcome"))
            ):
                heading = None
            if heading is None:
                was_heading = False
                continue
            run_index += not was_heading
            heading.run_index, was_heading = run_index, True
            headings[row] = heading
        _resolve_roman_numerals(list(headings.values()))
        return headings

    def _has_merged_headings(self) -> bool:
        first = self.layout.headers[0].row
        return any(self._is_wide(cell) and cell.row > first for cell in self.grid.cells.values())

    def _is_wide(self, cell: Cell) -> bool:
        """Whether a merged cell covers half of the table's width."""
        return cell.width >= max(2, self.grid.last_column // 2)

    def _common_label(self, role: str) -> str:
        """The kind of label that most cells of a column have, in rows with several cells: "number3" for "1.1.1"."""
        kinds: Counter[str] = Counter()
        header = self.layout.headers[0]
        column = header.column_of(role)
        for row in self.grid.rows:
            if row <= header.last_row or column is None or len(self.grid.row(row)) < 3:
                continue
            cell = self.grid.cells.get((row, column.index))
            if cell is not None and cell.width == 1:
                text = f"{cell.text.rstrip('.:)')}. X" if self._is_bare_ordinal(cell.text) else cell.text
                kinds[parse_label(text.split("\n\n")[0]).kind] += 1
        return kinds.most_common(1)[0][0] if kinds else "plain"

    def _heading(self, row: int, header: Header | None, merged_headings: bool) -> Heading | None:
        cells = [cell for cell in self.grid.row(row) if not cell.refusal]
        exported_level = None
        if header is not None and header.is_export:
            id_column = header.column_of("id")
            id_cell = self.grid.cells.get((row, id_column.index)) if id_column else None
            match = EXPORT_ID.fullmatch(id_cell.text.strip()) if id_cell else None
            if match and match["kind"] == "action":
                return None
            exported_level = match["kind"] if match else None
            cells = [cell for cell in cells if cell is not id_cell]
        if not cells:
            return None
        first = cells[0]
        labeled, used = self._joined_label(cells, is_exported=exported_level is not None)
        heading = Heading(row, labeled, cells[:used], cells[used:], exported_level=exported_level)
        if exported_level:
            return heading
        action = header.column_of("action") if header else None
        if header is not None and action is not None:
            action_cell = self.grid.at(row, action.index)
            if action_cell is not None and action_cell.row < row:  # merged with the rows below it
                return None
        if len(cells) == 1:
            return heading if self._is_single_heading(first, heading, header, merged_headings) else None
        if len(cells) == 2 and used == 2 and action is not None and cells[1].column == action.index:
            # only "1.1" and "Hiring" beside it, above actions numbered 1.1.1
            return heading if _outranks(labeled.kind, self._number_label) else None
        if self._is_wide(first) and (
            action is None or not (first.column > 1 and first.column == action.index)
        ):
            return heading
        has_action = action is not None and any(cell.column == action.index for cell in cells[1:])
        if (
            labeled.kind in ("goal", "strategy", "outcome")
            and len(cells) <= 3
            and not (has_action and len(cells) > 2)
        ):
            role = header.columns[first.column].role if header and first.column in header.columns else ""
            others = {
                header.columns[cell.column].role
                for cell in cells[1:]
                if header and cell.column in header.columns
            }
            if role in ("goal", "outcome") or others & {"timeline", "measures", "accountable"}:
                return None
            if has_action and parse_label(first.text).title:
                return None
            return heading
        return None

    def _joined_label(self, cells: list[Cell], *, is_exported: bool) -> tuple[LabeledTitle, int]:
        """The heading and the number of its cells: "Goal 1" in one cell and its title in the next are one heading."""
        labeled = parse_label(cells[0].text)
        if len(cells) < 2:
            return labeled, 1
        label, title = collapse_whitespace(cells[0].text), collapse_whitespace(cells[1].text)
        if is_exported:
            return LabeledTitle(None if label == EMPTY_MARKER else label, title, "plain"), 2
        if not labeled.title or self._is_bare_ordinal(label):
            label = label.rstrip(".:) ")
            return LabeledTitle(label, title, parse_label(f"{label}. {title}").kind), 2
        return labeled, 1

    @staticmethod
    def _is_bare_ordinal(text: str) -> bool:
        return bool(re.fullmatch(r"\s*(?:\d{1,2}(?:\.\d{1,2})*|[A-Z])[.:)]?\s*", text))

    def _is_single_heading(
        self, cell: Cell, heading: Heading, header: Header | None, merged_headings: bool
    ) -> bool:
        """Whether a row with one filled cell is a heading, not an action or the continuation of one."""
        if header is None:
            return heading.labeled.kind in ("goal", "outcome")
        column = header.columns.get(cell.column)
        role = column.role if column else "note"
        kind = heading.labeled.kind
        if self._is_wide(cell):
            return True
        if role in ("goal", "outcome"):
            return False
        action = header.column_of("action")
        first_column = min(header.columns, default=1)
        if action is not None and cell.column == action.index:
            if kind in ("goal", "strategy", "outcome"):
                return True
            if kind == "action":
                return False
            if kind != "plain":
                return _outranks(kind, self._action_label)
            if self._is_between_headings(cell.row):
                return True
            if merged_headings:
                return cell.is_bold and not self._are_actions_bold(action)
            if action.index != first_column:
                return cell.is_bold and not self._are_actions_bold(action)
            return self._action_label != "plain" or self._is_beside_label(cell.row)
        if role in ("indicator", "number", "note") or cell.column <= first_column:
            if kind == "plain" and merged_headings and role == "indicator":
                return cell.is_bold
            if role == "number" and kind == "plain" and self._is_bare_ordinal(cell.text):
                return False
            return not (role == "note" and cell.column > first_column)
        return False

    def _is_between_headings(self, row: int) -> bool:
        """Whether the rows right above and below are labeled headings, as around the story of a goal."""
        rows = self.grid.rows
        index = rows.index(row)
        neighbors = [
            self.grid.row(number) for number in (*rows[index - 1 : index], *rows[index + 1 : index + 2])
        ]
        kinds = [parse_label(cells[0].text).kind for cells in neighbors if len(cells) == 1]
        return len(kinds) == 2 and all(
            kind not in ("plain", "action") and _outranks(kind, self._action_label) for kind in kinds
        )

    def _are_actions_bold(self, column: Column) -> bool:
        bold = [
            cell.is_bold
            for cell in self.grid.cells.values()
            if cell.column == column.index and cell.width == 1 and len(self.grid.row(cell.row)) > 2
        ]
        return sum(bold) * 2 > len(bold)

    def _is_beside_label(self, row: int) -> bool:
        """Whether a single cell without a label is a goal or outcome, because the other of the two has labels."""
        kinds = self._single_labels()
        labels = {kind for kind in kinds.values() if kind not in ("plain", "action")}
        if len(labels) > 1:  # goals and outcomes both have labels; this is an action
            return False
        if not labels:
            return True
        rows = self.grid.rows
        next_row = dict(pairwise(rows))
        next_kind = kinds.get(next_row.get(row, 0))
        if next_kind in labels:
            return True
        labeled_rows = [number for number, kind in kinds.items() if kind in labels]
        followed = sum(kinds.get(next_row.get(number, 0)) == "plain" for number in labeled_rows)
        return followed >= len(labeled_rows) * 0.6 and next_kind is None and row != rows[-1]

    def _single_labels(self) -> dict[int, str]:
        """The kind of label of each row with one cell, by row."""
        if self._singles is None:
            singles = {row: cells[0] for row in self.grid.rows if len(cells := self.grid.row(row)) == 1}
            self._singles = {row: parse_label(cell.text).kind for row, cell in singles.items()}
        return self._singles


def _resolve_roman_numerals(headings: list[Heading]) -> None:
    """A single I, V or X is a numeral where Roman numerals are used, and a letter between H and J."""
    kinds = [heading.labeled.kind for heading in headings]
    letters = [heading.labeled.label for heading in headings if heading.labeled.kind == "letter"]
    if "roman" not in kinds and letters[:1] != ["I"]:
        return
    last = ""
    for heading in headings:
        label = heading.labeled.label or ""
        if heading.labeled.kind == "letter":
            if label in ("I", "V", "X") and ord(last[:1] or " ") + 1 != ord(label):
                heading.labeled = LabeledTitle(label, heading.labeled.title, "roman")
            else:
                last = label


def _outranks(kind: str, action_label: str) -> bool:
    """Whether a label of this kind is above the actions: another kind than theirs, or a shorter number."""
    if kind.startswith("number") and action_label.startswith("number"):
        return kind < action_label
    return kind != action_label
