"""Keeps the table of what may be found in step: writes only what changed, with a fixed number of queries."""

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
    """The same for two documents that are found and shown alike; 64 hexadecimal digits."""
    content = {field.attname: getattr(document, field.attname) for field in _CONTENT_FIELDS}
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def replace(documents: Iterable[Document], *, among: DocumentQuerySet, check: bool = False) -> WriteCounts:
    """Make the stored documents `among` those given: write what differs, remove what is not there any more.

    With `check` nothing is written; the answer says what would be.
    """
    wanted: dict[tuple[str, UUID], Document] = {}
    for document in documents:
        document.content_hash = content_hash(document)
        wanted[document.kind, document.uuid] = document
    stored = {
        (kind, key): (pk, digest)
        for pk, kind, key, digest in among.values_list("pk", "kind", "uuid", "content_hash")
    }
    changed = [d for key, d in wanted.items() if key not in stored or stored[key][1] != d.content_hash]
    stale = [pk for key, (pk, _digest) in stored.items() if key not in wanted]
    if not check:
        save(changed)
        if stale:
            remove(Document.objects.filter(pk__in=stale))
    return WriteCounts(len(changed), len(stale))


@transaction.atomic
def remove(documents: DocumentQuerySet) -> int:
    """Remove these documents; how many they were."""
    gone = list(documents.select_for_update().values_list("pk", "kind", "uuid"))
    Document.objects.filter(pk__in=[pk for pk, _kind, _uuid in gone]).delete()
    versions = _next_versions(
        len(gone)
    )  # given while the rows are locked: a removal is newer than what it removes
    outbox.add((kind, uuid, version) for (_pk, kind, uuid), version in zip(gone, versions, strict=True))
    return len(gone)


def save(documents: Sequence[Document]) -> None:
    if not documents:
        return
    now = timezone.now()
    for document, version in zip(documents, _next_versions(len(documents)), strict=True):
        document.version, document.changed_at = version, now
    Document.objects.bulk_create(
        sorted(documents, key=lambda d: (d.kind, str(d.uuid))),  # two writers at once lock in the same order
        update_conflicts=True,
        unique_fields=["kind", "uuid"],
        update_fields=[*_UPDATED_FIELDS, "content_hash", "version", "changed_at"],
        batch_size=_BATCH_SIZE,
    )
    outbox.add((document.kind, document.uuid, document.version) for document in documents)
    add_terms({word for document in documents for word in document.words})


def _next_versions(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('public.search_version') FROM generate_series(1, %s)", [count])
        return [version for (version,) in cursor.fetchall()]


def add_terms(words: Iterable[str]) -> None:
    """Add the words that are new to the vocabulary."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {VocabularyTerm._meta.db_table} (word) SELECT w FROM unnest(%s::text[]) w "
            f"WHERE NOT EXISTS (SELECT 1 FROM {VocabularyTerm._meta.db_table} v WHERE v.word = w)",
            [sorted(words)],
        )


@transaction.atomic
def rebuild_vocabulary() -> None:
    """Write the vocabulary again: every word of every document once, and no other."""
    table, documents = VocabularyTerm._meta.db_table, Document._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute(f"INSERT INTO {table} (word) SELECT DISTINCT unnest(words) FROM {documents}")
