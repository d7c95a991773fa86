"""Sends changed documents to the search engine, soon after the transaction that changed them.

The writer records in its own transaction what changed (`PendingIndexUpdate`) and enqueues one job. The job reads the
table as it is when it runs, so the order of jobs does not matter, and sends each document with its version, so an old
write never replaces a newer one, nor undoes a removal.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db import connection, transaction
from django_tasks import TaskContext, task
from django_tenants.utils import schema_context

from search.backends.engine.client import EngineClient, Rejected, Unavailable, get_client, index_alias
from search.indexing import bulk, outbox, serializer
from search.indexing.outbox import Change
from search.models import Document, PendingIndexUpdate

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS = 5.0
_BATCH_SIZE, _MAX_PER_JOB = 500, 5_000
_LOCK = "hashtext('search: feed the index')"


def enqueue_index_pending() -> None:
    """Enqueue the job that sends pending updates."""
    with schema_context("public"):
        index_pending.enqueue()


@task(takes_context=True)
def index_pending(context: TaskContext) -> int:
    """Send pending updates and return their number. If the last attempt fails, reconciliation makes up for it."""
    if not settings.SEARCH_URL:
        return 0
    client = get_client()
    try:
        if not client.circuit_breaker.allows_request():
            raise Unavailable("it has just failed, and is not asked for some seconds")
        return send_pending(client)
    except Unavailable as error:
        if context.attempt < settings.JOB_ATTEMPTS:
            raise
        log.warning("Documents were not sent to the search engine: %s. Reconciliation will send them.", error)
    return 0


@transaction.atomic
def send_pending(client: EngineClient) -> int:
    """Send pending updates, oldest first, remove them from the outbox, and return their number.

    Nothing is sent if there is no index: it is built from the table. Raises Unavailable.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
    sent: list[Change] = []
    after = 0
    try:
        while len(sent) < _MAX_PER_JOB and (updates := outbox.pending(after=after, limit=_BATCH_SIZE)):
            after = updates[-1].version
            changes_and_operations = list(_operations(updates))
            operations = [operation for _change, operation in changes_and_operations]
            for outcome in bulk.send(
                client,
                index_alias(),
                operations,
                is_alias=True,
                refresh=True,
                timeout=REQUEST_TIMEOUT_SECONDS,
            ):
                bulk.log_rejection(outcome)
            sent += [change for change, _operation in changes_and_operations]
    except Unavailable:
        client.circuit_breaker.record_failure()
        raise
    except Rejected as error:
        if error.status != 404:
            raise
        log.warning("There is no search index to send documents to; it will be built.")
        return 0
    client.circuit_breaker.record_success()
    outbox.remove(sent)
    if len(sent) >= _MAX_PER_JOB:
        enqueue_index_pending()
    return len(sent)


def pause_index_updates() -> None:
    """Wait until no job sends updates, and let none begin before this transaction ends. Writers are not blocked."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _operations(updates: Sequence[PendingIndexUpdate]) -> Iterator[tuple[Change, bulk.Operation]]:
    """For each update the operation that writes the document as it is now, or removes it."""
    documents = Document.objects.filter(
        kind__in={u.kind for u in updates}, uuid__in=[u.uuid for u in updates]
    )
    existing = {(d.kind, d.uuid): d for d in documents.defer(*serializer.UNINDEXED_FIELDS)}
    for update in updates:
        if document := existing.get((update.kind, update.uuid)):
            change = (update.kind, update.uuid, document.version)
            yield change, serializer.index_operation(document)
        else:
            key = serializer.document_id(Document(kind=update.kind, uuid=update.uuid))
            yield (update.kind, update.uuid, update.version), bulk.Operation(key, update.version)
