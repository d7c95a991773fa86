"""A document as an engine stores it."""

from __future__ import annotations

from typing import Any

from search.engine import FACETS
from search.models import AUDIENCES, Document

TITLE_COUNTS = 2  # a word in the title counts as if it stood there so often
LONGEST_SUMMARY, LONGEST_MARKED_BODY = 2_000, 30_000  # characters that matches are marked in

_AS_THEY_ARE = [
    "kind", "key", "audience", "language", "origin", "host", "path", "title_key", "data", "version", "content_hash", "year",
    *(column for column in FACETS.values() if column not in {"kind", "language"}),
]  # fmt: skip


def doc_id(document: Document) -> str:
    """What an engine knows this document by: "library:8a6e…"."""
    return f"{document.kind}:{document.uuid}"


def source(document: Document) -> dict[str, Any]:
    """The JSON of one document; `mapping.body` says what its fields are for."""
    language = document.language
    found = {name: getattr(document, name) for name in _AS_THEY_ARE}
    words = [
        *[document.title] * TITLE_COUNTS, document.origin, document.summary, document.body, document.hidden
    ]  # fmt: skip
    return found | {
        "uuid": str(document.uuid),
        "dated_on": document.dated_on.isoformat() if document.dated_on else None,
        "title": {language: document.title},
        "summary": {language: document.summary[:LONGEST_SUMMARY]},
        "body": {language: document.body[:LONGEST_MARKED_BODY]},
        "title_start": document.title_key,
        "title_length": len(document.title),
        "words": {
            audience: {language: [text for text in words if text]}
            for audience, allowed in AUDIENCES.items()
            if document.audience in allowed
        },
    }
