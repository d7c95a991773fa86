"""However the search engine fails, a reader gets a page with a notice in time, and the index is repaired afterwards."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import time

import pytest
from django_tasks_db.models import DBTaskResult

from embedded import opensearch
from search import service, tasks
from search.backends import fallback
from search.backends.engine import backend
from search.backends.engine import client as engine_client
from search.backends.engine.client import Unavailable
from search.indexing import indexes, rebuild
from search.indexing import tasks as indexing_tasks
from search.models import Document, PendingIndexUpdate
from tenants.jobs import runner, schedule
from tests.search.fault_proxy import FAULTS, fault_proxy
from tests.search.index_helpers import (
    add_documents,
    begin_new_transaction,
    change_document,
    index_versions,
    remove_documents,
    table_versions,
)

pytestmark = pytest.mark.django_db

NOTICE = "The search engine is not available right now."
MAX_PAGE_SECONDS = 1.5
MAX_OWN_SECONDS = MAX_PAGE_SECONDS - fallback.ENGINE_TIMEOUT_SECONDS  # without waiting for the engine
BROKEN = ["hang", "drip", "drip headers", "drip without length", "truncated", "reset", "500", "503 page", "429",
          "page", "no JSON", "no bytes", "not UTF-8", "a list", "null", "other JSON", "malformed hits", "timed out",
          "failed shard"]  # fmt: skip


@pytest.fixture
def proxy(engine, settings):
    """The engine behind a proxy that a test may break, with two documents in its index."""
    with fault_proxy(settings.SEARCH_URL) as proxy:
        settings.SEARCH_URL = proxy.url
        add_documents(title="End overdue fines", summary="No fines since May.")
        add_documents(title="Fines and fees", members=True)
        rebuild.rebuild_index(engine_client.get_client())
        indexing_tasks.send_pending(engine_client.get_client())
        yield proxy


@pytest.fixture
def page(alliance, client_for, monkeypatch):
    """page() requests the results page, checks how long that takes, and returns its text.

    page(patient=True) lets a working engine on a busy machine take its time, also one that has just failed.
    """
    client = client_for(alliance)
    client.get("/search/")  # loads the templates

    def get(address="/search/?q=fines", *, patient=False):
        with monkeypatch.context() as change:
            if patient:
                change.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 20)
                reset_circuit_breaker()
            before = time.monotonic()
            response = client.get(address)
            seconds = time.monotonic() - before
        assert response.status_code == 200
        assert seconds < fallback.ENGINE_TIMEOUT_SECONDS + MAX_OWN_SECONDS or patient
        return response.text.replace("<mark>", "").replace("</mark>", "")

    return get


def reset_circuit_breaker():
    """Let the pause after a failure be over."""
    engine_client.get_client().circuit_breaker._open_until = 0


def test_a_working_engine_searches_without_a_notice(proxy, page):
    proxy.requests.clear()
    text = page(patient=True)

    assert "End overdue fines" in text
    assert "among members" not in text
    assert NOTICE not in text
    assert [request for request in proxy.requests if "_search" in request.path]


def test_a_failing_engine_leads_to_a_notice_and_results_of_the_database(proxy, page, monkeypatch):
    for fault in BROKEN:
        proxy.fault = fault
        with monkeypatch.context() as faster:
            if fault.startswith("drip"):  # which uses up the whole timeout
                faster.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 0.25)
            text = page()
            assert NOTICE in text, fault
            assert "End overdue fines" in text
            assert "Fines and fees" not in text  # for members only

            proxy.requests.clear()
            assert NOTICE in page()
            assert "End overdue fines" in page("/search/suggest/?q=over")
            assert proxy.requests == []  # an outage does not slow down every search

            reset_circuit_breaker()
            assert "End overdue fines" in page("/search/suggest/?q=over")
            assert len(proxy.requests) == 1

        proxy.fault = "none"
        assert NOTICE not in page(patient=True)


def test_an_engine_that_refuses_connections_leads_to_a_notice(proxy, page, settings):
    with fault_proxy() as stopped:
        settings.SEARCH_URL = stopped.url

    assert NOTICE in page()


def test_a_missing_index_leads_to_a_notice_and_is_built_again(proxy, page):
    client = engine_client.get_client()
    indexes.delete(client, [indexes.current_index(client)])

    assert NOTICE in page()

    tasks.reconcile_search.call()
    assert NOTICE not in page(patient=True)
    assert index_versions(client) == table_versions()


def test_a_rejected_request_is_logged_as_an_error(proxy, page, monkeypatch, caplog):
    monkeypatch.setattr(backend.EngineBackend, "_search", lambda self, body: self._client.request(
        "POST", f"/{self._alias}/_search", {"query": {"no such query": {}}}))  # fmt: skip

    assert NOTICE in page()
    assert [record.levelno for record in caplog.records if record.exc_info] == [logging.ERROR]


def test_an_error_of_our_own_is_raised(proxy, monkeypatch):
    monkeypatch.setattr(backend.EngineBackend, "execute", lambda self, query, parsed: {}["an error"])

    with pytest.raises(KeyError):
        service.search("fines", audience="public")


def test_a_slow_engine_that_answers_in_time_is_used(proxy, monkeypatch):
    monkeypatch.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 20)

    def slow(handler, request):
        time.sleep(1)
        FAULTS["none"](handler, request)

    proxy.fault = slow
    assert service.search("fines", audience="public").notice == ""


# --- The index afterwards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["hang", "500", "reset", "other JSON"])
def test_what_was_written_in_an_outage_is_in_the_index_afterwards(proxy, fault, monkeypatch):
    DBTaskResult.objects.all().delete()
    proxy.fault = fault
    begin_new_transaction()
    first = Document.objects.first()
    change_document(first, title="Written in the outage")
    remove_documents(Document.objects.last())
    add_documents(2)

    with monkeypatch.context() as faster:
        faster.setattr(indexing_tasks, "REQUEST_TIMEOUT_SECONDS", 0.3)
        faster.setattr(indexes, "SHORT_TIMEOUT_SECONDS", 0.3)
        assert runner.run_due_jobs() == 1
        assert "is not available" in tasks.reconcile_search.call()
    job = DBTaskResult.objects.get()
    assert (job.status, job.run_after is not None) == ("READY", True)  # retried later
    assert PendingIndexUpdate.objects.count() == 4

    proxy.fault = "none"
    tasks.reconcile_search.call()

    assert index_versions(engine_client.get_client()) == table_versions()
    assert not PendingIndexUpdate.objects.exists()


def test_a_job_that_fails_for_good_leaves_its_updates_to_reconciliation(proxy, settings):
    settings.JOB_ATTEMPTS = 1
    DBTaskResult.objects.all().delete()
    proxy.fault = "500"
    begin_new_transaction()
    add_documents()

    runner.run_due_jobs()

    assert DBTaskResult.objects.get().status == "SUCCESSFUL"  # no operator has to act
    assert PendingIndexUpdate.objects.exists()


@pytest.mark.parametrize(
    ("step", "fault"),
    [("_bulk", "hang"), ("_bulk", "other JSON"), ("_refresh", "truncated"), ("_search", "failed shard"),
     ("_settings", "reset"), ("_aliases", "500")],
)  # fmt: skip
def test_a_rebuild_that_fails_at_any_step_leaves_the_old_index(proxy, page, step, fault, monkeypatch):
    client = engine_client.get_client()
    before = indexes.current_index(client)
    add_documents()
    proxy.fault, proxy.only = fault, step
    proxy.requests.clear()

    with monkeypatch.context() as faster:
        faster.setattr(engine_client, "REQUEST_TIMEOUT_SECONDS", 2.0)
        with pytest.raises(Unavailable):
            rebuild.rebuild_index(client)
    assert [request for request in proxy.requests if step in request.path]
    proxy.fault = "none"

    assert indexes.current_index(client) == before
    assert NOTICE not in page(patient=True)
    rebuild.rebuild_index(client)
    assert index_versions(client) == table_versions()
    assert indexes.orphaned_indexes(client) == []


def test_reconciliation_is_periodic_if_there_is_an_engine(settings):
    name = tasks.reconcile_search.module_path
    schedule.PERIODIC_TASKS.pop(name, None)
    try:
        settings.SEARCH_URL = ""
        importlib.reload(tasks)
        assert name not in schedule.PERIODIC_TASKS

        settings.SEARCH_URL = "http://localhost:9200"
        importlib.reload(tasks)
        assert schedule.PERIODIC_TASKS[name].period.total_seconds() <= 30
    finally:
        schedule.PERIODIC_TASKS.pop(name, None)


def test_an_engine_that_is_killed_during_a_rebuild_and_comes_back(settings, tmp_path, page, monkeypatch):
    monkeypatch.setattr(rebuild, "MAX_SEARCH_SECONDS", 0)
    settings.SEARCH_PREFIX = "killed"
    with fault_proxy() as proxy:
        settings.SEARCH_URL = proxy.url
        add_documents(3, title="Fines")
        with opensearch.running(tmp_path / "home") as server:
            proxy.upstream = server.url.removeprefix("http://")
            client = engine_client.get_client()
            rebuild.rebuild_index(client)
            before = indexes.current_index(client)

            def kill_after_first(documents, _count):
                yield next(documents)
                os.kill(server.pid, signal.SIGKILL)
                yield from documents

            with pytest.raises(Unavailable):
                rebuild.rebuild_index(client, progress=kill_after_first)
            assert NOTICE in page()
        with opensearch.running(tmp_path / "home") as server:
            proxy.upstream = server.url.removeprefix("http://")
            assert NOTICE not in page(patient=True)  # from the old index
            assert indexes.current_index(client) == before
            rebuild.reconcile_index()
            assert index_versions(client) == table_versions()
            assert indexes.orphaned_indexes(client) == []
