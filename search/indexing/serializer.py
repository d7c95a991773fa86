"""A document as a search engine stores it. The index is rebuilt whenever the text of this file changes."""

from __future__ import annotations

import hashlib
from typing import Any

from search.indexing.bulk import Operation
from search.models import AUDIENCES, Document
from search.types import FACETS

TITLE_WEIGHT = 2  # a word in the title counts as if it occurred this often
MAX_SUMMARY_LENGTH, MAX_HIGHLIGHTED_BODY_LENGTH = 2_000, 30_000  # characters that matches are marked in
UNINDEXED_FIELDS = (
    "vector",
    "terms",
)  # of Document, need not be read: an engine derives its own from the texts

_COPIED_FIELDS = [
    "kind", "key", "audience", "language", "origin", "host", "path", "title_key", "data", "version", "content_hash", "year",
    *(column for column in FACETS.values() if column not in {"kind", "language"}),
]  # fmt: skip


def document_id(document: Document) -> str:
    """The document's id in an engine: "library:8a6e…"."""
    return f"{document.kind}:{document.uuid}"


def serialize(document: Document) -> dict[str, Any]:
    """The JSON of one document; `mapping.base_definition` describes its fields."""
    language = document.language
    copied = {name: getattr(document, name) for name in _COPIED_FIELDS}
    texts = [
        *[document.title] * TITLE_WEIGHT, document.origin, document.summary, document.body, document.hidden
    ]  # fmt: skip
    return copied | {
        "uuid": str(document.uuid),
        "overdue_at": int(document.overdue_at.timestamp()) if document.overdue_at else None,
        "dated_on": document.dated_on.isoformat() if document.dated_on else None,
        "title": {language: document.title},
        "summary": {language: document.summary[:MAX_SUMMARY_LENGTH]},
        "body": {language: document.body[:MAX_HIGHLIGHTED_BODY_LENGTH]},
        "title_start": document.title_key,
        "title_length": len(document.title),
        "words": {
            reader: {language: [text for text in texts if text]}
            for reader, visible_audiences in AUDIENCES.items()
            if document.audience in visible_audiences
        },
    }


def index_operation(document: Document) -> Operation:
    """The operation that writes this document to an index."""
    consistency_fields = {"number": document.pk, "check": checksum(document.pk, document.version)}
    return Operation(document_id(document), document.version, serialize(document) | consistency_fields)


def checksum(pk: int, version: int) -> int:
    """28 bits for this version of this document; `reconcile` adds them up in PostgreSQL and in the engine."""
    return int(hashlib.md5(f"{pk}:{version}".encode(), usedforsecurity=False).hexdigest()[:7], 16)
