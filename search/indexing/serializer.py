"""A document as an engine stores it."""

from __future__ import annotations

from typing import Any

from search.models import AUDIENCES, Document
from search.types import FACETS

TITLE_WEIGHT = 2  # a word in the title counts as if it stood there so often
MAX_SUMMARY_LENGTH, MAX_HIGHLIGHTED_BODY_LENGTH = 2_000, 30_000  # characters that matches are marked in

_COPIED_FIELDS = [
    "kind", "key", "audience", "language", "origin", "host", "path", "title_key", "data", "version", "content_hash", "year",
    *(column for column in FACETS.values() if column not in {"kind", "language"}),
]  # fmt: skip


def document_id(document: Document) -> str:
    """What an engine knows this document by: "library:8a6e…"."""
    return f"{document.kind}:{document.uuid}"


def serialize(document: Document) -> dict[str, Any]:
    """The JSON of one document; `mapping.body` says what its fields are for."""
    language = document.language
    found = {name: getattr(document, name) for name in _COPIED_FIELDS}
    words = [
        *[document.title] * TITLE_WEIGHT, document.origin, document.summary, document.body, document.hidden
    ]  # fmt: skip
    return found | {
        "uuid": str(document.uuid),
        "dated_on": document.dated_on.isoformat() if document.dated_on else None,
        "title": {language: document.title},
        "summary": {language: document.summary[:MAX_SUMMARY_LENGTH]},
        "body": {language: document.body[:MAX_HIGHLIGHTED_BODY_LENGTH]},
        "title_start": document.title_key,
        "title_length": len(document.title),
        "words": {
            audience: {language: [text for text in words if text]}
            for audience, allowed in AUDIENCES.items()
            if document.audience in allowed
        },
    }
