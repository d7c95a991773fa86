"""CSV files as grids, whatever their separator and encoding."""

from __future__ import annotations

import csv
import io
import re

from tenants.plans.spreadsheets.grid import Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import SheetError
from tenants.plans.spreadsheets.reading.cell_text import add_cell
from tenants.plans.spreadsheets.reading.limits import (
    MAX_FILE_BYTES,
    MAX_ROWS,
    check_size,
    too_many_rows_error,
)
from tenants.plans.spreadsheets.text import CONTROL_CHARACTERS

DELIMITERS = ",;\t|"
MAX_RECORD_FIELDS = 16_384  # the columns of a spreadsheet
BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def open_csv(data: bytes, filename: str) -> tuple[list[Grid], str]:
    """The one grid of a CSV file, and its encoding. Raises SheetError."""
    text, encoding = _decode(data, filename)
    best: tuple[int, list[list[str]]] = (-1, [])
    first_line = text.split("\n", 1)[0].strip()
    if re.fullmatch(r"(?i)\"?sep=.\"?", first_line):
        delimiter = re.sub(r"(?i)\"?sep=", "", first_line)[0]
        text = text.split("\n", 1)[1] if "\n" in text else ""
        best = (0, _records(text, delimiter, filename))
    else:
        for delimiter in DELIMITERS:
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
                add_cell(grid, row, column, value)
    check_size([grid], filename)
    return [grid], encoding


def _records(text: str, delimiter: str, filename: str) -> list[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FILE_BYTES))
    records = []
    filled = 0
    for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        records.append(record)
        filled += any(record)
        if filled > MAX_ROWS:
            raise too_many_rows_error(filename, text.count("\n"))
        if len(record) > MAX_RECORD_FIELDS:
            raise csv.Error("more columns than a spreadsheet has")
    return records


def _table_score(records: list[list[str]]) -> int:
    """How much the records look like a table: the number of rows with the most common width, times that width."""
    widths: dict[int, int] = {}
    for record in records[:500]:
        if len(record) > 1:
            widths[len(record)] = widths.get(len(record), 0) + 1
    if not widths:
        return 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return count * min(width, 12)


def _decode(data: bytes, filename: str) -> tuple[str, str]:
    """The text and the encoding it was written in. Raises SheetError for what is no text."""
    for byte_order_mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(byte_order_mark):
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise SheetError(
                    _(
                        "“%(file)s” says it is %(encoding)s text but byte %(position)s is not. Export it "
                        "again as .xlsx or as CSV UTF-8."
                    )
                    % {"file": filename, "encoding": encoding.upper(), "position": error.start}
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
