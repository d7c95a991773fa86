"""Extracts the text of attached files for the search, once for each content, in the worker."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from django.db import transaction
from django_tasks import task

from resources.models import ExtractedText, LibraryItem
from resources.text_extraction import extractors
from tenants.signals import library_item_changed

log = logging.getLogger(__name__)


def get_extracted_texts(items: Iterable[LibraryItem]) -> dict[str, str]:
    """The extracted texts of these items' files: hash of a file's content -> its text. One query."""
    hashes = {attachment.document.file_hash for item in items for attachment in item.attachments.all()}
    return dict(ExtractedText.objects.filter(file_hash__in=hashes - {""}).values_list("file_hash", "text"))


def queue_extraction(item_id: int) -> None:
    """Queue the extraction of an item's files that have no text yet, in the caller's transaction."""
    if _files_without_text(item_id):
        extract_item_files.enqueue(item_id)


@task()
def extract_item_files(item_id: int) -> int:
    """Extract the text of an item's new files, announce the item if there were any, and return their number."""
    files = _files_without_text(item_id)
    for document in files:
        with document.open_file() as file:
            content = file.read()
        extension = PurePath(document.filename).suffix.lower().lstrip(".")
        text = message = ""
        try:
            text = extractors.extract_text(content, extension)
        except extractors.ExtractionError as error:
            message = str(error)
            log.warning("The file %r of the library is not searched: %s.", document.filename, message)
        ExtractedText.objects.update_or_create(
            file_hash=document.file_hash, defaults={"text": text, "error": message}
        )
    if files:
        with transaction.atomic():
            library_item_changed.send(LibraryItem, item_id=item_id)
    return len(files)


def _files_without_text(item_id: int) -> list[Any]:
    """The files of the published item whose text is not extracted yet, each content once."""
    item = LibraryItem.objects.live().filter(pk=item_id).prefetch_related("attachments__document").first()
    documents = {a.document.get_file_hash(): a.document for a in item.attachments.all()} if item else {}
    extracted = ExtractedText.objects.filter(file_hash__in=documents).values_list("file_hash", flat=True)
    for file_hash in list(extracted):
        del documents[file_hash]
    return list(documents.values())
