"""A sheet as a sparse grid of cells, whatever file it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field

from openpyxl.utils import get_column_letter

Coordinates = tuple[int, int]  # row and column, both from 1


@dataclass(slots=True)
class Cell:
    """One filled cell with its displayed text. Merged cells are one cell, at their upper left corner.

    `width` and `height` count the columns and rows it covers. `refusal` is the reason why its text cannot be used,
    with the remedy; empty for most cells.
    """

    row: int
    column: int
    text: str
    is_bold: bool = False
    fill: str = ""
    size: float = 0.0
    width: int = 1
    height: int = 1
    refusal: str = ""

    @property
    def letter(self) -> str:
        return get_column_letter(self.column)


@dataclass(slots=True)
class Grid:
    """A sheet. `name` is None for a CSV file.

    `merged` maps the coordinates under a merged cell to those of its upper left corner. `has_open_quote` tells of a CSV
    file with an odd number of quotation marks, `cleaned` lists the cells that had control characters.
    """

    name: str | None
    cells: dict[Coordinates, Cell] = field(default_factory=dict)
    merged: dict[Coordinates, Coordinates] = field(default_factory=dict)
    is_hidden: bool = False
    has_open_quote: bool = False
    comments: list[tuple[int, int, str]] = field(default_factory=list)  # row, column, text
    cleaned: list[Cell] = field(default_factory=list)
    _rows: dict[int, list[Cell]] = field(default_factory=dict)
    _last_column: tuple[int, int] = (0, 0)  # cached: the number of cells then, and their last column

    def at(self, row: int, column: int) -> Cell | None:
        """The filled cell that shows at these coordinates, also where a merged cell covers them."""
        coordinates = self.merged.get((row, column), (row, column))
        return self.cells.get(coordinates)

    def row(self, number: int) -> list[Cell]:
        """The filled cells that begin in a row, from left to right."""
        return self._by_row().get(number, [])

    @property
    def rows(self) -> list[int]:
        """The numbers of the rows with a filled cell, ascending."""
        return list(self._by_row())

    def _by_row(self) -> dict[int, list[Cell]]:
        if not self._rows:
            for coordinates in sorted(self.cells):
                self._rows.setdefault(coordinates[0], []).append(self.cells[coordinates])
        return self._rows

    @property
    def last_column(self) -> int:
        """The last column that a cell covers, from 1; 0 for an empty grid."""
        if self._last_column[0] != len(self.cells):
            last = max(cell.column + cell.width - 1 for cell in self.cells.values())
            self._last_column = (len(self.cells), last)
        return self._last_column[1]
