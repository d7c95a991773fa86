from __future__ import annotations

from dataclasses import dataclass, field

from openpyxl.utils import get_column_letter

Coordinates = tuple[int, int]  # row and column, both from 1


@dataclass(slots=True)
class Cell:
    """One filled cell. `text` is what a reader of the sheet sees; merged cells are one cell at their upper
    left.
    """

    row: int
    column: int
    text: str
    is_bold: bool = False
    fill: str = ""
    size: float = 0.0
    width: int = 1  # columns it stretches over
    height: int = 1  # rows it stretches over
    refused: str = ""  # why it cannot be used, with what to do about it

    @property
    def letter(self) -> str:
        return get_column_letter(self.column)


@dataclass(slots=True)
class Grid:
    """A sheet as a sparse grid. `name` is None for a CSV file."""

    name: str | None
    cells: dict[Coordinates, Cell] = field(default_factory=dict)
    covered: dict[Coordinates, Coordinates] = field(
        default_factory=dict
    )  # places under a merged cell, with its upper left
    is_hidden: bool = False
    has_open_quote: bool = False  # a CSV file with an odd number of quotation marks
    comments: list[tuple[int, int, str]] = field(default_factory=list)
    cleaned: list[Cell] = field(default_factory=list)  # cells that control characters were taken out of
    _rows: dict[int, list[Cell]] = field(default_factory=dict)
    _last_column: tuple[int, int] = (0, 0)  # how many cells there were, and the last column of those

    def at(self, row: int, column: int) -> Cell | None:
        """The filled cell seen at a place, also where a merged cell reaches it."""
        place = self.covered.get((row, column), (row, column))
        return self.cells.get(place)

    def row(self, number: int) -> list[Cell]:
        """The filled cells that begin in a row, from left to right."""
        return self._by_row().get(number, [])

    @property
    def rows(self) -> list[int]:
        return list(self._by_row())

    def _by_row(self) -> dict[int, list[Cell]]:
        if not self._rows:
            for place in sorted(self.cells):
                self._rows.setdefault(place[0], []).append(self.cells[place])
        return self._rows

    @property
    def last_column(self) -> int:
        if self._last_column[0] != len(self.cells):  # asked for every row: not counted again each time
            last = max(cell.column + cell.width - 1 for cell in self.cells.values())
            self._last_column = (len(self.cells), last)
        return self._last_column[1]

    @property
    def has_merges(self) -> bool:
        return bool(self.covered)
