"""The text that a spreadsheet program displays in a cell."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from tenants.plans.spreadsheets.grid import Cell, Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.text import CONTROL_CHARACTERS, MAX_CELL_CHARACTERS, clean_text

SHOWN_CHARACTERS = 200  # of a text that is too long to use


def add_cell(grid: Grid, row: int, column: int, text: str, refusal: str = "") -> Cell | None:
    """Add a cell to a grid; None for a blank text. A text that is too long is cut and refused."""
    clean = clean_text(text).replace("\t", " ")
    if not clean.strip():
        return None
    cell = Cell(row=row, column=column, text=clean.strip(" \n"), refusal=refusal)
    if len(clean) > MAX_CELL_CHARACTERS:
        cell.text, cell.refusal = (
            clean[:SHOWN_CHARACTERS],
            _("more text than one cell can hold. Split it into several cells"),
        )
    if CONTROL_CHARACTERS.search(text):
        grid.cleaned.append(cell)
    grid.cells[(row, column)] = cell
    return cell


def displayed_value(source: Any) -> tuple[str, str]:
    """The text of a cell of openpyxl, and the reason why it cannot be used ("" where it can)."""
    value = source.value
    if value is None:
        return "", ""
    if source.data_type == "e":
        return str(value), _("an error instead of a value. Correct the formula and save the file")
    if isinstance(value, bool):
        return ("Yes" if value else "No"), ""
    if isinstance(value, dt.datetime | dt.date):
        return _displayed_date(value, source.number_format or ""), ""
    if isinstance(value, dt.time | dt.timedelta):
        return str(value), ""
    if isinstance(value, int | float):
        return _displayed_number(value, source.number_format or ""), ""
    return str(value), ""


def _displayed_date(value: dt.datetime | dt.date, number_format: str) -> str:
    """A date as ISO text; where its format shows no day, the month or the year: "December 2026"."""
    pattern = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", number_format.lower())
    if "d" not in pattern and "y" in pattern:
        return f"{value:%B %Y}" if "m" in pattern else f"{value:%Y}"
    return f"{value:%Y-%m-%d}"


def _displayed_number(value: int | float, number_format: str) -> str:
    text = f"{value:.15g}" if isinstance(value, float) and not value.is_integer() else str(int(value))
    pattern = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", number_format.split(";")[0])
    if "%" in pattern:
        digits = len(pattern.partition(".")[2].split("%")[0])
        return f"{value * 100:.{digits}f}%"
    if "," in pattern or "$" in number_format:
        digits = min(4, len(re.sub(r"[^0#]", "", pattern.partition(".")[2])))
        amount = f"{abs(value):,.{digits}f}" if "," in pattern else f"{abs(value):.{digits}f}"
        sign = "-" if value < 0 else ""
        return f"{sign}${amount}" if "$" in number_format else f"{sign}{amount}"
    return text
