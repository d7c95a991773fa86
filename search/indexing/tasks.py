"""Brings to the engine what was written, soon after its transaction.

The writer notes in its own transaction what changed (`PendingIndexUpdate`) and queues one job. The job reads what stands in the
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

from search.backends.engine.client import EngineClient, Rejected, Unavailable, get_client
from search.indexing import bulk, indexes, outbox, serializer
from search.indexing.outbox import Change
from search.models import Document, PendingIndexUpdate

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS = 5.0  # seconds for a request of a job
UNINDEXED_FIELDS = ("vector", "words")  # columns that are not read: an engine makes its own of the texts
_BATCH_SIZE, _MAX_PER_JOB = 500, 5_000
_LOCK = "hashtext('search: feed the index')"


@task(takes_context=True)
def index_pending(context: TaskContext) -> int:
    """Send what is unsent; how many documents that were. The last attempt leaves the rest to the comparison."""
    if not settings.SEARCH_URL:
        return 0
    transport = get_client()
    try:
        if not transport.rest.allows_request():
            raise Unavailable("it has failed just now, and is left alone for some seconds")
        return send_pending(transport)
    except Unavailable as error:
        if context.attempt < settings.JOB_ATTEMPTS:
            raise
        log.warning("The search engine was not fed: %s. The comparison will make up for it.", error)
    return 0


@transaction.atomic
def send_pending(transport: EngineClient) -> int:
    """Send what is unsent, newest last, and forget that it was; how many documents that were.

    Nothing is sent where there is no index: who builds it reads the table. Raises Unavailable.
    """

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
    sent: list[Change] = []
    after = 0
    try:
        while len(sent) < _MAX_PER_JOB and (batch := outbox.pending(after=after, most=_BATCH_SIZE)):
            after = batch[-1].version
            changes = list(_operations(batch))
            operations = [operation for _change, operation in changes]
            for outcome in bulk.send(
                transport,
                indexes.index_alias(),
                operations,
                is_alias=True,
                refresh=True,
                timeout=REQUEST_TIMEOUT_SECONDS,
            ):
                bulk.log_rejection(outcome)
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
    outbox.remove(sent)
    if len(sent) >= _MAX_PER_JOB:
        outbox.enqueue_index_pending()
    return len(sent)


def pause_feeding() -> None:
    """Wait until no job feeds the index, and let none begin before this transaction ends. Writers go on."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


def index_operation(document: Document) -> bulk.Operation:
    """What brings this document to an index."""
    own = {"number": document.pk, "check": checksum(document.pk, document.version)}
    return bulk.Operation(
        serializer.document_id(document), document.version, serializer.serialize(document) | own
    )


def checksum(number: int, version: int) -> int:
    """28 bits that stand for this version of this document; `reconcile` adds them up, and so does PostgreSQL."""
    return int(hashlib.md5(f"{number}:{version}".encode(), usedforsecurity=False).hexdigest()[:7], 16)


def _operations(batch: Sequence[PendingIndexUpdate]) -> Iterator[tuple[Change, bulk.Operation]]:
    """What is to be told of each: the document as it stands now, or that it is gone."""
    wanted = Document.objects.filter(kind__in={u.kind for u in batch}, uuid__in=[u.uuid for u in batch])
    there = {(d.kind, d.uuid): d for d in wanted.defer(*UNINDEXED_FIELDS)}
    for row in batch:
        if document := there.get((row.kind, row.uuid)):
            yield (row.kind, row.uuid, document.version), index_operation(document)
        else:
            key = serializer.document_id(Document(kind=row.kind, uuid=row.uuid))
            yield (row.kind, row.uuid, row.version), bulk.Operation(key, row.version)
