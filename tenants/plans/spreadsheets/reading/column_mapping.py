"""Corrections of the guessed columns by a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openpyxl.utils import column_index_from_string

from tenants.plans.spreadsheets.grid import Grid
from tenants.plans.spreadsheets.model import COLUMN_ROLES, Column, DateConventions, Layout
from tenants.plans.spreadsheets.reading.header_detection import guess_header_row, read_header
from tenants.plans.spreadsheets.reading.header_words import REPEATABLE_ROLES


def apply_column_mapping(
    grid: Grid, layout: Layout, mapping: Mapping[Any, Any], date_conventions: DateConventions
) -> Layout:
    """The layout of a sheet with a person's choices instead of the guess.

    `mapping` is {"A": "action", 3: "note"}, or {"Sheet": {"header_row": 2, "columns": {…}}}.

    Raises ValueError for a role or column that does not exist.
    """
    chosen: Any = (
        mapping.get(grid.name or "", mapping.get(grid.name)) if _is_keyed_by_sheet(mapping) else mapping
    )
    if not chosen:
        return layout
    columns = chosen.get("columns", {}) if "columns" in chosen or "header_row" in chosen else chosen
    row = chosen.get("header_row") if "columns" in chosen or "header_row" in chosen else None
    if row is not None or not layout.headers:
        row = int(row) if row is not None else guess_header_row(grid)
        layout = Layout([read_header(grid, row, date_conventions)], layout.score)
    roles = {_column_index(column): _check_role(role) for column, role in columns.items()}
    for header in layout.headers:
        for index, role in roles.items():
            column = header.columns.setdefault(index, Column(index, "", role))
            if role not in REPEATABLE_ROLES:
                for other in header.columns.values():
                    if other.role == role and other.index != index and other.index not in roles:
                        other.role = "note"
            column.role, column.is_explicit = role, True
    return layout if any(header.column_of("action") for header in layout.headers) else Layout()


def _is_keyed_by_sheet(mapping: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, Mapping) for value in mapping.values()) and "columns" not in mapping


def _column_index(column: Any) -> int:
    """The index of a column given as 3, "3" or "C"."""
    if isinstance(column, int):
        return column
    return int(column) if str(column).isdigit() else column_index_from_string(str(column))


def _check_role(role: str) -> str:
    if role not in COLUMN_ROLES:
        raise ValueError(f"unknown role {role!r}; expected one of {', '.join(COLUMN_ROLES)}")
    return role
