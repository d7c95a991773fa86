"""Changed documents are sent to a real engine: one job for each transaction, and never an old version over a newer one."""

from __future__ import annotations

import pytest
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from search.backends.engine.client import get_client
from search.indexing import bulk, serializer, store, tasks
from search.models import Document, PendingIndexUpdate
from tenants.jobs import runner
from tests.search.index_helpers import (
    add_documents,
    begin_new_transaction,
    change_document,
    index_versions,
    remove_documents,
    send_operations,
    table_versions,
)

pytestmark = pytest.mark.django_db


def test_written_and_removed_documents_are_sent_and_leave_the_outbox(indexed_engine):
    changed, removed = Document.objects.order_by("pk")[:2]
    change_document(changed, title="New words")
    remove_documents(removed)
    add_documents()
    assert PendingIndexUpdate.objects.count() == 3

    assert tasks.send_pending(indexed_engine) == 3

    assert index_versions(indexed_engine) == table_versions()
    assert not PendingIndexUpdate.objects.exists()
    assert tasks.send_pending(indexed_engine) == 0


def test_one_job_is_enqueued_for_a_transaction_and_none_if_it_is_rolled_back(engine):
    def count_jobs():
        return DBTaskResult.objects.filter(task_path=tasks.index_pending.module_path).count()

    with transaction.atomic():
        add_documents(2)
        assert count_jobs() == 1
        transaction.set_rollback(True)
    assert (count_jobs(), PendingIndexUpdate.objects.count()) == (0, 0)

    with transaction.atomic():
        first, _second = add_documents(2)
        add_documents()
        remove_documents(first)
    assert count_jobs() == 1


def test_without_an_engine_nothing_is_recorded_or_enqueued(settings):
    settings.SEARCH_URL = ""
    (document,) = add_documents()
    remove_documents(document)

    assert not PendingIndexUpdate.objects.exists()
    assert not DBTaskResult.objects.filter(task_path__startswith="search.").exists()


def test_the_job_sends_the_documents_as_they_are_when_it_runs(indexed_engine):
    DBTaskResult.objects.all().delete()
    begin_new_transaction()
    add_documents(3)
    runner.run_due_jobs()

    assert index_versions(indexed_engine) == table_versions()
    assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()


def test_many_changes_are_sent_in_batches(indexed_engine, monkeypatch):
    monkeypatch.setattr(tasks, "_BATCH_SIZE", 4)
    add_documents(11)

    assert tasks.send_pending(indexed_engine) == 11
    assert index_versions(indexed_engine) == table_versions()


def test_a_backlog_is_left_to_another_job(indexed_engine, monkeypatch):
    monkeypatch.setattr(tasks, "_BATCH_SIZE", 4)
    monkeypatch.setattr(tasks, "_MAX_PER_JOB", 4)
    DBTaskResult.objects.all().delete()
    add_documents(11)
    DBTaskResult.objects.all().delete()
    tasks.send_pending(indexed_engine)
    assert PendingIndexUpdate.objects.count() == 7

    runner.run_due_jobs()

    assert index_versions(indexed_engine) == table_versions()


# --- An old version never replaces a newer one ---------------------------------------------------------------------


def test_an_old_write_after_a_newer_one_is_superseded(indexed_engine):
    document = Document.objects.first()
    old = serializer.index_operation(document)
    document = change_document(document, title="The newer title")
    send_operations(indexed_engine, serializer.index_operation(document))

    (outcome,) = send_operations(indexed_engine, old)

    assert outcome.superseded
    assert index_versions(indexed_engine)[old.id] == document.version


def test_a_late_write_does_not_restore_a_removed_document(indexed_engine):
    document = Document.objects.first()
    late = serializer.index_operation(document)
    remove_documents(document)
    tasks.send_pending(indexed_engine)

    (outcome,) = send_operations(indexed_engine, late)

    assert outcome.superseded
    assert late.id not in index_versions(indexed_engine)


def test_a_late_removal_does_not_remove_a_document_that_was_written_again(indexed_engine):
    document = Document.objects.first()
    remove_documents(document)
    (late,) = [bulk.Operation(f"{u.kind}:{u.uuid}", u.version) for u in PendingIndexUpdate.objects.all()]
    document.pk = None
    store.save([document])
    tasks.send_pending(indexed_engine)

    (outcome,) = send_operations(indexed_engine, late)

    assert outcome.superseded
    assert index_versions(indexed_engine) == table_versions()


def test_a_change_between_reading_and_sending_stays_pending(indexed_engine, monkeypatch):
    document = change_document(Document.objects.first(), title="Read")
    send = bulk.send

    def change_and_send(*args, **kwargs):
        change_document(document, title="Written meanwhile")
        return send(*args, **kwargs)

    monkeypatch.setattr(bulk, "send", change_and_send)
    monkeypatch.setattr(tasks, "_MAX_PER_JOB", 1)
    tasks.send_pending(indexed_engine)
    monkeypatch.undo()

    assert PendingIndexUpdate.objects.count() == 1
    tasks.send_pending(get_client())
    assert index_versions(indexed_engine) == table_versions()
