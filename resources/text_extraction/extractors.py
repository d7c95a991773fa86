"""The words in a file, for the search; read in a process of its own with little memory and little time.

    python -m resources.text_extraction.extractors pdf < policy.pdf

Files come from outside, and what reads them is large: one that is broken or means harm ends that process alone.
Knows nothing of Django.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_CHARACTERS = 100_000  # characters of one file
MAX_CPU_SECONDS = 20  # of work; half as many more on the clock
MAX_MEMORY_BYTES = 512 * 1024 * 1024  # bytes
PROJECT_ROOT = Path(__file__).resolve().parents[2]


class ExtractionError(Exception):
    """No words could be taken from the file; says why."""


def extract_text(content: bytes, extension: str) -> str:
    """The text of a file of this kind ("pdf"), at most MOST characters. Raises Unreadable."""
    if extension not in EXTRACTORS:
        raise ExtractionError(f"files of the kind {extension!r} are not read")
    command = [sys.executable, "-m", "resources.text_extraction.extractors", extension]
    try:
        done = subprocess.run(
            command,
            input=content,
            capture_output=True,
            cwd=PROJECT_ROOT,
            timeout=MAX_CPU_SECONDS * 1.5,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ExtractionError(f"reading took longer than {MAX_CPU_SECONDS * 1.5:.0f} seconds") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ExtractionError(said[-1][:180] if said else "reading it took too much time or memory")
    return done.stdout.decode()


def _pdf(file: io.BytesIO) -> Iterator[str]:
    from pypdf import PdfReader

    for page in PdfReader(file).pages:
        yield page.extract_text()


def _docx(file: io.BytesIO) -> Iterator[str]:
    from docx import Document

    document = Document(file)
    yield from (paragraph.text for paragraph in document.paragraphs)
    for table in document.tables:
        for row in table.rows:
            yield from (cell.text for cell in row.cells)


def _pptx(file: io.BytesIO) -> Iterator[str]:
    from pptx import Presentation

    for slide in Presentation(file).slides:
        yield from (shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)


def _xlsx(file: io.BytesIO) -> Iterator[str]:
    from openpyxl import load_workbook

    for sheet in load_workbook(file, read_only=True, data_only=True).worksheets:
        for row in sheet.iter_rows(values_only=True):
            yield " ".join(str(value) for value in row if value is not None)


def _text(file: io.BytesIO) -> Iterator[str]:
    content = file.read()
    try:
        yield content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield content.decode("cp1252", errors="replace")


EXTRACTORS: dict[str, Callable[[io.BytesIO], Iterator[str]]] = {
    "csv": _text,
    "docx": _docx,
    "pdf": _pdf,
    "pptx": _pptx,
    "txt": _text,
    "xlsx": _xlsx,
}


def main(extension: str) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    found: list[str] = []
    left = MAX_CHARACTERS
    try:
        for part in EXTRACTORS[extension](io.BytesIO(sys.stdin.buffer.read())):
            text = " ".join(part.replace("\0", " ").split())
            found.append(text[:left])
            left -= len(text) + 1
            if left <= 0:
                break
    except MemoryError:
        sys.stderr.write("reading it took too much memory\n")
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes its reader raise
        sys.stderr.write(f"it is broken or protected: {type(error).__name__}\n")
        return 1
    sys.stdout.buffer.write("\n".join(filter(None, found)).encode(errors="replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
