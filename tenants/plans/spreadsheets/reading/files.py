"""Open a spreadsheet safely: grids of text from an XLSX or CSV file, or an error that names the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from tenants.plans.spreadsheets.grid import Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import SheetError
from tenants.plans.spreadsheets.reading.csv_file import open_csv
from tenants.plans.spreadsheets.reading.limits import MAX_FILE_BYTES
from tenants.plans.spreadsheets.reading.xlsx_file import open_workbook


def open_grids(source: str | Path | bytes | IO[bytes], *, filename: str) -> tuple[list[Grid], str]:
    """All sheets of a file as grids, and the text encoding of a CSV file ("" for a workbook).

    The content decides about the format, not the name. Raises SheetError with the problem and a remedy.
    """
    data = _read_content(source, filename)
    if not data.strip():
        raise SheetError(
            _("“%(file)s” is empty. Export the sheet again and choose the new file.") % {"file": filename}
        )
    if data.startswith(b"PK"):
        return open_workbook(data, filename), ""
    _reject_other_formats(data, filename)
    return open_csv(data, filename)


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
    """Raise SheetError for the formats that people send by mistake."""
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
