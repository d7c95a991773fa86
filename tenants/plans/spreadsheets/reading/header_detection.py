"""Find the header rows of a sheet, whatever the wording and the order of its columns."""

from __future__ import annotations

import re

from tenants.plans.spreadsheets.grid import Cell, Grid
from tenants.plans.spreadsheets.model import Column, DateConventions, Header, Layout
from tenants.plans.spreadsheets.reading.column_roles import assign_export_roles, assign_roles, is_export
from tenants.plans.spreadsheets.reading.header_words import PLAN_COLUMNS, guess_role, normalize_header

MAX_SEARCHED_ROWS = 60
MIN_SCORE, MIN_SCORE_OF_NEW_TABLE = 3, 5
# What an action column may be called; also a column that holds it where no header says "action".
ACTION_COLUMNS = frozenset({"action", "outcome", "goal", "details", "implementation_plan"})


def detect_layout(grid: Grid, date_conventions: DateConventions, *, needs_action: bool = True) -> Layout:
    """The header rows of a sheet, none if the sheet does not look like a plan.

    Without `needs_action`, a column of long texts is taken for the actions where no header names them.
    """
    rows = grid.rows
    best_row, best_score = 0, 0
    for row in rows[:MAX_SEARCHED_ROWS]:
        score = _header_score(grid, row, needs_action=needs_action)
        if score > best_score:
            best_row, best_score = row, score
    if best_score < MIN_SCORE:
        return Layout()
    headers = [read_header(grid, best_row, date_conventions)]
    signature = _header_signature(grid, best_row)
    for row in rows:
        if row <= headers[-1].last_row or row <= best_row:
            continue
        if _header_signature(grid, row) == signature:
            headers.append(Header(row, headers[0].columns, is_export=headers[0].is_export))
        elif _starts_new_table(grid, row):
            headers.append(read_header(grid, row, date_conventions))
    layout = Layout(headers, best_score)
    return layout if any(header.column_of("action") for header in headers) else Layout()


def _header_score(grid: Grid, row: int, *, needs_action: bool = True) -> int:
    """The number of different roles that a row names as a header would; 0 for a row that cannot be a header."""
    cells = grid.row(row)
    if len(cells) < 2 or any(cell.width > 1 and cell.width >= grid.last_column - 1 for cell in cells):
        return 0
    roles: set[str] = set()
    for cell in cells:
        first = cell.text.split("\n")[0]
        if len(first) > 80 or len(cell.text) > 400 or re.search(r"[.;]\s+\w", first):
            return 0 if len(first) > 160 else max(0, len(roles) - 2)
        role = guess_role(cell.text)
        if role:
            roles.add(role)
    named = {"measures" if role.startswith("measures_") else role for role in roles}
    if not named & ACTION_COLUMNS:
        return len(named & PLAN_COLUMNS) if not needs_action else 0
    if len(named & PLAN_COLUMNS) == 0:
        return 0
    return len(named) + (1 if "action" in named else 0)


def _starts_new_table(grid: Grid, row: int) -> bool:
    """Whether a row below the header starts a table with other columns: nearly all its cells are header words."""
    cells = grid.row(row)
    if len(cells) < 4 or _header_score(grid, row) < MIN_SCORE_OF_NEW_TABLE:
        return False
    header_words = sum(
        1 for cell in cells if len(cell.text.split("\n")[0]) <= 40 and guess_role(cell.text.split("\n")[0])
    )
    return header_words >= len(cells) - 1


def _header_signature(grid: Grid, row: int) -> tuple[str, ...]:
    """The texts of a row, to recognize a header that is repeated."""
    return tuple(normalize_header(cell.text) for cell in grid.row(row))


def read_header(grid: Grid, row: int, date_conventions: DateConventions) -> Header:
    """The header in a row, with the rows it continues in and the roles of its columns."""
    texts: dict[int, str] = {}
    last_row = row
    for column in range(1, grid.last_column + 1):
        cell = grid.at(row, column)
        if cell is not None:
            texts[column] = cell.text
            if cell.column == column:
                last_row = max(last_row, min(row + cell.height - 1, row + 3))
    if _has_two_rows(grid, row):
        last_row = max(last_row, row + 1)
    for below in range(row + 1, last_row + 1):
        for cell in grid.row(below):
            above = texts.get(cell.column, "")
            texts[cell.column] = f"{cell.text}\n{above}".strip() if above else cell.text
    header = Header(row, {}, last_row)
    header.columns = {index: Column(index, text, "note") for index, text in texts.items()}
    if is_export(grid, header):
        header.is_export = True
        assign_export_roles(header)
    else:
        assign_roles(grid, header, date_conventions)
    return header


def _has_two_rows(grid: Grid, row: int) -> bool:
    """Whether a header has two rows: cells of the upper one are merged above the names in the lower one."""
    wide = [cell for cell in grid.row(row) if 1 < cell.width < grid.last_column]
    below = grid.row(row + 1)
    if not wide or not below:
        return False
    lower = [
        cell for cell in below if any(top.column <= cell.column < top.column + top.width for top in wide)
    ]
    return len(lower) >= 2 and all(len(cell.text) <= 60 for cell in below) and len(lower) >= len(below) - 1


def guess_header_row(grid: Grid) -> int:
    """The row that looks like the header where no words are known: the first of three or more short cells.

    Without one, the first filled row.
    """
    for row in grid.rows[:MAX_SEARCHED_ROWS]:
        cells = grid.row(row)
        if len(cells) >= 3 and all(len(cell.text) <= 120 for cell in cells):
            return row
    return grid.rows[0] if grid.rows else 1


def header_cells(grid: Grid, header: Header) -> list[Cell]:
    """The cells of all rows of a header."""
    return [cell for row in range(header.row, header.last_row + 1) for cell in grid.row(row)]
