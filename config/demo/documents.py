"""Files of the demo's library, made from the plain texts in data/library: Word, Excel, PowerPoint and PDF.

A text is named `<key of the item>.<format>.txt`. It begins with lines like "title: …"; below them, "#" starts a heading
(a sheet, a slide), "##" a smaller one, "-" and "1." a list, "|" a row of a table whose first row is its header.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import docx
import pptx
import xlsxwriter

from config.demo.pdf import write_pdf

FOLDER = Path(__file__).parent / "data" / "library"
NUMBERED = re.compile(r"\d+\. ")


class Block(NamedTuple):
    """`kind`: "h1", "h2", "bullet", "number", "row", "validate" or "text". A row has `cells`."""

    kind: str
    text: str
    cells: tuple[str, ...] = ()


class DemoFile(NamedTuple):
    """A file of the item with this key. `kind` is one of `Attachment.Kind`."""

    key: str
    format: str
    title: str
    kind: str
    language: str
    content: bytes


def demo_files() -> Iterator[DemoFile]:
    for path in sorted(FOLDER.glob("*.txt")):
        key, extension, _txt = path.name.split(".")
        head, _empty, body = path.read_text(encoding="utf-8").partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        language = fields.get("language", "en")
        content = WRITERS[extension](fields["title"], language, list(parse(body)))
        yield DemoFile(key, extension, fields["title"], fields["kind"], language, content)


def parse(text: str) -> Iterator[Block]:
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("## "):
            yield Block("h2", line[3:])
        elif line.startswith("# "):
            yield Block("h1", line[2:])
        elif line.startswith("- "):
            yield Block("bullet", line[2:])
        elif NUMBERED.match(line):
            yield Block("number", NUMBERED.sub("", line, count=1))
        elif line.startswith("|"):
            yield Block("row", "", tuple(cell.strip() for cell in line.strip("|").split("|")))
        elif line.startswith("validate: "):
            yield Block("validate", line.removeprefix("validate: "))
        else:
            yield Block("text", line)


def write_docx(title: str, language: str, blocks: list[Block]) -> bytes:
    document = docx.Document()
    document.core_properties.title, document.core_properties.language = title, language
    document.core_properties.author = document.core_properties.comments = ""
    styles = {
        "h1": "Heading 1",
        "h2": "Heading 2",
        "bullet": "List Bullet",
        "number": "List Number",
        "text": "Normal",
    }
    table: Any = None
    for block in blocks:
        if block.kind == "row":
            if table is None:
                table = document.add_table(rows=0, cols=len(block.cells), style="Table Grid")
            is_header = not table.rows
            for cell, text in zip(table.add_row().cells, block.cells, strict=True):
                cell.paragraphs[0].add_run(text).bold = is_header
        else:
            table = None
            document.add_paragraph(block.text, style=styles[block.kind])
    return _saved(document.save)


def write_pptx(title: str, language: str, blocks: list[Block]) -> bytes:
    presentation = pptx.Presentation()
    presentation.core_properties.title, presentation.core_properties.language = title, language
    presentation.core_properties.author = ""
    frame: Any = None
    for number, block in enumerate(blocks):
        if block.kind == "h1":
            slide = presentation.slides.add_slide(presentation.slide_layouts[1 if number else 0])
            slide.shapes.title.text = block.text
            frame, is_empty = slide.placeholders[1].text_frame, True
        else:
            paragraph = frame.paragraphs[0] if is_empty else frame.add_paragraph()
            paragraph.text, is_empty = block.text, False
    return _saved(presentation.save)


def write_xlsx(title: str, _language: str, blocks: list[Block]) -> bytes:
    file = io.BytesIO()
    workbook = xlsxwriter.Workbook(file, {"in_memory": True})
    workbook.set_properties({"title": title})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    bold = workbook.add_format({"text_wrap": True, "valign": "top", "bold": True, "bottom": 1})
    sheet: Any = None
    for block in blocks:
        if block.kind == "h1":
            sheet, line, is_header = workbook.add_worksheet(block.text), 0, True
            sheet.set_column(0, 8, 32, wrapped)
            if block.text == "Guide":
                sheet.set_column(0, 0, 70, wrapped)
            continue
        if block.kind == "row":
            for column, cell in enumerate(block.cells):
                sheet.write(
                    line, column, int(cell) if cell.isdigit() else cell, bold if is_header else wrapped
                )
            if is_header and not line:
                sheet.freeze_panes(1, 0)
            is_header = False
        elif block.kind == "validate":
            column_name, _equals, choices = block.text.partition(" = ")
            sheet.data_validation(
                f"{column_name}2:{column_name}200", {"validate": "list", "source": choices.split("; ")}
            )
            continue
        else:
            is_header = True  # the next row begins a table
            sheet.write(line, 0, block.text, bold if block.kind == "h2" else wrapped)
        line += 1
    workbook.close()
    return file.getvalue()


def _saved(save: Callable[[Any], Any]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


WRITERS: dict[str, Callable[[str, str, list[Block]], bytes]] = {
    "docx": write_docx,
    "pptx": write_pptx,
    "xlsx": write_xlsx,
    "pdf": lambda title, language, blocks: write_pdf(
        title, language, [(block.kind, block.text) for block in blocks]
    ),
}
