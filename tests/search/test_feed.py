"""What is written reaches a real engine: once for each transaction, and never an old write over a newer one."""

from __future__ import annotations

import pytest
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from search.backends.engine.client import get_client
from search.indexing import bulk, store, tasks
from search.models import Document, PendingIndexUpdate
from tenants.jobs import runner
from tests.search.written import add, change, drop, in_another_transaction, in_index, in_table, put

pytestmark = pytest.mark.django_db


def test_what_is_written_and_removed_is_sent_and_forgotten(built):
    one, other = Document.objects.order_by("pk")[:2]
    change(one, title="New words")
    drop(other)
    add()
    assert PendingIndexUpdate.objects.count() == 3

    assert tasks.send_pending(built) == 3

    assert in_index(built) == in_table()
    assert not PendingIndexUpdate.objects.exists()
    assert tasks.send_pending(built) == 0


def test_one_job_is_queued_for_a_transaction_and_none_when_it_is_rolled_back(engine):
    def queued():
        return DBTaskResult.objects.filter(task_path=tasks.index_pending.module_path).count()

    with transaction.atomic():
        add(2)
        assert queued() == 1
        transaction.set_rollback(True)
    assert (queued(), PendingIndexUpdate.objects.count()) == (0, 0)

    with transaction.atomic():
        first, _second = add(2)
        add()
        drop(first)
    assert queued() == 1


def test_without_an_engine_nothing_is_noted_or_queued(settings):
    settings.SEARCH_URL = ""
    (one,) = add()
    drop(one)

    assert not PendingIndexUpdate.objects.exists()
    assert not DBTaskResult.objects.filter(task_path__startswith="search.").exists()


def test_the_job_sends_what_stands_in_the_table_when_it_runs(built):
    DBTaskResult.objects.all().delete()
    in_another_transaction()
    add(3)
    runner.run_due_jobs()

    assert in_index(built) == in_table()
    assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()


def test_many_changes_go_in_batches(built, monkeypatch):
    monkeypatch.setattr(tasks, "_BATCH_SIZE", 4)
    add(11)

    assert tasks.send_pending(built) == 11
    assert in_index(built) == in_table()


def test_a_backlog_is_left_to_another_job(built, monkeypatch):
    monkeypatch.setattr(tasks, "_BATCH_SIZE", 4)
    monkeypatch.setattr(tasks, "_MAX_PER_JOB", 4)
    DBTaskResult.objects.all().delete()
    add(11)
    DBTaskResult.objects.all().delete()
    tasks.send_pending(built)
    assert PendingIndexUpdate.objects.count() == 7

    runner.run_due_jobs()

    assert in_index(built) == in_table()


# --- An old write never wins -------------------------------------------------------------------------------------


def test_an_old_write_after_a_new_one_is_overtaken(built):
    document = Document.objects.first()
    old = tasks.index_operation(document)
    document = change(document, title="The newer title")
    put(built, tasks.index_operation(document))

    (outcome,) = put(built, old)

    assert outcome.superseded
    assert in_index(built)[old.id] == document.version


def test_a_write_that_is_late_does_not_bring_back_what_was_removed(built):
    document = Document.objects.first()
    late = tasks.index_operation(document)
    drop(document)
    tasks.send_pending(built)

    (outcome,) = put(built, late)

    assert outcome.superseded
    assert late.id not in in_index(built)


def test_a_removal_that_is_late_does_not_remove_what_was_written_again(built):
    document = Document.objects.first()
    drop(document)
    (late,) = [bulk.Operation(f"{u.kind}:{u.uuid}", u.version) for u in PendingIndexUpdate.objects.all()]
    document.pk = None
    store.save([document])
    tasks.send_pending(built)

    (outcome,) = put(built, late)

    assert outcome.superseded
    assert in_index(built) == in_table()


def test_a_change_between_reading_and_sending_stays_unsent(built, monkeypatch):
    document = change(Document.objects.first(), title="Read")
    send = bulk.send

    def meanwhile(*args, **kwargs):
        change(document, title="Written meanwhile")
        return send(*args, **kwargs)

    monkeypatch.setattr(bulk, "send", meanwhile)
    monkeypatch.setattr(tasks, "_MAX_PER_JOB", 1)
    tasks.send_pending(built)
    monkeypatch.undo()

    assert PendingIndexUpdate.objects.count() == 1
    tasks.send_pending(get_client())
    assert in_index(built) == in_table()
