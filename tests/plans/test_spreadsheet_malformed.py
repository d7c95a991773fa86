"""Malformed files: refused with a message, or read without dropping a cell silently."""

from __future__ import annotations

import io
import re
import time
import zipfile

import openpyxl
import pytest
from openpyxl.comments import Comment

from tenants.plans.spreadsheets import ParseResult, SheetError, read
from tenants.plans.spreadsheets.reading.limits import MAX_FILE_BYTES

HEADER = ["Goal", "Outcome", "Action", "Lead", "Timeline", "Measures"]
ROW = ["Goal 1: Jobs", "A. Hiring", "Post jobs", "HR", "June 2026", "Posts"]


def packed(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return buffer.getvalue()


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def plan(*rows: list[object]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in (HEADER, *rows):
        book.worksheets[0].append(row)
    return book


def repacked(data: bytes, member: str, change: dict[bytes, bytes]) -> bytes:
    """A workbook with some bytes of one archive member replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == member:
                content = re.sub(
                    rb"<v\s*/>|<v></v>", b"<v />", content
                )  # whatever form the writer's XML library uses
                for before, after in change.items():
                    assert before in content
                    content = content.replace(before, after)
            new.writestr(name, content)
    return buffer.getvalue()


def csv_result(text: str | bytes) -> ParseResult:
    return read(text if isinstance(text, bytes) else text.encode(), filename="plan.csv")


SHEET = "xl/worksheets/sheet1.xml"
REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "blanks": (b"  \n\n ", "is empty"),
    "a BOM alone": (b"\xef\xbb\xbf", "has no filled cell"),
    "an old workbook": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        r"old Excel workbook \(.xls\).*save it as .xlsx",
    ),
    "a password": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "protected with a password",
    ),
    "a PDF": (b"%PDF-1.7\n...", "is a PDF"),
    "a web page": (b"<!DOCTYPE html><html><table></table></html>", "is a web page"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "is a picture"),
    "binary": (bytes(range(256)) * 40, "not a spreadsheet that this page can read"),
    "OpenDocument": (
        packed(mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content_dot_xml=b"<x/>"),
        "OpenDocument",
    ),
    "Word": (packed(word__document_dot_xml=b"<x/>"), "Word document"),
    "a presentation": (packed(ppt__presentation_dot_xml=b"<x/>"), "presentation"),
    "xlsb": (packed(xl__workbook_dot_bin=b"x"), r"\.xlsb"),
    "Numbers": (packed(Index__Document_dot_iwa=b"x"), "Numbers"),
    "an archive": (packed(plan_dot_zip=b"x"), "is an archive"),
    "a torn workbook": (saved(plan(ROW))[:2000], "is damaged"),
    "a broken part": (
        repacked(saved(plan(ROW)), SHEET, {b"<sheetData>": b"<sheetData><row r='1'"}),
        "is damaged",
    ),
    "a bomb": (
        packed(xl__workbook_dot_xml=b"<x/>", xl__worksheets__sheet1_dot_xml=bytes(70 * 1024 * 1024)),
        "unpacks to more",
    ),
    "a dense bomb": (
        packed(xl__workbook_dot_xml=b"<x/>", xl__worksheets__sheet1_dot_xml=bytes(20 * 1024 * 1024)),
        "unpacks to more",
    ),
    "entities": (
        repacked(saved(plan(ROW)), SHEET, {b"<worksheet": b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'}),
        "for safety",
    ),
    "merged without end": (
        repacked(
            saved(plan(ROW)),
            SHEET,
            {b"</sheetData>": b'</sheetData><mergeCells><mergeCell ref="A9:XFD1048576"/></mergeCells>'},
        ),
        "merges 17[0-9]+ cells",
    ),
    "too large": (b"a,b\n" * (MAX_FILE_BYTES // 4 + 1), "larger than 20 MB"),
    "100,000 rows": (
        b"Action,Lead,Timeline\n" + b"Do it,HR,2026\n" * 100_000,
        "filled rows in one sheet; a plan has at most 20,000",
    ),
    "no plan": (b"Name,Phone\nAda,555\n", "header row.*Row 1 has: Name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_file_is_refused_with_a_message(case: str) -> None:
    data, message = REFUSED[case]
    with pytest.raises(SheetError, match=f"(?s){message}") as refusal:
        read(data, filename="plan.xlsx")
    assert "plan.xlsx" in str(refusal.value)


def test_a_workbook_of_100_000_rows_is_refused_before_it_is_built() -> None:
    row = b'<row r="9"><c t="inlineStr"><is><t>x</t></is></c></row>'
    data = repacked(saved(plan(ROW)), SHEET, {b"</sheetData>": row * 100_000 + b"</sheetData>"})
    started = time.process_time()
    with pytest.raises(SheetError, match=r"unpacks to more|100,00\d filled rows"):
        read(data, filename="plan.xlsx")
    assert time.process_time() - started < 20


def test_a_formula_without_a_result_is_refused_with_its_cell_and_a_remedy() -> None:
    book = plan(ROW, ["Goal 1: Jobs", "A. Hiring", "Mixed panels", "=A1&B1", "=2026", "Panels"])
    result = read(saved(book), filename="x.xlsx")
    errors = [message for message in result.messages if message.level == "error"]
    assert [(message.row, message.column, message.value) for message in errors] == [
        (3, "D", "=A1&B1"),
        (3, "E", "=2026"),
    ]
    assert all("Open the file in Excel, save it" in message.text for message in errors)
    assert result.cell_counts == {"total": 18, "imported": 16, "noted": 0, "refused": 2}


def test_a_formula_is_read_as_its_saved_result_and_an_empty_result_is_no_cell() -> None:
    book = plan(ROW, ["Goal 1: Jobs", "A. Hiring", "Mixed panels", "=A1", "=A2", "=A3"])
    data = repacked(
        saved(book),
        SHEET,
        {
            b'<c r="D3"><f>A1</f><v /></c>': b'<c r="D3" t="str"><f>A1</f><v>Fire</v></c>',
            b'<c r="E3"><f>A2</f><v /></c>': b'<c r="E3" t="str"><f>A2</f><v></v></c>',
            b'<c r="F3"><f>A3</f><v /></c>': b'<c r="F3" t="e"><f>A3</f><v>#REF!</v></c>',
        },
    )
    result = read(data, filename="x.xlsx")
    action = list(result.actions)[1]
    assert (action.accountable, action.timeline_raw, action.measures) == (["Fire"], "", [])
    assert [(cell.column, cell.value) for cell in result.cells if cell.disposition == "refused"] == [
        ("F", "#REF!")
    ]


def test_a_refused_action_refuses_its_row_and_does_not_change_the_one_above() -> None:
    result = read(
        saved(plan(ROW, ["Goal 1: Jobs", "A. Hiring", "=A1", "Fire", "2027", "x"])), filename="x.xlsx"
    )
    (action,) = result.actions
    assert action.accountable == ["HR"]
    assert result.cell_counts["refused"] == 6


def test_control_characters_are_removed_and_reported() -> None:
    result = csv_result("Action,Lead,Timeline\nPo\x00st\u202e jobs,HR,2026\n")
    assert [action.title for action in result.actions] == ["Post jobs"]
    assert [
        (message.row, message.column) for message in result.messages if message.kind == "control_characters"
    ] == [(2, "A")]


def test_ragged_rows_and_cells_without_a_header_are_kept() -> None:
    result = csv_result("Action,Lead,Timeline\nPost jobs,HR,2026,extra,more\nPanels\n\nTrain,HR\n")
    first = next(result.actions)
    assert [(note.label, note.text) for note in first.notes] == [("Column D", "extra"), ("Column E", "more")]
    counts = result.cell_counts
    assert counts["total"] == counts["imported"] + counts["noted"] == 11


def test_duplicate_headers_keep_both_cells() -> None:
    result = csv_result("Action,Lead,Timeline,Timeline,Notes,Notes\nPost jobs,HR,2026,soon,a,b\n")
    (action,) = result.actions
    assert action.due == "2026-12-31"
    assert [(note.label, note.text) for note in action.notes] == [
        ("Timeline", "soon"),
        ("Notes", "a"),
        ("Notes", "b"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_accents_survive_every_encoding(encoding: str) -> None:
    result = csv_result("Action,Lead,Timeline\nAñadir café – now,Bibliothèque,2026\n".encode(encoding))
    (action,) = result.actions
    assert (action.title, action.accountable) == ("Añadir café – now", ["Bibliothèque"])
    assert result.count("encoding") == (encoding == "cp1252")


def test_a_file_may_name_its_separator() -> None:
    assert len(list(csv_result("sep=;\nAction;Lead;Timeline\nPost, jobs;HR;2026\n").actions)) == 1


def test_an_unclosed_quotation_mark_is_reported() -> None:
    result = csv_result('Action,Lead,Timeline\nPost,HR,2026\n"Train,HR,2027\nPanels,HR,2028\n')
    assert result.count("open_quote") == 1


def test_unknown_status_stage_and_dates_keep_their_text() -> None:
    result = csv_result(
        "Action,Lead,Due,Status,Stage\nPost,HR,05/06/2026,Purple,Organise\nTrain,HR,when money comes,Done,Later\n"
    )
    first, second = result.actions
    assert (first.status, first.status_raw, first.stage, first.due) == (
        None,
        "Purple",
        "organize",
        "2026-05-06",
    )
    assert (second.status, second.stage, second.timeline_raw) == ("completed", None, "when money comes")
    assert second.notes[0].text == "Later"
    kinds = {message.kind: (message.row, message.column, message.value) for message in result.messages}
    assert kinds["unknown_status"] == (2, "D", "Purple")
    assert kinds["ambiguous_date"] == (2, "C", "05/06/2026")
    assert kinds["unknown_stage"] == (3, "E", "Later")
    assert kinds["no_date"] == (3, "C", "when money comes")


def test_hidden_sheets_and_comments_are_reported() -> None:
    book = plan(ROW)
    book.worksheets[0]["C2"].comment = Comment("ask Tom?", "Ann")
    old = book.create_sheet("Old")
    old.append(HEADER)
    old.append(ROW)
    old.sheet_state = "hidden"
    result = read(saved(book), filename="x.xlsx")
    assert len(list(result.actions)) == 1
    assert result.cell_counts == {"total": 24, "imported": 12, "noted": 12, "refused": 0}
    assert [message.value for message in result.messages if message.kind == "comment"] == ["ask Tom?"]
    assert result.count("hidden_sheet") == 1


def test_1500_actions_are_read_in_three_seconds() -> None:
    rows = [
        [
            f"Goal {n // 300}: Jobs",
            f"{n // 30}. Hiring",
            f"Post job {n}",
            "HR; Fire and Police",
            "FY27 Q2",
            "One\nTwo by race",
        ]
        for n in range(1500)
    ]
    data = saved(plan(*rows))
    started = time.process_time()
    result = read(data, filename="x.xlsx")
    seconds = time.process_time() - started
    assert len(list(result.actions)) == 1500
    assert seconds < 3
