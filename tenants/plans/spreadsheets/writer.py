"""Write a plan in the layout that cities share, with an id column, so that the file can be read back as the same plan.

Every text is written as text, never as a formula. No-break spaces hold what the layout has no cell for: inside a name,
that it is one party ("A and B"); at the end of a cell, that the words are the portal's and not the sheet's. The reader
understands both; a person who types over a cell removes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tenants.plans.spreadsheets.action_cells import ActionCells
from tenants.plans.spreadsheets.export_format import EMPTY_MARKER, ID_COLUMN
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import DateConventions, Goal, Outcome, SheetError
from tenants.plans.spreadsheets.reading.label_parser import format_label, parse_label
from tenants.plans.spreadsheets.text import (
    CONTROL_CHARACTERS,
    MAX_CELL_CHARACTERS,
    clean_text,
    collapse_whitespace,
)

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
MAX_SHEET_NAME_LENGTH = 31
MAX_TITLE_LENGTH = 255  # of a workbook's properties
LINE_HEIGHT = 18  # of a merged row, in points
CHARACTERS_PER_LINE = 160


def write_xlsx(
    goals: Iterable[Goal | Mapping[str, Any]],
    target: str | Path | IO[bytes],
    *,
    title: str = "",
    date_conventions: DateConventions | None = None,
) -> None:
    """Write the goals to an XLSX file.

    `goals` are Goal objects or dicts as of `ParseResult.tree`. Consecutive goals of one sheet and department share a
    sheet. `date_conventions` must be those the file will be read with. Raises SheetError where a text is longer than a
    cell can hold.
    """
    tree = [goal if isinstance(goal, Goal) else Goal.from_dict(goal) for goal in goals]
    cells = ActionCells(tree, date_conventions or DateConventions())
    book = xlsxwriter.Workbook(
        str(target) if isinstance(target, Path) else target,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    try:
        if title:
            book.set_properties({"title": title[:MAX_TITLE_LENGTH]})
        formats = _CellFormats(book)
        for name, department, goals_of_sheet in _group_by_sheet(tree):
            sheet = _SheetWriter(book.add_worksheet(name), formats)
            _write_sheet(sheet, cells, goals_of_sheet, title=title, department=department)
    finally:
        book.close()


def _group_by_sheet(tree: list[Goal]) -> list[tuple[str, str | None, list[Goal]]]:
    """Consecutive goals of one sheet and department, with a name that a workbook accepts and the department."""
    groups: list[tuple[tuple[str | None, str | None], list[Goal]]] = []
    for goal in tree:
        key = (goal.sheet, goal.department)
        if groups and groups[-1][0] == key:
            groups[-1][1].append(goal)
        else:
            groups.append((key, [goal]))
    taken: set[str] = set()
    return [
        (_sheet_name(sheet or department or _("Plan"), taken), department, goals)
        for (sheet, department), goals in groups or [((None, None), [])]
    ]


def _sheet_name(title: str, taken: set[str]) -> str:
    """A valid name for a sheet that is not in `taken`, which it is added to."""
    plain = CONTROL_CHARACTERS.sub("", re.sub(r"[\[\]:*?/\\]", " ", collapse_whitespace(title)))
    plain = plain.strip(" '")[:MAX_SHEET_NAME_LENGTH].strip(" '") or "Plan"
    if plain.lower() == "history":  # reserved by Excel
        plain = "Plan history"
    name, count = plain, 2
    while name.lower() in taken:
        ending = f" ({count})"
        name, count = plain[: MAX_SHEET_NAME_LENGTH - len(ending)] + ending, count + 1
    taken.add(name.lower())
    return name


class _CellFormats:
    """The formats of a workbook. Texts that look like formulas get the prefix that marks them as text."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._formats: dict[tuple[str, bool], Format] = {}
        border = {"border": 1, "border_color": "#A9AEB1"}
        wrapped = {"text_wrap": True, "valign": "top"}
        self._properties: dict[str, dict[str, Any]] = {
            "title": {"bold": True, "font_size": 14},
            "department": {"bold": True, "font_size": 12},
            "header": {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1B1B1B"} | wrapped | border,
            "goal": {"bold": True, "font_size": 13, "bg_color": "#D9E8F6"} | wrapped | border,
            "outcome": {"bold": True, "bg_color": "#F0F0F0"} | wrapped | border,
            "story": {"italic": True} | wrapped | border,
            "note": wrapped | border,
            "cell": wrapped | border,
            "id": {"font_color": "#71767A", "font_size": 8} | wrapped,
        }

    def get(self, kind: str, text: str) -> Format:
        looks_like_formula = text.startswith(FORMULA_STARTS)
        key = (kind, looks_like_formula)
        if key not in self._formats:
            prefix = {"quote_prefix": True} if looks_like_formula else {}
            self._formats[key] = self._book.add_format(self._properties[kind] | prefix)
        return self._formats[key]


@dataclass(slots=True)
class _SheetWriter:
    """Writes the cells of one sheet. Rows and columns count from 0."""

    sheet: Worksheet
    formats: _CellFormats

    def write(self, row: int, column: int, text: str, kind: str) -> None:
        text = _check_length(clean_text(text))
        self.sheet.write_string(row, column, text, self.formats.get(kind, text))

    def merge(self, area: tuple[int, int, int, int], text: str, kind: str) -> None:
        """Write a merged cell. `area` is first row and column, last row and column."""
        top, left, bottom, right = area
        text = _check_length(clean_text(text))
        cell_format = self.formats.get(kind, text)
        if (top, left) == (bottom, right):
            self.sheet.write_string(top, left, text, cell_format)
            return
        self.sheet.merge_range(top, left, bottom, right, "", cell_format)
        self.sheet.write_string(top, left, text, cell_format)

    def merge_row(self, row: int, last: int, kind: str, texts: list[str]) -> None:
        """Write the texts from the left; the last one is merged up to the column before `last`."""
        for column, text in enumerate(texts[:-1]):
            self.write(row, column, text, kind)
        self.merge((row, len(texts) - 1, row, last - 1), texts[-1], kind)
        lines = sum(1 + len(line) // CHARACTERS_PER_LINE for line in texts[-1].split("\n"))
        self.sheet.set_row(row, LINE_HEIGHT * lines)


def _check_length(text: str) -> str:
    if len(text) > MAX_CELL_CHARACTERS:
        raise SheetError(
            _(
                "The text “%(text)s…” has %(count)s characters; a cell holds %(limit)s. Shorten it and export again."
            )
            % {"text": text[:40], "count": len(text), "limit": MAX_CELL_CHARACTERS}
        )
    return text


def _write_sheet(
    writer: _SheetWriter, cells: ActionCells, goals: list[Goal], *, title: str, department: str | None
) -> None:
    columns = cells.columns
    id_column = len(columns)
    row = 0
    if title:
        writer.write(row, 0, title, "title")
        row += 1
    if department:
        writer.write(row, 0, f"Department: {department}", "department")
        row += 1
    sheet = writer.sheet
    for index, (_role, header, width) in enumerate([*columns, ID_COLUMN]):
        writer.write(row, index, header, "header")
        sheet.set_column(index, index, width)
    sheet.freeze_panes(row + 1, 0)
    sheet.repeat_rows(row)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    row += 1
    for goal in goals:
        row = _write_heading(writer, row, id_column, "goal", goal)
        for outcome in goal.outcomes:
            row = _write_heading(writer, row, id_column, "outcome", outcome)
            row = _write_actions(writer, row, cells, outcome)


def _write_heading(writer: _SheetWriter, row: int, id_column: int, kind: str, node: Goal | Outcome) -> int:
    """Write a goal or outcome with its story and notes; returns the next free row."""
    title = collapse_whitespace(node.title)
    text = format_label(node.label, title)
    labeled = parse_label(text)
    if (labeled.label, labeled.title) == (node.label or None, title):
        writer.merge_row(row, id_column, kind, [text])
    else:
        writer.merge_row(row, id_column, kind, [node.label or EMPTY_MARKER, title])
    writer.write(row, id_column, f"{kind}:{node.id or ''}", "id")
    row += 1
    if node.story:
        writer.merge_row(row, id_column, "story", [node.story])
        writer.write(row, id_column, "story", "id")
        row += 1
    for note in node.notes:
        if note.text.strip():
            writer.merge_row(row, id_column, "note", [note.label or EMPTY_MARKER, note.text])
            writer.write(row, id_column, "note", "id")
            row += 1
    return row


def _write_actions(writer: _SheetWriter, row: int, cells: ActionCells, outcome: Outcome) -> int:
    """Write the actions of an outcome, with equal indicators merged; returns the next free row."""
    first = row
    for action in outcome.actions:
        texts = cells.texts(action)
        for index, (role, _header, _width) in enumerate(cells.columns):
            if role != "indicator" and texts.get(role):
                writer.write(row, index, texts[role], "cell")
        writer.write(row, len(cells.columns), f"action:{action.id or ''}", "id")
        row += 1
    index = next(index for index, (role, _header, _width) in enumerate(cells.columns) if role == "indicator")
    for offset, count, text in _runs([action.indicator_text for action in outcome.actions]):
        if text:
            writer.merge((first + offset, index, first + offset + count - 1, index), text, "cell")
    return row


def _runs(texts: list[str | None]) -> list[tuple[int, int, str | None]]:
    """Runs of equal texts as (first index, count, text). None after a text becomes the empty marker."""
    runs: list[tuple[int, int, str | None]] = []
    for index, text in enumerate(texts):
        if runs and runs[-1][2] in (text, EMPTY_MARKER if text is None else text):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, runs[-1][2])
        else:
            runs.append((index, 1, text if text or not runs else EMPTY_MARKER))
    return runs
