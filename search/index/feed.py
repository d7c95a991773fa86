"""Brings to the engine what was written, soon after its transaction.

The writer notes in its own transaction what changed (`Unsent`) and queues one job. The job reads what stands in the
table now, so that it does not matter in which order jobs run, and sends it with its version, so that an old write never
wins over a newer one, nor over a removal.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db import connection, transaction
from django_tasks import TaskContext, task

from search.index import bulk, indexes, outbox, source
from search.index.outbox import Change
from search.index.transports import Rejected, Transport, Unavailable, current
from search.models import Document, Unsent

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds for a request of a job
NOT_SENT = ("vector", "words")  # columns that are not read: an engine makes its own of the texts
_AT_ONCE, _PER_JOB = 500, 5_000
_LOCK = "hashtext('search: feed the index')"


@task(takes_context=True)
def send(context: TaskContext) -> int:
    """Send what is unsent; how many documents that were. The last attempt leaves the rest to the comparison."""
    if not settings.SEARCH_URL:
        return 0
    transport = current()
    try:
        if not transport.rest.is_over():
            raise Unavailable("it has failed just now, and is left alone for some seconds")
        return send_unsent(transport)
    except Unavailable as error:
        if context.attempt < settings.JOB_ATTEMPTS:
            raise
        log.warning("The search engine was not fed: %s. The comparison will make up for it.", error)
    return 0


@transaction.atomic
def send_unsent(transport: Transport) -> int:
    """Send what is unsent, newest last, and forget that it was; how many documents that were.

    Nothing is sent where there is no index: who builds it reads the table. Raises Unavailable.
    """

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
    sent: list[Change] = []
    after = 0
    try:
        while len(sent) < _PER_JOB and (batch := outbox.unsent(after=after, most=_AT_ONCE)):
            after = batch[-1].version
            changes = list(_changes(batch))
            operations = [operation for _change, operation in changes]
            for outcome in bulk.send(
                transport, indexes.alias(), operations, is_alias=True, refresh=True, timeout=PATIENCE
            ):
                bulk.log_refusal(outcome)
            sent += [change for change, _operation in changes]
    except Unavailable:
        transport.rest.failed()
        raise
    except Rejected as error:
        if error.status != 404:
            raise
        log.warning("There is no search index to feed; it will be built.")
        return 0
    transport.rest.worked()
    outbox.forget(sent)
    if len(sent) >= _PER_JOB:
        outbox.queue()
    return len(sent)


def stand_still() -> None:
    """Wait until no job feeds the index, and let none begin before this transaction ends. Writers go on."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


def writing(document: Document) -> bulk.Operation:
    """What brings this document to an index."""
    own = {"number": document.pk, "check": check(document.pk, document.version)}
    return bulk.Operation(source.doc_id(document), document.version, source.source(document) | own)


def check(number: int, version: int) -> int:
    """28 bits that stand for this version of this document; `reconcile` adds them up, and so does PostgreSQL."""
    return int(hashlib.md5(f"{number}:{version}".encode(), usedforsecurity=False).hexdigest()[:7], 16)


def _changes(batch: Sequence[Unsent]) -> Iterator[tuple[Change, bulk.Operation]]:
    """What is to be told of each: the document as it stands now, or that it is gone."""
    wanted = Document.objects.filter(kind__in={u.kind for u in batch}, uuid__in=[u.uuid for u in batch])
    there = {(d.kind, d.uuid): d for d in wanted.defer(*NOT_SENT)}
    for row in batch:
        if document := there.get((row.kind, row.uuid)):
            yield (row.kind, row.uuid, document.version), writing(document)
        else:
            key = source.doc_id(Document(kind=row.kind, uuid=row.uuid))
            yield (row.kind, row.uuid, row.version), bulk.Operation(key, row.version)
