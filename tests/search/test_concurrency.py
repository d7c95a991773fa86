"""Writers, senders and rebuilds at the same time, in threads and processes, on a real engine."""

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
from search.backends.engine import client as engine_client
from search.indexing import indexes, rebuild, store
from search.indexing import tasks as indexing_tasks
from search.management.commands import rebuild_search
from search.models import Document, PendingIndexUpdate
from tests.databases import ROOT
from tests.forks import forked_process
from tests.search.factories import DocumentFactory
from tests.search.fault_proxy import fault_proxy
from tests.search.index_helpers import add_documents, change_document, index_versions, table_versions
from tests.tenants.conftest import committed  # noqa: F401


@pytest.fixture
def engine(committed, one_search_server, search_prefix, settings, monkeypatch):  # noqa: F811
    """The client of a real engine with an empty index; the portal uses a database where writes are committed."""
    settings.SEARCH_URL, settings.SEARCH_PREFIX = one_search_server, f"{search_prefix}{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(rebuild, "MAX_SEARCH_SECONDS", 0)
    engine_client._build_client.cache_clear()
    for model in (Document, PendingIndexUpdate, DBTaskResult):
        model.objects.all().delete()
    rebuild.rebuild_index(client := engine_client.get_client())
    yield client
    for name in client.request("GET", f"/{settings.SEARCH_PREFIX}*/_alias"):
        client.request("DELETE", f"/{name}")


@pytest.fixture
def environment(committed, engine, settings):  # noqa: F811
    """Environment variables for other processes to use the same database and the same index."""
    return committed | {"SEARCH_URL": settings.SEARCH_URL, "SEARCH_PREFIX": settings.SEARCH_PREFIX}


def wait_for(condition, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.02)
    return value


def run_in_threads(*functions):
    """Run these at the same time, each with a connection of its own; fail if one raises an exception."""
    errors = []

    def run(function):
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - asserted below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def write_at_random(seed, keys, rounds=25):
    """Write and remove these documents, several at a time, in transactions that may be rolled back."""
    rng = random.Random(seed)
    for number in range(rounds):
        with transaction.atomic():
            sample = sorted(rng.sample(keys, 3))
            if rng.random() < 0.3:
                store.remove(Document.objects.filter(uuid__in=sample))
            else:
                store.save([DocumentFactory.build(uuid=key, title=f"{seed}, {number}") for key in sample])
            if rng.random() < 0.2:
                transaction.set_rollback(True)


def test_concurrent_writers_senders_and_rebuilds_leave_the_index_equal_to_the_table(engine):
    keys = [uuid.uuid4() for _number in range(12)]
    is_over = threading.Event()

    def writer(seed):
        # In the portal a lock makes writers of one object wait for each other; here each writer has keys of its own.
        return lambda: write_at_random(seed, keys[seed * 4 : seed * 4 + 4])

    def send_repeatedly():
        while not is_over.is_set():
            indexing_tasks.send_pending(engine)

    def rebuild_repeatedly():
        for _time in range(3):
            with contextlib.suppress(rebuild.RebuildInProgress):
                rebuild.rebuild_index(engine)

    def write_and_rebuild():
        try:
            run_in_threads(*(writer(seed) for seed in range(3)), rebuild_repeatedly)
        finally:
            is_over.set()

    run_in_threads(write_and_rebuild, send_repeatedly, send_repeatedly)
    indexing_tasks.send_pending(engine)

    assert index_versions(engine) == table_versions()
    assert not PendingIndexUpdate.objects.exists()
    assert rebuild.reconcile_index() == "The search index agrees with the table."


def test_writers_do_not_wait_for_an_engine_that_hangs(engine, settings):
    (document,) = add_documents()
    with fault_proxy(settings.SEARCH_URL) as proxy:
        settings.SEARCH_URL, proxy.fault, proxy.only = proxy.url, "hang", "_bulk"
        client = engine_client.get_client()
        has_returned = threading.Event()

        def send():
            with contextlib.suppress(engine_client.Unavailable):
                indexing_tasks.send_pending(client)
            has_returned.set()
            connection.close()

        thread = threading.Thread(target=send)
        thread.start()
        wait_for(lambda: any("_bulk" in request.path for request in proxy.requests))
        change_document(document, title="Written without waiting")
        waited = has_returned.is_set()
        proxy.stopped.set()
        thread.join()

    assert not waited
    indexing_tasks.send_pending(engine)
    assert index_versions(engine) == table_versions()


def test_a_second_rebuild_is_refused_and_a_killed_one_leaves_the_old_index(engine, settings, monkeypatch):
    monkeypatch.setattr(rebuild_search, "LOCK_TIMEOUT_SECONDS", 0.2)
    before = indexes.current_index(engine)
    with fault_proxy(settings.SEARCH_URL) as proxy:
        proxy.fault, proxy.only = "hang", "_refresh"

        def run_command():
            settings.SEARCH_URL = proxy.url
            call_command("rebuild_search", stdout=StringIO())

        with forked_process(run_command):
            wait_for(lambda: any("_refresh" in request.path for request in proxy.requests))

            with pytest.raises(CommandError, match=r"being built by another process.*Wait"):
                call_command("rebuild_search", stdout=StringIO())
            # Reconciliation does not delete the index that is being built.
            assert "by another process" in rebuild.reconcile_index()
            (unfinished,) = indexes.orphaned_indexes(engine)

    assert indexes.current_index(engine) == before
    assert indexes.orphaned_indexes(engine) == [unfinished]
    # Succeeds as soon as the database has noticed that the process is gone.
    wait_for(lambda: "agrees" in rebuild.reconcile_index())
    assert indexes.orphaned_indexes(engine) == []
    assert indexes.current_index(engine) == before


def test_a_worker_builds_a_missing_index_and_sends_committed_changes(environment, engine):
    add_documents(2)
    indexes.delete(engine, [indexes.current_index(engine)])
    command = [sys.executable, "manage.py", "worker", "--lease", "6"]
    devnull = subprocess.DEVNULL
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=devnull, stderr=devnull)
    try:

        def is_rebuilt():
            with contextlib.suppress(engine_client.EngineError):
                return index_versions(engine) == table_versions()

        wait_for(is_rebuilt, seconds=90)

        with transaction.atomic():
            (document,) = add_documents(title="Committed")
        key = f"{document.kind}:{document.uuid}"
        wait_for(lambda: index_versions(engine).get(key) == document.version)
        store.remove(Document.objects.filter(pk=document.pk))
        wait_for(lambda: key not in index_versions(engine))

        indexes.delete(engine, [indexes.current_index(engine)])
        tasks.reconcile_search.enqueue()  # as at the next period
        wait_for(is_rebuilt)
    finally:
        worker.terminate()
        worker.wait(30)
