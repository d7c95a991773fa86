"""Writes documents to the table: only those that changed, with a fixed number of queries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from search.indexing import outbox
from search.models import Document, DocumentQuerySet, VocabularyTerm

_NON_CONTENT_FIELDS = {"id", "content_hash", "version", "changed_at", "vector"}
_CONTENT_FIELDS = [f for f in Document._meta.concrete_fields if f.name not in _NON_CONTENT_FIELDS]
_UPDATED_FIELDS = [f.name for f in _CONTENT_FIELDS if f.name not in {"kind", "uuid"}]
_BATCH_SIZE = 2_000


@dataclass(frozen=True)
class WriteCounts:
    """How many documents were written and removed."""

    saved: int = 0
    removed: int = 0

    def __add__(self, other: WriteCounts) -> WriteCounts:
        return WriteCounts(self.saved + other.saved, self.removed + other.removed)


def content_hash(document: Document) -> str:
    """64 hexadecimal digits, the same for two documents that are found and shown alike."""
    content = {field.column: getattr(document, field.attname) for field in _CONTENT_FIELDS}
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def replace(documents: Iterable[Document], *, among: DocumentQuerySet, check: bool = False) -> WriteCounts:
    """Replace the stored documents `among` by those given: write those that differ, remove the others.

    With `check` nothing is written; the counts say what would be.
    """
    expected: dict[tuple[str, UUID], Document] = {}
    for document in documents:
        document.content_hash = content_hash(document)
        expected[document.kind, document.uuid] = document
    stored = {
        (kind, key): (pk, digest)
        for pk, kind, key, digest in among.values_list("pk", "kind", "uuid", "content_hash")
    }
    changed = [d for key, d in expected.items() if key not in stored or stored[key][1] != d.content_hash]
    stale = [pk for key, (pk, _digest) in stored.items() if key not in expected]
    if not check:
        save(changed)
        if stale:
            remove(Document.objects.filter(pk__in=stale))
    return WriteCounts(len(changed), len(stale))


@transaction.atomic
def remove(documents: DocumentQuerySet) -> int:
    """Remove these documents and return their number."""
    removed = list(documents.select_for_update().values_list("pk", "kind", "uuid"))
    Document.objects.filter(pk__in=[pk for pk, _kind, _uuid in removed]).delete()
    # Assigned while the rows are locked: a removal has a higher version than what it removes.
    versions = _next_versions(len(removed))
    _add_to_outbox(
        (kind, uuid, version) for (_pk, kind, uuid), version in zip(removed, versions, strict=True)
    )
    return len(removed)


def save(documents: Sequence[Document]) -> None:
    """Insert or update these documents, whatever their `content_hash` says."""
    if not documents:
        return
    now = timezone.now()
    for document, version in zip(documents, _next_versions(len(documents)), strict=True):
        document.version, document.changed_at = version, now
    Document.objects.bulk_create(
        sorted(documents, key=lambda d: (d.kind, str(d.uuid))),  # concurrent writers lock in one order
        update_conflicts=True,
        unique_fields=["kind", "uuid"],
        update_fields=[*_UPDATED_FIELDS, "content_hash", "version", "changed_at"],
        batch_size=_BATCH_SIZE,
    )
    _add_to_outbox((document.kind, document.uuid, document.version) for document in documents)
    add_terms({term for document in documents for term in document.terms})


def _add_to_outbox(changes: Iterable[outbox.Change]) -> None:
    """Record changes for the search engine, and enqueue the job that sends them: one for each transaction."""
    if outbox.add(changes):
        from search.indexing import tasks  # loads the libraries of search engines

        tasks.enqueue_index_pending()


def _next_versions(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('public.search_version') FROM generate_series(1, %s)", [count])
        return [version for (version,) in cursor.fetchall()]


def add_terms(terms: Iterable[str]) -> None:
    """Add to the vocabulary the terms that it lacks."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {VocabularyTerm._meta.db_table} (word) SELECT term FROM unnest(%s::text[]) term "
            f"WHERE NOT EXISTS (SELECT 1 FROM {VocabularyTerm._meta.db_table} v WHERE v.word = term)",
            [sorted(terms)],
        )


@transaction.atomic
def rebuild_vocabulary() -> None:
    """Write the vocabulary again: every term of every document once, and no other."""
    table, documents = VocabularyTerm._meta.db_table, Document._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute(f"INSERT INTO {table} (word) SELECT DISTINCT unnest(words) FROM {documents}")
