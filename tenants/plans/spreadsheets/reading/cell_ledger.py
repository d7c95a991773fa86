"""The disposition of every cell of a sheet: imported, noted or refused. No cell is dropped silently."""

from __future__ import annotations

from openpyxl.utils import get_column_letter

from tenants.plans.spreadsheets.grid import Cell, Coordinates, Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import CellDisposition, DateConventions, Message, ParseResult

MAX_VALUE_LENGTH = 200  # of a cell's text in a message


class ParseContext:
    """The file and the result that its sheets are collected in."""

    def __init__(self, filename: str, date_conventions: DateConventions) -> None:
        self.filename = filename
        self.date_conventions = date_conventions
        self.result = ParseResult(filename, date_conventions)

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
        value = value if len(value) <= MAX_VALUE_LENGTH else value[: MAX_VALUE_LENGTH - 1] + "…"
        self.result.messages.append(Message(kind, level, sheet, row, column, value, text))


class CellLedger:
    """Records what becomes of the cells of one sheet. The first record of a cell counts, but for a refusal."""

    def __init__(self, grid: Grid, context: ParseContext) -> None:
        self.grid = grid
        self.context = context
        self._dispositions: dict[Coordinates, tuple[str, str]] = {}

    def mark_imported(self, cell: Cell, role: str) -> None:
        if not cell.refusal:
            self._dispositions.setdefault((cell.row, cell.column), ("imported", role))

    def mark_noted(self, cell: Cell, label: str) -> None:
        if not cell.refusal:
            self._dispositions.setdefault((cell.row, cell.column), ("noted", label))

    def mark_ignored(self, cell: Cell) -> None:
        """Record a cell of a column that a person chose to leave out: refused, without a message."""
        self._dispositions[(cell.row, cell.column)] = ("refused", _("left out when the columns were matched"))

    def refuse(self, cell: Cell, reason: str) -> None:
        """Record a cell that cannot be used, with an error message."""
        self._dispositions[(cell.row, cell.column)] = ("refused", reason)
        coordinates = f"{cell.letter}{cell.row}"
        cell_name = f"{self.grid.name}!{coordinates}" if self.grid.name else coordinates
        self.warn(
            "refused_cell",
            cell.row,
            cell.letter,
            cell.text,
            _("Cell %(cell)s was not imported: %(reason)s.") % {"cell": cell_name, "reason": reason},
            level="error",
        )

    def warn(self, kind: str, row: int, column: str, value: str, text: str, level: str = "warning") -> None:
        self.context.warn(kind, self.grid.name, row, column, value, text, level)

    def close(self, *, is_plan: bool) -> None:
        """Add the cells to the result, with messages on the sheet. Cells without a record are notes of the sheet."""
        if self.grid.cells and not is_plan:
            self._warn_of_unused_sheet()
        for coordinates, cell in self.grid.cells.items():
            if cell.refusal and self._dispositions.get(coordinates, ("",))[0] != "refused":
                self.refuse(cell, cell.refusal)
            disposition, reason = self._dispositions.get(coordinates, ("noted", self.grid.name or ""))
            self.context.result.cells.append(
                CellDisposition(self.grid.name, cell.row, cell.letter, cell.text, disposition, reason)
            )
        for cell in self.grid.cleaned:
            self.warn(
                "control_characters",
                cell.row,
                cell.letter,
                cell.text,
                _("Invisible control characters were removed from this cell. Check its text."),
            )
        if self.grid.has_open_quote:
            text = _(
                "A quotation mark is opened and never closed; rows may have run together. Export the file again."
            )
            self.warn("open_quote", 1, "", '"', text)
        if is_plan:
            self._warn_of_comments()

    def _warn_of_unused_sheet(self) -> None:
        kind = "hidden_sheet" if self.grid.is_hidden else "other_sheet"
        text = (
            _(
                "The sheet “%(sheet)s” is hidden. It was not imported; its %(count)s cells are saved "
                "as notes. Show it in Excel if it belongs to the plan."
            )
            if self.grid.is_hidden
            else _(
                "The sheet “%(sheet)s” has no column for actions. It was not imported; its %(count)s "
                "cells are saved as notes."
            )
        )
        self.warn(kind, 1, "", "", text % {"sheet": self.grid.name or "", "count": len(self.grid.cells)})

    def _warn_of_comments(self) -> None:
        for row, column, text in self.grid.comments:
            self.warn(
                "comment",
                row,
                get_column_letter(column),
                text,
                _(
                    "The comment on this cell is not part of the plan and was not imported. To keep it, "
                    "put it in a cell."
                ),
            )
