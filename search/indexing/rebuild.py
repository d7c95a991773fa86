"""Rebuilds the engine's index, and keeps it equal to the table.

A new index is built beside the current one and replaces it in one step; an unfinished one is deleted by the next
rebuild or reconciliation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from typing import cast

from django.db import connection, transaction

from search.backends.engine.client import (
    EngineClient,
    EngineError,
    Unavailable,
    extract,
    get_client,
    index_alias,
)
from search.indexing import bulk, indexes, reconcile, serializer, tasks
from search.models import Document

log = logging.getLogger(__name__)

MAX_SEARCH_SECONDS = 1.0  # an index that has lost its alias is not searched any more after this


class RebuildInProgress(Exception):
    """Another process is rebuilding the index."""


@transaction.atomic
def rebuild_index(
    client: EngineClient,
    *,
    progress: Callable[[Iterator[Document], int], Iterator[Document]] = lambda documents, _count: documents,
    wait: float = 0,
) -> int:
    """Build a new index from the table, replace the current one by it, and return its number of documents.

    Searches use the current index until then. Documents that are written meanwhile are not lost: the new index is
    compared with the table while no job sends updates. Raises RebuildInProgress if another rebuild is not done after
    `wait` seconds.
    """
    acquire_rebuild_lock(wait=wait)
    indexes.delete(client, indexes.orphaned_indexes(client))
    name = indexes.create(client)
    try:
        documents = Document.objects.order_by("pk").defer(*serializer.UNINDEXED_FIELDS)
        with closing(cast("Generator[Document]", documents.iterator(chunk_size=500))) as rows:
            operations = map(serializer.index_operation, progress(rows, documents.count()))
            for outcome in bulk.send(
                client, name, operations, is_alias=False, retry_delays=bulk.RETRY_DELAYS
            ):
                bulk.log_rejection(outcome)
        reconcile.repair(client, name, is_alias=False)  # most of what changed meanwhile
        tasks.pause_index_updates()
        if reconcile.repair(client, name, is_alias=False).must_rebuild:
            raise Unavailable(f"the new index {name} does not agree with the table")
        count = extract(client.request("GET", f"/{name}/_count"), "count", kind=int)
        indexes.swap_alias(client, name)
    except BaseException:
        _delete_orphaned_indexes(client)
        raise
    time.sleep(MAX_SEARCH_SECONDS)
    _delete_orphaned_indexes(client)
    return count


def _delete_orphaned_indexes(client: EngineClient) -> None:
    """Delete the indexes without the alias; if that fails, the next rebuild or reconciliation does it."""
    with suppress(EngineError):
        indexes.delete(client, indexes.orphaned_indexes(client))


def acquire_rebuild_lock(*, wait: float = 0) -> None:
    """Lock out other rebuilds until the transaction ends, also by a crash. Raises RebuildInProgress."""
    deadline = time.monotonic() + wait
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('search: build an index'))")
            if cursor.fetchone()[0]:
                return
        if time.monotonic() >= deadline:
            raise RebuildInProgress("The search index is being built by another process right now.")
        time.sleep(0.25)


def reconcile_index() -> str:
    """Make the engine's index equal to the table; returns a sentence that says what was done. Raises EngineError."""
    try:
        with transaction.atomic():
            acquire_rebuild_lock()
            return _reconcile_index(get_client())
    except RebuildInProgress as error:
        return str(error)


def _reconcile_index(client: EngineClient) -> str:
    indexes.delete(client, indexes.orphaned_indexes(client))
    name = indexes.current_index(client)
    if name is None:
        return _rebuild_because(client, "there was none")
    if not indexes.is_up_to_date(client, name):
        return _rebuild_because(client, "it was made by another version of the portal")
    tasks.send_pending(client)
    result = reconcile.repair(client, index_alias(), is_alias=True)
    if result.must_rebuild:
        return _rebuild_because(client, "it could not be repaired")
    if not result.written and not result.removed:
        return "The search index agrees with the table."
    summary = f"The search index was repaired: {result.written} written, {result.removed} removed."
    log.warning(summary)
    return summary


def _rebuild_because(client: EngineClient, reason: str) -> str:
    log.warning("The search index is built: %s.", reason)
    summary = f"The search index was built with {rebuild_index(client)} documents: {reason}."
    log.warning(summary)
    return summary
