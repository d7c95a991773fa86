"""The text of a file, for the search; extracted in a process of its own with limits of memory and time.

    python -m resources.text_extraction.extractors pdf < policy.pdf

Files come from outside and the libraries that read them are large: a broken or malicious file ends that process
alone. Imports nothing of Django.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_CHARACTERS = 100_000  # of one file
MAX_CPU_SECONDS = 20
TIMEOUT_SECONDS = MAX_CPU_SECONDS * 1.5
MAX_MEMORY_BYTES = 512 * 1024 * 1024
PROJECT_ROOT = Path(__file__).resolve().parents[2]


class ExtractionError(Exception):
    """No text could be extracted from the file; the message says why."""


def extract_text(content: bytes, extension: str) -> str:
    """The text of a file of this kind ("pdf"), at most MAX_CHARACTERS long. Raises ExtractionError."""
    if extension not in EXTRACTORS:
        raise ExtractionError(f"files of the kind {extension!r} are not read")
    command = [sys.executable, "-m", "resources.text_extraction.extractors", extension]
    try:
        process = subprocess.run(
            command,
            input=content,
            capture_output=True,
            cwd=PROJECT_ROOT,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ExtractionError(f"reading took longer than {TIMEOUT_SECONDS:.0f} seconds") from None
    if process.returncode:
        messages = process.stderr.decode(errors="replace").strip().splitlines()
        raise ExtractionError(messages[-1][:180] if messages else "reading it took too much time or memory")
    return process.stdout.decode()


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
    texts: list[str] = []
    remaining = MAX_CHARACTERS
    try:
        for fragment in EXTRACTORS[extension](io.BytesIO(sys.stdin.buffer.read())):
            text = " ".join(fragment.replace("\0", " ").split())
            texts.append(text[:remaining])
            remaining -= len(text) + 1
            if remaining <= 0:
                break
    except MemoryError:
        sys.stderr.write("reading it took too much memory\n")
        return 1
    except Exception as error:  # noqa: BLE001 - the libraries raise many types for broken files
        sys.stderr.write(f"it is broken or protected: {type(error).__name__}\n")
        return 1
    sys.stdout.buffer.write("\n".join(filter(None, texts)).encode(errors="replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
