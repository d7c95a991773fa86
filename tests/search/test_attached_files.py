"""Items are found by the text of their attached files; a malicious file only fails its own extraction."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.base import ContentFile
from wagtail.documents import get_document_model

from resources import services
from resources.models import Attachment, ExtractedText, LibraryItem
from resources.text_extraction import extractors, tasks
from search import service
from tenants.jobs import runner
from tests.resources.factories import LibraryItemFactory

WORDS = "Ordinance sunsets overdue balances quarterly"


def pdf(text: str = WORDS) -> bytes:
    """A page with one line, as small as a PDF can be."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    content, offsets = b"%PDF-1.4\n", []
    for number, value in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj%b\nendobj\n" % (number, value)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 6\n0000000000 65535 f \n"
    return content + head + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(content)


def docx() -> bytes:
    from docx import Document

    document = Document()
    document.add_paragraph("Ordinance sunsets")
    document.add_table(1, 1).cell(0, 0).text = "overdue balances quarterly"
    return _saved(document)


def pptx() -> bytes:
    from pptx import Presentation

    slides = Presentation()
    slides.slides.add_slide(slides.slide_layouts[5]).shapes.title.text = WORDS
    return _saved(slides)


def xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(WORDS.split())
    return _saved(book)


def _saved(document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("extension", "content"),
    [
        ("pdf", pdf),
        ("docx", docx),
        ("pptx", pptx),
        ("xlsx", xlsx),
        ("txt", WORDS.encode),
        ("csv", lambda: f"é;{WORDS}".encode("cp1252")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_text_is_extracted_from_every_accepted_kind_of_file(extension, content):
    text = extractors.extract_text(content(), extension)
    assert " ".join(text.split()).endswith(WORDS)


def bomb() -> bytes:
    """Some kilobytes that decompress to more memory than an extractor may use."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(docx())) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        for name in source.namelist():
            if name != "word/document.xml":
                target.writestr(name, source.read(name))
        with target.open("word/document.xml", "w", force_zip64=True) as member:
            for _megabyte in range(400):
                member.write(b" " * 1024 * 1024)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("extension", "content", "message"),
    [
        ("pdf", lambda: b"", "broken or protected"),
        ("pdf", lambda: b"<html>not one</html>", "broken or protected"),
        ("docx", lambda: pdf(), "broken or protected"),
        ("docx", bomb, "memory|broken"),
        ("odt", lambda: b"PK", "not read"),
    ],
    ids=["empty", "another kind", "mislabeled", "bomb", "unknown"],
)
def test_a_file_that_cannot_be_read_raises_an_error(extension, content, message):
    with pytest.raises(extractors.ExtractionError, match=message):
        extractors.extract_text(content(), extension)


def test_the_extracted_text_is_truncated():
    assert len(extractors.extract_text(b"word " * 100_000, "txt")) <= extractors.MAX_CHARACTERS


@pytest.fixture
def item(db, media_folder):
    LibraryItemFactory(title="Something else")
    return LibraryItemFactory(title="A rule on water bills", visibility="public")


def attach(item: LibraryItem, name: str, content: bytes):
    document = get_document_model()(title="Ordinance")
    document.file.save(name, ContentFile(content), save=False)
    document._set_document_file_metadata()  # as Wagtail's forms do; there is no public way
    document.save()
    item.attachments.add(Attachment(title="Full text", document=document))
    services.publish(item, by=None)
    return document


def search_keys(text: str) -> list[str]:
    return [hit.key for hit in service.search(text, audience="public").hits]


def test_an_item_is_found_by_the_text_of_its_file(item):
    assert item.key not in search_keys(WORDS)
    attach(item, "ordinance.pdf", pdf())
    runner.run_due_jobs()
    assert search_keys(WORDS)[0] == item.key
    [hit] = [hit for hit in service.search(WORDS, audience="public").hits if hit.key == item.key]
    assert "sunsets" not in str((hit.title, hit.summary, hit.excerpt))


def test_equal_content_is_extracted_once(item, monkeypatch):
    attach(item, "ordinance.txt", WORDS.encode())
    runner.run_due_jobs()
    monkeypatch.setattr(extractors, "extract_text", None)
    services.publish(item, by=None)
    runner.run_due_jobs()
    assert tasks.extract_item_files.call(item.pk) == 0


def test_a_replaced_file_is_found_by_its_own_text(item):
    document = attach(item, "ordinance.txt", WORDS.encode())
    runner.run_due_jobs()
    document.file.save("ordinance-2.txt", ContentFile(b"Moratorium on turnaways"), save=False)
    document._set_document_file_metadata()
    document.save()
    runner.run_due_jobs()
    assert search_keys("moratorium turnaways")[0] == item.key
    assert item.key not in search_keys(WORDS)


def test_a_broken_file_leaves_the_item_unchanged_and_records_the_error(item):
    attach(item, "ordinance.pdf", b"%PDF-1.4 and no more")
    runner.run_due_jobs()
    assert ExtractedText.objects.get().error.startswith("it is broken")
    assert item.key in search_keys(item.title)


def test_the_file_of_a_draft_is_not_extracted(item):
    document = get_document_model()(title="Ordinance")
    document.file.save("draft.txt", ContentFile(WORDS.encode()), save=False)
    document._set_document_file_metadata()  # as Wagtail's forms do; there is no public way
    document.save()
    item.attachments.add(Attachment(title="Full text", document=document))
    item.save_revision()
    runner.run_due_jobs()
    assert not ExtractedText.objects.exists()
