"""Open a spreadsheet safely: XLSX or CSV in, grids of text out. What cannot be opened is refused in words."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import openpyxl
from openpyxl.utils.cell import range_boundaries

from tenants.plans.spreadsheets.grid import Cell, Coordinates, Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import SheetError

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_ARCHIVE_MEMBERS = 2_000
MAX_COMPRESSION_RATIO = 150  # packed to unpacked; a sheet of plain text stays far below
MAX_ROWS = 20_000  # filled rows of one sheet
MAX_COLUMNS = 300
MAX_CELLS = 400_000
MAX_MERGED_CELLS = 200_000
MAX_CELL_CHARACTERS = 32_767  # what one cell of a spreadsheet can hold

CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
ROW_TAG = re.compile(rb"<(?:\w+:)?row[\s>]")
MERGE_TAG = re.compile(rb"<(?:\w+:)?mergeCell\s+ref=\"([A-Z]+\d+:[A-Z]+\d+)\"")


def open_grids(source: str | Path | bytes | IO[bytes], *, filename: str) -> tuple[list[Grid], str]:
    """Read all sheets of a file as grids, and the text encoding of a CSV file ("" for a workbook).

    The content decides what the file is, not its name. Raises SheetError with a text a person can act on.
    """
    data = _read_content(source, filename)
    if not data.strip():
        raise SheetError(
            _("“%(file)s” is empty. Export the sheet again and choose the new file.") % {"file": filename}
        )
    if data.startswith(b"PK"):
        return _open_workbook(data, filename), ""
    _reject_other_formats(data, filename)
    return _open_csv(data, filename)


def _read_content(source: str | Path | bytes | IO[bytes], filename: str) -> bytes:
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    else:
        data = source.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise SheetError(
            _(
                "“%(file)s” is larger than %(limit)s MB. Remove pictures and sheets that are not part of "
                "the plan, then try again."
            )
            % {"file": filename, "limit": MAX_FILE_BYTES // 1024 // 1024}
        )
    return data


def _reject_other_formats(data: bytes, filename: str) -> None:
    """Name the file kinds people send by mistake."""
    head = data[:2048].lstrip().lower()
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            text = _(
                "“%(file)s” is protected with a password. Open it in Excel, remove the password under "
                "File, Info, Protect Workbook, save it and try again."
            )
        else:
            text = _(
                "“%(file)s” is an old Excel workbook (.xls). Open it in Excel or LibreOffice, save it as "
                ".xlsx and try again."
            )
    elif data.startswith(b"%PDF"):
        text = _("“%(file)s” is a PDF. Ask for the spreadsheet it was made from, as .xlsx or .csv.")
    elif head.startswith((b"<!doctype html", b"<html", b"<?xml", b"<table", b"<svg")):
        text = _(
            "“%(file)s” is a web page or an XML file, not a spreadsheet. Open it in Excel, save it as "
            ".xlsx and try again."
        )
    elif data.startswith(
        (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"{\\rtf", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
    ):
        text = _(
            "“%(file)s” is a picture, a text document or an archive, not a spreadsheet. Choose an .xlsx "
            "or .csv file."
        )
    else:
        return
    raise SheetError(text % {"file": filename})


# Workbooks


def _open_workbook(data: bytes, filename: str) -> list[Grid]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError) as error:
        raise _damaged_error(filename) from error
    with archive:
        _check_members(archive, members, filename)
        has_formulas = _check_xml_parts(archive, members, filename)
    try:
        shown = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
        written = (
            openpyxl.load_workbook(io.BytesIO(data), data_only=False, keep_links=False)
            if has_formulas
            else None
        )
    except Exception as error:  # openpyxl raises a dozen kinds of errors for damaged parts
        raise _damaged_error(filename) from error
    grids = []
    for sheet in shown.worksheets:
        formulas = written[sheet.title] if written is not None else None
        grids.append(_workbook_grid(sheet, formulas))
    _check_size(grids, filename)
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
    """Refuse what is no workbook or would unpack to something huge, before anything is unpacked."""
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if (
        len(members) > MAX_ARCHIVE_MEMBERS
        or unpacked > MAX_UNPACKED_BYTES
        or (unpacked > 8 * 1024 * 1024 and unpacked / packed > MAX_COMPRESSION_RATIO)
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
    """Look at the sheets' XML before it becomes objects: entities, rows and merged ranges without end.

    Returns whether there are formulas.
    """
    has_formulas = False
    for member in members:
        if not member.filename.lower().endswith((".xml", ".rels")):
            continue
        try:
            content = archive.read(member)
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError) as error:
            raise _damaged_error(filename) from error
        if (
            b"\0" in content
        ):  # UTF-16, which no spreadsheet program writes and the checks below cannot see into
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
            raise _too_many_rows_error(filename, rows)
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
        if b"<f" in content and re.search(rb"<(?:\w+:)?f[\s>/]", content):
            has_formulas = True
    return has_formulas


def _too_many_rows_error(filename: str, rows: int) -> SheetError:
    return SheetError(
        _(
            "“%(file)s” has %(rows)s filled rows in one sheet; a plan has at most %(limit)s. Choose the "
            "sheet with the plan, not the data behind it."
        )
        % {"file": filename, "rows": f"{rows:,}", "limit": f"{MAX_ROWS:,}"}
    )


def _check_size(grids: list[Grid], filename: str) -> None:
    for grid in grids:
        if len(grid.rows) > MAX_ROWS:
            raise _too_many_rows_error(filename, len(grid.rows))
        if (
            grid.last_column > MAX_COLUMNS
            and len({cell.column for cell in grid.cells.values()}) > MAX_COLUMNS
        ):
            raise SheetError(
                _(
                    "“%(file)s” has more than %(limit)s columns. Remove the columns that are not part of "
                    "the plan and try again."
                )
                % {"file": filename, "limit": MAX_COLUMNS}
            )
    if sum(len(grid.cells) for grid in grids) > MAX_CELLS:
        raise SheetError(
            _(
                "“%(file)s” has more than %(limit)s filled cells. Remove the sheets that are not part of "
                "the plan and try again."
            )
            % {"file": filename, "limit": f"{MAX_CELLS:,}"}
        )


def _workbook_grid(sheet: Any, formulas: Any) -> Grid:
    grid = Grid(name=sheet.title, is_hidden=sheet.sheet_state != "visible")
    sizes: dict[Coordinates, tuple[int, int]] = {}
    for merged in sheet.merged_cells.ranges:
        top_left = (merged.min_row, merged.min_col)
        sizes[top_left] = (merged.max_row - merged.min_row + 1, merged.max_col - merged.min_col + 1)
        for row in range(merged.min_row, merged.max_row + 1):
            for column in range(merged.min_col, merged.max_col + 1):
                if (row, column) != top_left:
                    grid.covered[(row, column)] = top_left
    for (
        row,
        column,
    ), source in sheet._cells.items():  # the filled cells only; iter_rows would walk empty ones
        if (row, column) in grid.covered:
            continue
        if source.comment is not None:
            grid.comments.append((row, column, str(source.comment.text)))
        text, refused = _displayed_value(source)
        if not text and not refused:
            formula = (
                formulas.cell(row, column)
                if formulas is not None and (row, column) in formulas._cells
                else None
            )
            # "str" without a value: the formula's saved result is an empty text
            if formula is None or formula.data_type != "f" or source.data_type == "str":
                continue
            text = _formula_text(formula.value)
            refused = _(
                "a formula without a saved result. Open the file in Excel, save it, or type the value itself"
            )
        cell = _add_cell(grid, row, column, text, refused)
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


def _add_cell(grid: Grid, row: int, column: int, text: str, refused: str = "") -> Cell | None:
    clean = CONTROL_CHARACTERS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    if not clean.strip():
        return None
    cell = Cell(row=row, column=column, text=clean.strip(" \n"), refused=refused)
    if len(clean) > MAX_CELL_CHARACTERS:
        cell.text, cell.refused = (
            clean[:200],
            _("more text than one cell can hold. Split it into several cells"),
        )
    if CONTROL_CHARACTERS.search(text):
        grid.cleaned.append(cell)
    grid.cells[(row, column)] = cell
    return cell


def _displayed_value(source: Any) -> tuple[str, str]:
    """A cell as its reader sees it, and why it cannot be used."""
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
    """A real date as ISO text; formatted as month and year only, it is that month: "December 2026"."""
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


# CSV


def _open_csv(data: bytes, filename: str) -> tuple[list[Grid], str]:
    text, encoding = _decode(data, filename)
    best: tuple[int, list[list[str]]] = (-1, [])
    first_line = text.split("\n", 1)[0].strip()
    if re.fullmatch(r"(?i)\"?sep=.\"?", first_line):
        named = re.sub(r"(?i)\"?sep=", "", first_line)[0]
        text = text.split("\n", 1)[1] if "\n" in text else ""
        best = (0, _records(text, named, filename))
    else:
        for delimiter in ",;\t|":
            try:
                records = _records(text, delimiter, filename)
            except csv.Error:
                continue
            score = _table_score(records)
            if score > best[0]:
                best = (score, records)
    if best[0] < 0:
        raise SheetError(
            _(
                "“%(file)s” cannot be read as a table: a quotation mark is opened and never closed. "
                "Export it again as .xlsx."
            )
            % {"file": filename}
        )
    grid = Grid(name=None, has_open_quote=text.count('"') % 2 == 1)
    for row, record in enumerate(best[1], start=1):
        for column, value in enumerate(record, start=1):
            if value:
                _add_cell(grid, row, column, value)
    _check_size([grid], filename)
    return [grid], encoding


def _records(text: str, delimiter: str, filename: str) -> list[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FILE_BYTES))
    records = []
    filled = 0
    for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        records.append(record)
        filled += any(record)
        if filled > MAX_ROWS:
            raise _too_many_rows_error(filename, text.count("\n"))
        if len(record) > 16_384:
            raise csv.Error("more columns than a spreadsheet has")
    return records


def _table_score(records: list[list[str]]) -> int:
    """How much a table the records are: rows of the most common width, counted by width."""
    widths: dict[int, int] = {}
    for record in records[:500]:
        if len(record) > 1:
            widths[len(record)] = widths.get(len(record), 0) + 1
    if not widths:
        return 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return count * min(width, 12)


def _decode(data: bytes, filename: str) -> tuple[str, str]:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise SheetError(
                    _(
                        "“%(file)s” says it is %(encoding)s text but byte %(place)s is not. Export it "
                        "again as .xlsx or as CSV UTF-8."
                    )
                    % {"file": filename, "encoding": encoding.upper(), "place": error.start}
                ) from error
    sample = data[:4000]
    zeros = sample.count(0)
    if zeros > len(sample) // 5:
        encoding = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            pass
    if (
        zeros > len(sample) // 50 + 20
        or len(CONTROL_CHARACTERS.findall(sample.decode("latin-1"))) > len(sample) // 20 + 20
    ):
        raise SheetError(
            _("“%(file)s” is not a spreadsheet that this page can read. Choose an .xlsx or .csv file.")
            % {"file": filename}
        )
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"
