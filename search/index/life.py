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

from search.index import bulk, compare, feed, indexes
from search.index.transports import EngineError, Transport, Unavailable, current, pick
from search.models import Document

log = logging.getLogger(__name__)

LONGEST_SEARCH = 1.0  # seconds after which no search goes on in an index that has lost its alias


class Busy(Exception):
    """Somebody else builds the index right now."""


@transaction.atomic
def rebuild(
    transport: Transport,
    *,
    progress: Callable[[Iterator[Document], int], Iterator[Document]] = lambda documents, _count: documents,
    wait: float = 0,
) -> int:
    """Build the index anew from the table, and put it in the place of the old one; how many documents it has.

    Searches find the old index until then. What is written meanwhile is not lost: the new index is compared with
    the table while the feed stands still. Raises Busy if another rebuild is not done after `wait` seconds.
    """
    claim(wait=wait)
    indexes.remove(transport, indexes.leftovers(transport))
    name = indexes.create(transport)
    try:
        documents = Document.objects.order_by("pk").defer(*feed.NOT_SENT)
        with closing(cast("Generator[Document]", documents.iterator(chunk_size=500))) as rows:
            told = progress(rows, documents.count())
            writes = map(feed.writing, told)
            for outcome in bulk.send(transport, name, writes, is_alias=False, pauses=bulk.PAUSES):
                bulk.log_refusal(outcome)
        compare.repair(transport, name, is_alias=False)  # most of what changed meanwhile
        feed.stand_still()
        if compare.repair(transport, name, is_alias=False).must_rebuild:
            raise Unavailable(f"the new index {name} does not agree with the table")
        count = pick(transport.request("GET", f"/{name}/_count"), "count", kind=int)
        indexes.point(transport, name)
    except BaseException:
        _tidy(transport)
        raise
    time.sleep(LONGEST_SEARCH)
    _tidy(transport)
    return count


def _tidy(transport: Transport) -> None:
    """Remove the indexes that are not searched; if that fails, the next one to come does it."""
    with suppress(EngineError):
        indexes.remove(transport, indexes.leftovers(transport))


def claim(*, wait: float = 0) -> None:
    """Be the only one to build and tidy indexes until the transaction ends, also by being killed. Raises Busy."""
    ends = time.monotonic() + wait
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('search: build an index'))")
            if cursor.fetchone()[0]:
                return
        if time.monotonic() >= ends:
            raise Busy("The search index is being built by somebody else right now.")
        time.sleep(0.25)


def reconcile() -> str:
    """Make the engine's index equal to the table; in words, what was done. Raises EngineError."""
    try:
        with transaction.atomic():
            claim()
            return _reconcile(current())
    except Busy as busy:
        return str(busy)


def _reconcile(transport: Transport) -> str:
    indexes.remove(transport, indexes.leftovers(transport))
    name = indexes.current(transport)
    if name is None:
        return _rebuilt(transport, "there was none")
    if not indexes.is_up_to_date(transport, name):
        return _rebuilt(transport, "it was made by another version of the portal")
    feed.send_unsent(transport)
    repaired = compare.repair(transport, indexes.alias(), is_alias=True)
    if repaired.must_rebuild:
        return _rebuilt(transport, "it could not be repaired")
    if not repaired.written and not repaired.removed:
        return "The search index agrees with the table."
    said = f"The search index was repaired: {repaired.written} written, {repaired.removed} removed."
    log.warning(said)
    return said


def _rebuilt(transport: Transport, why: str) -> str:
    log.warning("The search index is built: %s.", why)
    said = f"The search index was built with {rebuild(transport)} documents: {why}."
    log.warning(said)
    return said
