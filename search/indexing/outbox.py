"""What the engine has not been told yet: noted in the writer's transaction, forgotten when the engine has confirmed it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.db import connection
from django_tenants.utils import schema_context

from search.models import PendingIndexUpdate

Change = tuple[str, UUID, int]  # kind, uuid, version

_TABLE = PendingIndexUpdate._meta.db_table


def add(changes: Iterable[Change]) -> None:
    """Remember that these documents were written or removed, and queue a job that says so to the engine."""
    if not settings.SEARCH_URL:
        return
    rows = sorted(changes, key=lambda change: (change[0], str(change[1])))  # writers lock in the same order
    if not rows:
        return
    kinds, uuids, versions = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_TABLE} AS had (kind, uuid, version) "
            "SELECT * FROM unnest(%s::text[], %s::uuid[], %s::bigint[]) "
            "ON CONFLICT (kind, uuid) DO UPDATE SET version = greatest(had.version, excluded.version)",
            [list(kinds), [str(uuid) for uuid in uuids], list(versions)],
        )
        # One job for each transaction. The mark ends with it, or with the savepoint that is rolled back.
        cursor.execute(
            "SELECT current_setting('portal.feeds_search', true), set_config('portal.feeds_search', 'yes', true)"
        )
        if cursor.fetchone()[0] == "yes":
            return
    enqueue_index_pending()


def enqueue_index_pending() -> None:
    """Have a job send what is unsent."""
    from search.indexing.tasks import index_pending

    with schema_context("public"):
        index_pending.enqueue()


def pending(*, after: int, most: int) -> list[PendingIndexUpdate]:
    """Changes with a version above `after`, oldest first."""
    return list(PendingIndexUpdate.objects.filter(version__gt=after).order_by("version")[:most])


def remove(sent: Sequence[Change]) -> None:
    """Forget these, unless they have changed again since."""
    if not sent:
        return
    kinds, uuids, versions = zip(*sent, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {_TABLE} u "
            "USING unnest(%s::text[], %s::uuid[], %s::bigint[]) AS sent (kind, uuid, version) "
            "WHERE u.kind = sent.kind AND u.uuid = sent.uuid AND u.version <= sent.version",
            [list(kinds), [str(uuid) for uuid in uuids], list(versions)],
        )
