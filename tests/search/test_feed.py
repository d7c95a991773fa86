"""What is written reaches a real engine: once for each transaction, and never an old write over a newer one."""

from __future__ import annotations

import pytest
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from search import store
from search.index import bulk, feed
from search.index.transports import current
from search.models import Document, Unsent
from tenants import jobs
from tests.search.written import add, change, drop, in_another_transaction, in_index, in_table, put

pytestmark = pytest.mark.django_db


def test_what_is_written_and_removed_is_sent_and_forgotten(built):
    one, other = Document.objects.order_by("pk")[:2]
    change(one, title="New words")
    drop(other)
    add()
    assert Unsent.objects.count() == 3

    assert feed.send_unsent(built) == 3

    assert in_index(built) == in_table()
    assert not Unsent.objects.exists()
    assert feed.send_unsent(built) == 0


def test_one_job_is_queued_for_a_transaction_and_none_when_it_is_rolled_back(engine):
    def queued():
        return DBTaskResult.objects.filter(task_path=feed.send.module_path).count()

    with transaction.atomic():
        add(2)
        assert queued() == 1
        transaction.set_rollback(True)
    assert (queued(), Unsent.objects.count()) == (0, 0)

    with transaction.atomic():
        first, _second = add(2)
        add()
        drop(first)
    assert queued() == 1


def test_without_an_engine_nothing_is_noted_or_queued(settings):
    settings.SEARCH_URL = ""
    (one,) = add()
    drop(one)

    assert not Unsent.objects.exists()
    assert not DBTaskResult.objects.filter(task_path__startswith="search.").exists()


def test_the_job_sends_what_stands_in_the_table_when_it_runs(built):
    DBTaskResult.objects.all().delete()
    in_another_transaction()
    add(3)
    jobs.run_all()

    assert in_index(built) == in_table()
    assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()


def test_many_changes_go_in_batches(built, monkeypatch):
    monkeypatch.setattr(feed, "_AT_ONCE", 4)
    add(11)

    assert feed.send_unsent(built) == 11
    assert in_index(built) == in_table()


def test_a_backlog_is_left_to_another_job(built, monkeypatch):
    monkeypatch.setattr(feed, "_AT_ONCE", 4)
    monkeypatch.setattr(feed, "_PER_JOB", 4)
    DBTaskResult.objects.all().delete()
    add(11)
    DBTaskResult.objects.all().delete()
    feed.send_unsent(built)
    assert Unsent.objects.count() == 7

    jobs.run_all()

    assert in_index(built) == in_table()


# --- An old write never wins -------------------------------------------------------------------------------------


def test_an_old_write_after_a_new_one_is_overtaken(built):
    document = Document.objects.first()
    old = feed.writing(document)
    document = change(document, title="The newer title")
    put(built, feed.writing(document))

    (outcome,) = put(built, old)

    assert outcome.overtaken
    assert in_index(built)[old.id] == document.version


def test_a_write_that_is_late_does_not_bring_back_what_was_removed(built):
    document = Document.objects.first()
    late = feed.writing(document)
    drop(document)
    feed.send_unsent(built)

    (outcome,) = put(built, late)

    assert outcome.overtaken
    assert late.id not in in_index(built)


def test_a_removal_that_is_late_does_not_remove_what_was_written_again(built):
    document = Document.objects.first()
    drop(document)
    (late,) = [bulk.Operation(f"{u.kind}:{u.uuid}", u.version) for u in Unsent.objects.all()]
    document.pk = None
    store._save([document])
    feed.send_unsent(built)

    (outcome,) = put(built, late)

    assert outcome.overtaken
    assert in_index(built) == in_table()


def test_a_change_between_reading_and_sending_stays_unsent(built, monkeypatch):
    document = change(Document.objects.first(), title="Read")
    send = bulk.send

    def meanwhile(*args, **kwargs):
        change(document, title="Written meanwhile")
        return send(*args, **kwargs)

    monkeypatch.setattr(bulk, "send", meanwhile)
    monkeypatch.setattr(feed, "_PER_JOB", 1)
    feed.send_unsent(built)
    monkeypatch.undo()

    assert Unsent.objects.count() == 1
    feed.send_unsent(current())
    assert in_index(built) == in_table()
