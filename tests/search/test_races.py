"""Writers, feeders and rebuilds at once, in threads and processes of their own, on a real engine."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import threading
import time
import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django_tasks_db.models import DBTaskResult

from search import tasks
from search.backends.engine import client
from search.indexing import indexes, store
from search.indexing import rebuild as life
from search.indexing import tasks as indexing_tasks
from search.management.commands import rebuild_search
from search.models import Document, PendingIndexUpdate
from tests.databases import ROOT
from tests.forks import forked_process
from tests.search.breaking import breakable
from tests.search.factories import DocumentFactory
from tests.search.written import add, change, in_index, in_table
from tests.tenants.conftest import committed  # noqa: F401


@pytest.fixture
def engine(committed, one_search_server, search_prefix, settings, monkeypatch):  # noqa: F811
    """The portal on a database where writes are committed, with a real engine and an empty index."""
    settings.SEARCH_URL, settings.SEARCH_PREFIX = one_search_server, f"{search_prefix}{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(life, "MAX_SEARCH_SECONDS", 0)
    client._build_client.cache_clear()
    for model in (Document, PendingIndexUpdate, DBTaskResult):
        model.objects.all().delete()
    life.rebuild_index(transport := client.get_client())
    yield transport
    for name in transport.request("GET", f"/{settings.SEARCH_PREFIX}*/_alias"):
        transport.request("DELETE", f"/{name}")


@pytest.fixture
def environment(committed, engine, settings):  # noqa: F811
    """With which other processes see the same database and the same index."""
    return committed | {"SEARCH_URL": settings.SEARCH_URL, "SEARCH_PREFIX": settings.SEARCH_PREFIX}


def wait_for(condition, *, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.02)
    return found


def in_threads(*works):
    """Run these at once, each with a connection of its own; what they raise is raised."""
    raised = []

    def run(work):
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by who started the threads
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []


def write_at_random(seed, keys, rounds=25):
    """Write and remove these documents, several at a time, in transactions that may be rolled back."""
    chance = random.Random(seed)
    for number in range(rounds):
        with transaction.atomic():
            some = sorted(chance.sample(keys, 3))
            if chance.random() < 0.3:
                store.remove(Document.objects.filter(uuid__in=some))
            else:
                store.save([DocumentFactory.build(uuid=key, title=f"{seed}, {number}") for key in some])
            if chance.random() < 0.2:
                transaction.set_rollback(True)


def test_writers_feeders_and_rebuilds_at_once_leave_the_index_equal_to_the_table(engine):
    keys = [uuid.uuid4() for _number in range(12)]
    over = threading.Event()

    def writing(seed):
        # Writers of one object take turns in the portal, by locks above this: here by the keys they write.
        return lambda: write_at_random(seed, keys[seed * 4 : seed * 4 + 4])

    def feeding():
        while not over.is_set():
            indexing_tasks.send_pending(engine)

    def rebuilding():
        for _time in range(3):
            with contextlib.suppress(life.RebuildInProgress):
                life.rebuild_index(engine)

    def until_written():
        try:
            in_threads(*(writing(seed) for seed in range(3)), rebuilding)
        finally:
            over.set()

    in_threads(until_written, feeding, feeding)
    indexing_tasks.send_pending(engine)

    assert in_index(engine) == in_table()
    assert not PendingIndexUpdate.objects.exists()
    assert life.reconcile_index() == "The search index agrees with the table."


def test_writers_do_not_wait_for_an_engine_that_hangs(engine, settings):
    (document,) = add()
    with breakable(settings.SEARCH_URL) as proxy:
        settings.SEARCH_URL, proxy.way, proxy.only = proxy.url, "hang", "_bulk"
        transport = client.get_client()
        fed = threading.Event()

        def feeding():
            with contextlib.suppress(client.Unavailable):
                indexing_tasks.send_pending(transport)
            fed.set()
            connection.close()

        thread = threading.Thread(target=feeding)
        thread.start()
        wait_for(lambda: any("_bulk" in one.path for one in proxy.seen))
        change(document, title="Not kept waiting")
        waited = fed.is_set()
        proxy.over.set()
        thread.join()

    assert not waited
    indexing_tasks.send_pending(engine)
    assert in_index(engine) == in_table()


def test_a_second_rebuild_is_refused_and_a_killed_one_leaves_the_old_index(engine, settings, monkeypatch):
    monkeypatch.setattr(rebuild_search, "LOCK_TIMEOUT_SECONDS", 0.2)
    before = indexes.current_index(engine)
    with breakable(settings.SEARCH_URL) as proxy:
        proxy.way, proxy.only = "hang", "_refresh"

        def rebuild():
            settings.SEARCH_URL = proxy.url
            call_command("rebuild_search", stdout=StringIO())

        with forked_process(rebuild):
            wait_for(lambda: any("_refresh" in one.path for one in proxy.seen))

            with pytest.raises(CommandError, match=r"being built by somebody else.*Wait"):
                call_command("rebuild_search", stdout=StringIO())
            assert "by somebody else" in life.reconcile_index()  # nor does it remove what is being built
            (half,) = indexes.orphaned_indexes(engine)

    assert indexes.current_index(engine) == before
    assert indexes.orphaned_indexes(engine) == [half]
    wait_for(lambda: "agrees" in life.reconcile_index())  # as soon as the database has seen that it is gone
    assert indexes.orphaned_indexes(engine) == []
    assert indexes.current_index(engine) == before


def test_a_worker_builds_an_index_that_is_missing_and_brings_what_is_committed_to_it(environment, engine):
    add(2)
    indexes.delete(engine, [indexes.current_index(engine)])
    command = [sys.executable, "manage.py", "worker", "--lease", "6"]
    silent = subprocess.DEVNULL
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=silent, stderr=silent)
    try:

        def is_back():
            with contextlib.suppress(client.EngineError):
                return in_index(engine) == in_table()

        wait_for(is_back, seconds=90)

        with transaction.atomic():
            (document,) = add(title="Committed")
        key = f"{document.kind}:{document.uuid}"
        wait_for(lambda: in_index(engine).get(key) == document.version)
        store.remove(Document.objects.filter(pk=document.pk))
        wait_for(lambda: key not in in_index(engine))

        indexes.delete(engine, [indexes.current_index(engine)])
        tasks.reconcile_search.enqueue()  # what the next period brings
        wait_for(is_back)
    finally:
        worker.terminate()
        worker.wait(30)
