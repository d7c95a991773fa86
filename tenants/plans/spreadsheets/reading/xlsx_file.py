"""XLSX workbooks as grids.

The archive is checked before openpyxl builds objects from it: a small file can unpack to a huge one.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Any

import openpyxl
from openpyxl.utils.cell import range_boundaries

from tenants.plans.spreadsheets.grid import Coordinates, Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import SheetError
from tenants.plans.spreadsheets.reading.cell_text import add_cell, displayed_value
from tenants.plans.spreadsheets.reading.limits import (
    MAX_ARCHIVE_MEMBERS,
    MAX_COMPRESSION_RATIO,
    MAX_MERGED_CELLS,
    MAX_ROWS,
    MAX_UNPACKED_BYTES,
    MIN_CHECKED_BYTES,
    check_size,
    too_many_rows_error,
)

SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
ROW_TAG = re.compile(rb"<(?:\w+:)?row[\s>]")
MERGE_TAG = re.compile(rb"<(?:\w+:)?mergeCell\s+ref=\"([A-Z]+\d+:[A-Z]+\d+)\"")
FORMULA_TAG = re.compile(rb"<(?:\w+:)?f[\s>/]")


def open_workbook(data: bytes, filename: str) -> list[Grid]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError) as error:
        raise _damaged_error(filename) from error
    with archive:
        _check_members(archive, members, filename)
        has_formulas = _check_xml_parts(archive, members, filename)
    try:
        values = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
        formulas = (
            openpyxl.load_workbook(io.BytesIO(data), data_only=False, keep_links=False)
            if has_formulas
            else None
        )
    except Exception as error:  # openpyxl raises a dozen kinds of errors for damaged parts
        raise _damaged_error(filename) from error
    grids = [
        _sheet_grid(sheet, formulas[sheet.title] if formulas is not None else None)
        for sheet in values.worksheets
    ]
    check_size(grids, filename)
    return grids


def _damaged_error(filename: str) -> SheetError:
    return SheetError(
        _(
            "“%(file)s” is damaged and cannot be opened. Open it in Excel or LibreOffice, save it as a "
            "new .xlsx file and try again."
        )
        % {"file": filename}
    )


def _check_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], filename: str) -> None:
    """Raise SheetError for an archive that is no workbook or unpacks to too much, before anything is unpacked."""
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if (
        len(members) > MAX_ARCHIVE_MEMBERS
        or unpacked > MAX_UNPACKED_BYTES
        or (unpacked > MIN_CHECKED_BYTES and unpacked / packed > MAX_COMPRESSION_RATIO)
    ):
        raise SheetError(
            _(
                "“%(file)s” unpacks to more than this page reads (%(limit)s MB, %(members)s parts). Copy "
                "the plan's sheets into a new workbook and try again."
            )
            % {"file": filename, "limit": MAX_UNPACKED_BYTES // 1024 // 1024, "members": MAX_ARCHIVE_MEMBERS}
        )
    names = {member.filename for member in members}
    if any(member.flag_bits & 1 for member in members):
        raise SheetError(
            _("“%(file)s” is protected with a password. Save it without a password and try again.")
            % {"file": filename}
        )
    if "xl/workbook.xml" in names or (
        "[Content_Types].xml" in names and any(SHEET_PART.fullmatch(name) for name in names)
    ):
        return
    if "xl/workbook.bin" in names:
        text = _("“%(file)s” is a binary workbook (.xlsb). Open it in Excel, save it as .xlsx and try again.")
    elif "mimetype" in names or "content.xml" in names:
        text = _(
            "“%(file)s” is an OpenDocument file (.ods or .odt). Open it, save it as .xlsx and try again."
        )
    elif any(name.startswith("word/") for name in names):
        text = _(
            "“%(file)s” is a Word document. Copy its table into a spreadsheet, save it as .xlsx and try "
            "again."
        )
    elif any(name.startswith("ppt/") for name in names):
        text = _(
            "“%(file)s” is a presentation. Copy its table into a spreadsheet, save it as .xlsx and try again."
        )
    elif any(name.startswith("Index/") for name in names):
        text = _("“%(file)s” is an Apple Numbers file. Export it as Excel (.xlsx) and try again.")
    else:
        text = _(
            "“%(file)s” is an archive, not a spreadsheet. Unpack it and choose the .xlsx or .csv file inside."
        )
    raise SheetError(text % {"file": filename})


def _check_xml_parts(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], filename: str) -> bool:
    """Whether the sheets have formulas. Raises SheetError for entities and for too many rows or merged cells."""
    has_formulas = False
    for member in members:
        if not member.filename.lower().endswith((".xml", ".rels")):
            continue
        try:
            content = archive.read(member)
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError) as error:
            raise _damaged_error(filename) from error
        if b"\0" in content:  # UTF-16: no spreadsheet program writes it, and the checks below cannot read it
            raise _damaged_error(filename)
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise SheetError(
                _(
                    "“%(file)s” holds a definition that no spreadsheet needs, and was not opened for "
                    "safety. Copy the plan into a new workbook and try again."
                )
                % {"file": filename}
            )
        if not SHEET_PART.fullmatch(member.filename):
            continue
        rows = sum(b"v>" in row or b"is>" in row for row in ROW_TAG.split(content)[1:])
        if rows > MAX_ROWS:
            raise too_many_rows_error(filename, rows)
        area = 0
        for match in MERGE_TAG.finditer(content):
            left, top, right, bottom = range_boundaries(match[1].decode())
            area += (right - left + 1) * (bottom - top + 1)
        if area > MAX_MERGED_CELLS:
            raise SheetError(
                _(
                    "“%(file)s” merges %(count)s cells in one sheet, more than %(limit)s. Unmerge whole "
                    "rows and columns, then try again."
                )
                % {"file": filename, "count": area, "limit": MAX_MERGED_CELLS}
            )
        if b"<f" in content and FORMULA_TAG.search(content):
            has_formulas = True
    return has_formulas


def _sheet_grid(sheet: Any, formulas: Any) -> Grid:
    """A sheet of openpyxl as a grid. `formulas` is the same sheet with formulas in place of values, or None."""
    grid = Grid(name=sheet.title, is_hidden=sheet.sheet_state != "visible")
    sizes: dict[Coordinates, tuple[int, int]] = {}
    for area in sheet.merged_cells.ranges:
        top_left = (area.min_row, area.min_col)
        sizes[top_left] = (area.max_row - area.min_row + 1, area.max_col - area.min_col + 1)
        for row in range(area.min_row, area.max_row + 1):
            for column in range(area.min_col, area.max_col + 1):
                if (row, column) != top_left:
                    grid.merged[(row, column)] = top_left
    # The filled cells only, which openpyxl has no public name for: iter_rows would visit (and create) the empty ones too.
    for (row, column), source in sheet._cells.items():
        if (row, column) in grid.merged:
            continue
        if source.comment is not None:
            grid.comments.append((row, column, str(source.comment.text)))
        text, refusal = displayed_value(source)
        if not text and not refusal:
            formula = (
                formulas.cell(row, column)
                if formulas is not None and (row, column) in formulas._cells
                else None
            )
            # "str" without a value: the formula's saved result is an empty text
            if formula is None or formula.data_type != "f" or source.data_type == "str":
                continue
            text = _formula_text(formula.value)
            refusal = _(
                "a formula without a saved result. Open the file in Excel, save it, or type the value itself"
            )
        cell = add_cell(grid, row, column, text, refusal)
        if cell is None:
            continue
        cell.height, cell.width = sizes.get((row, column), (1, 1))
        if source.has_style:
            cell.is_bold = bool(source.font.b)
            cell.size = float(source.font.sz or 0)
            fill = source.fill
            cell.fill = f"{fill.fgColor.rgb}{fill.fgColor.theme}" if fill.fill_type == "solid" else ""
    return grid


def _formula_text(value: Any) -> str:
    text = value if isinstance(value, str) else getattr(value, "text", None) or str(value)
    return text if text.startswith("=") else f"={text}"
