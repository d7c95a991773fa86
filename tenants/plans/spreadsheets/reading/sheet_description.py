"""Descriptions of the sheets of a file, for a person to check and correct the guessed columns."""

from __future__ import annotations

from tenants.plans.spreadsheets.grid import Grid
from tenants.plans.spreadsheets.model import Column, ColumnInfo, Header, SheetInfo
from tenants.plans.spreadsheets.reading.header_detection import guess_header_row

MAX_SAMPLES = 3
MAX_DESCRIBED_COLUMNS = 60


def describe_plan(grid: Grid, header: Header, *, title: str, department: str | None) -> SheetInfo:
    """A sheet with a plan, with the columns of its first header."""
    columns = []
    for index, column in sorted(header.columns.items()):
        samples = [
            cell.text
            for row in grid.rows
            if row > header.last_row and (cell := grid.cells.get((row, index))) and cell.width == 1
        ]
        columns.append(ColumnInfo(column.letter, column.header, column.role, samples[:MAX_SAMPLES]))
    return SheetInfo(grid.name, "plan", header.row, columns, title, department)


def describe_unparsed(grid: Grid) -> SheetInfo:
    """A sheet without a plan, with its likely header, so that a person can choose the columns."""
    row = guess_header_row(grid)
    info = SheetInfo(name=grid.name, kind="hidden" if grid.is_hidden else "other", header_row=row)
    for index in range(1, min(grid.last_column, MAX_DESCRIBED_COLUMNS) + 1):
        header_cell = grid.at(row, index)
        samples = [
            cell.text for number in grid.rows if number > row and (cell := grid.cells.get((number, index)))
        ]
        if header_cell or samples:
            column = Column(index, header_cell.text if header_cell else "", "note")
            info.columns.append(ColumnInfo(column.letter, column.header, "note", samples[:MAX_SAMPLES]))
    return info
