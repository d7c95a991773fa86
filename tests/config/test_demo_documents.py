"""What the demo adds to its sheets: files of the library, which open and can be searched, and names of milestones."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections import Counter
from typing import Any

import docx
import openpyxl
import pptx
import pypdf
import pytest
from django.conf import settings

from config.demo import cohort, documents
from config.demo.milestones import MILESTONES
from config.demo.sample_data import JURISDICTIONS
from resources.models import Attachment, LibraryItem
from resources.text_extraction.extractors import extract_text
from tenants.models import Jurisdiction
from tenants.plans.models import Milestone
from tests import library

FILES = list(documents.demo_files())
LIBRARY = settings.BASE_DIR / "resources" / "demo" / "items.jsonl"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.key}.{file.format}")
def test_each_file_opens_and_says_what_its_text_says(file: documents.DemoFile) -> None:
    assert len(file.content) < 60_000
    stream = io.BytesIO(file.content)
    if file.format == "docx":
        document = docx.Document(stream)
        assert document.core_properties.title == file.title
        assert document.paragraphs[0].style.name == "Heading 1"
    elif file.format == "pptx":
        slides = pptx.Presentation(stream).slides
        assert len(slides) >= 5
        assert all(slide.shapes.title.text for slide in slides)
    elif file.format == "xlsx":
        workbook = openpyxl.load_workbook(stream)
        assert workbook.sheetnames[0] == "Guide"
        assert len(workbook.sheetnames) >= 3
    else:
        reader = pypdf.PdfReader(stream, strict=True)
        assert reader.metadata is not None
        assert reader.metadata.title == file.title
        assert reader.root_object["/MarkInfo"]["/Marked"]
    extracted = " ".join(extract_text(file.content, file.format).split())
    source = (documents.FOLDER / f"{file.key}.{file.format}.txt").read_text(encoding="utf-8")
    for block in documents.parse(source.partition("\n\n")[2]):
        for text in (block.text, *block.cells):
            is_name = file.format == "xlsx" and block.kind == "h1"  # of a sheet
            if text and not is_name and block.kind != "validate" and not text.startswith("="):
                assert " ".join(text.split()) in extracted, text


def test_the_flagship_items_have_files_of_every_format() -> None:
    formats = Counter(file.format for file in FILES)
    assert set(formats) == {"docx", "xlsx", "pdf", "pptx"}
    assert len({file.key for file in FILES}) >= 10
    items = {item["key"]: item for item in map(json.loads, LIBRARY.read_text(encoding="utf-8").splitlines())}
    for file in FILES:
        assert file.kind in Attachment.Kind.values
        assert items[file.key]["language"] == file.language
        assert items[file.key]["sample"] is True


@pytest.mark.django_db
def test_the_demo_attaches_them_once(media_folder: object) -> None:
    library.load_demo_library()
    cohort.attach_files()
    assert Attachment.objects.count() == len(FILES)
    cohort.attach_files()
    assert Attachment.objects.count() == len(FILES)
    item = LibraryItem.objects.get(key="tallow-language-access-policy")
    assert item.live
    assert item.file_formats == ["DOCX"]
    assert not item.lacks_document
    assert item.attachments.get().document.file_size > 10_000
    with item.attachments.get().document.open_file() as stored:
        assert docx.Document(stored).paragraphs[0].text == "Language access policy"


@pytest.mark.django_db
@pytest.mark.parametrize("slug", MILESTONES)
def test_every_milestone_of_the_demo_has_a_name(slug: str, media_folder: object, in_city: Any) -> None:
    (sample,) = (sample for sample in JURISDICTIONS if sample["slug"] == slug)
    cohort.open_sample_jurisdiction(sample)
    with in_city(Jurisdiction.objects.get(slug=slug)):
        milestones = list(Milestone.objects.select_related("action"))
        assert len(milestones) == sum(map(len, MILESTONES[slug].values()))
        assert all(milestone.title for milestone in milestones)
        # Nothing is reached in the future, and nothing of a draft.
        reached = [milestone.done_date for milestone in milestones if milestone.done_date]
        assert all(day <= dt.date(2026, 11, 26) for day in reached)
        assert bool(reached) == (slug != "port-lysander")
