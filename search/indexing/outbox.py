"""Changed documents that the search engine has not confirmed: added in the writer's transaction, then removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.db import connection

from search.models import PendingIndexUpdate

Change = tuple[str, UUID, int]  # kind, uuid, version

_TABLE = PendingIndexUpdate._meta.db_table


def add(changes: Iterable[Change]) -> bool:
    """Record that these documents were written or removed; nothing without a search engine.

    Returns True for the first changes of a transaction: a job that sends them has to be enqueued.
    """
    if not settings.SEARCH_URL:
        return False
    rows = sorted(
        changes, key=lambda change: (change[0], str(change[1]))
    )  # concurrent writers lock in one order
    if not rows:
        return False
    kinds, uuids, versions = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_TABLE} AS pending (kind, uuid, version) "
            "SELECT * FROM unnest(%s::text[], %s::uuid[], %s::bigint[]) "
            "ON CONFLICT (kind, uuid) DO UPDATE SET version = greatest(pending.version, excluded.version)",
            [list(kinds), [str(uuid) for uuid in uuids], list(versions)],
        )
        # The setting ends with the transaction, or with a savepoint that is rolled back.
        cursor.execute(
            "SELECT current_setting('portal.feeds_search', true), set_config('portal.feeds_search', 'yes', true)"
        )
        return cursor.fetchone()[0] != "yes"


def pending(*, after: int, limit: int) -> list[PendingIndexUpdate]:
    """At most `limit` changes with a version above `after`, oldest first."""
    return list(PendingIndexUpdate.objects.filter(version__gt=after).order_by("version")[:limit])


def remove(confirmed: Sequence[Change]) -> None:
    """Remove these changes, but not where the document has changed again since."""
    if not confirmed:
        return
    kinds, uuids, versions = zip(*confirmed, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {_TABLE} pending "
            "USING unnest(%s::text[], %s::uuid[], %s::bigint[]) AS confirmed (kind, uuid, version) "
            "WHERE pending.kind = confirmed.kind AND pending.uuid = confirmed.uuid "
            "AND pending.version <= confirmed.version",
            [list(kinds), [str(uuid) for uuid in uuids], list(versions)],
        )
