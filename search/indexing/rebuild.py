"""Building the engine's index anew, and keeping it equal to the table.

A new index is built beside the one that is searched and takes its place in one step; one that nobody finished is
removed by whoever comes next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from typing import cast

from django.db import connection, transaction

from search.backends.engine.client import EngineClient, EngineError, Unavailable, extract, get_client
from search.indexing import bulk, indexes, tasks
from search.indexing import reconcile as compare
from search.models import Document

log = logging.getLogger(__name__)

MAX_SEARCH_SECONDS = 1.0  # seconds after which no search goes on in an index that has lost its alias


class RebuildInProgress(Exception):
    """Somebody else builds the index right now."""


@transaction.atomic
def rebuild_index(
    transport: EngineClient,
    *,
    progress: Callable[[Iterator[Document], int], Iterator[Document]] = lambda documents, _count: documents,
    wait: float = 0,
) -> int:
    """Build the index anew from the table, and put it in the place of the old one; how many documents it has.

    Searches find the old index until then. What is written meanwhile is not lost: the new index is compared with
    the table while the feed stands still. Raises Busy if another rebuild is not done after `wait` seconds.
    """
    acquire_rebuild_lock(wait=wait)
    indexes.delete(transport, indexes.orphaned_indexes(transport))
    name = indexes.create(transport)
    try:
        documents = Document.objects.order_by("pk").defer(*tasks.UNINDEXED_FIELDS)
        with closing(cast("Generator[Document]", documents.iterator(chunk_size=500))) as rows:
            told = progress(rows, documents.count())
            writes = map(tasks.index_operation, told)
            for outcome in bulk.send(transport, name, writes, is_alias=False, pauses=bulk.RETRY_DELAYS):
                bulk.log_rejection(outcome)
        compare.repair(transport, name, is_alias=False)  # most of what changed meanwhile
        tasks.pause_feeding()
        if compare.repair(transport, name, is_alias=False).must_rebuild:
            raise Unavailable(f"the new index {name} does not agree with the table")
        count = extract(transport.request("GET", f"/{name}/_count"), "count", kind=int)
        indexes.swap_alias(transport, name)
    except BaseException:
        _delete_orphaned_indexes(transport)
        raise
    time.sleep(MAX_SEARCH_SECONDS)
    _delete_orphaned_indexes(transport)
    return count


def _delete_orphaned_indexes(transport: EngineClient) -> None:
    """Remove the indexes that are not searched; if that fails, the next one to come does it."""
    with suppress(EngineError):
        indexes.delete(transport, indexes.orphaned_indexes(transport))


def acquire_rebuild_lock(*, wait: float = 0) -> None:
    """Be the only one to build and tidy indexes until the transaction ends, also by being killed. Raises Busy."""
    ends = time.monotonic() + wait
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('search: build an index'))")
            if cursor.fetchone()[0]:
                return
        if time.monotonic() >= ends:
            raise RebuildInProgress("The search index is being built by somebody else right now.")
        time.sleep(0.25)


def reconcile_index() -> str:
    """Make the engine's index equal to the table; in words, what was done. Raises EngineError."""
    try:
        with transaction.atomic():
            acquire_rebuild_lock()
            return _reconcile_index(get_client())
    except RebuildInProgress as busy:
        return str(busy)


def _reconcile_index(transport: EngineClient) -> str:
    indexes.delete(transport, indexes.orphaned_indexes(transport))
    name = indexes.current_index(transport)
    if name is None:
        return _rebuild_because(transport, "there was none")
    if not indexes.is_up_to_date(transport, name):
        return _rebuild_because(transport, "it was made by another version of the portal")
    tasks.send_pending(transport)
    repaired = compare.repair(transport, indexes.index_alias(), is_alias=True)
    if repaired.must_rebuild:
        return _rebuild_because(transport, "it could not be repaired")
    if not repaired.written and not repaired.removed:
        return "The search index agrees with the table."
    said = f"The search index was repaired: {repaired.written} written, {repaired.removed} removed."
    log.warning(said)
    return said


def _rebuild_because(transport: EngineClient, why: str) -> str:
    log.warning("The search index is built: %s.", why)
    said = f"The search index was built with {rebuild_index(transport)} documents: {why}."
    log.warning(said)
    return said
