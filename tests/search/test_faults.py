"""Whatever the search engine does, a reader gets a page, soon, and is told; and the index is right again afterwards."""

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
from search.backends.engine import client as transports
from search.backends.engine.client import Unavailable
from search.indexing import indexes, rebuild
from search.indexing import tasks as indexing_tasks
from search.models import Document, PendingIndexUpdate
from tenants.jobs import runner, schedule
from tests.search.breaking import WAYS, breakable
from tests.search.written import add, change, drop, in_another_transaction, in_index, in_table

pytestmark = pytest.mark.django_db

NOTICE = "The search engine does not answer right now."
LONGEST = 1.5  # seconds that a page may take
OWN = LONGEST - fallback.ENGINE_TIMEOUT_SECONDS  # of them without the engine's
BROKEN = ["hang", "drip", "drip head", "drip to the end", "truncated", "reset", "500", "503 page", "429", "page",
          "no JSON", "no bytes", "not UTF-8", "a list", "null", "other JSON", "odd hits", "timed out", "a part"]  # fmt: skip


@pytest.fixture
def proxy(engine, settings):
    """The engine behind a proxy that a test may break, with two documents in its index."""
    with breakable(settings.SEARCH_URL) as proxy:
        settings.SEARCH_URL = proxy.url
        add(title="End overdue fines", summary="No fines since May.")
        add(title="Fines and fees", members=True)
        rebuild.rebuild_index(transports.get_client())
        indexing_tasks.send_pending(transports.get_client())
        yield proxy


@pytest.fixture
def page(alliance, client_for, monkeypatch):
    """page() asks for the page of results and gives its text, after checking how soon it came.

    page(patient=True) lets a sound engine on a busy machine take its time, and asks also one that has just failed.
    """
    client = client_for(alliance)
    client.get("/search/")  # templates are read once

    def get(address="/search/?q=fines", *, patient=False):
        with monkeypatch.context() as change:
            if patient:
                change.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 20)
                rested()
            before = time.monotonic()
            answer = client.get(address)
            took = time.monotonic() - before
        assert answer.status_code == 200
        assert took < fallback.ENGINE_TIMEOUT_SECONDS + OWN or patient
        return answer.text.replace("<mark>", "").replace("</mark>", "")

    return get


def rested():
    """The engine has been left alone long enough to be asked again."""
    transports.get_client().rest._until = 0


def test_an_engine_that_answers_is_asked_and_nothing_is_said(proxy, page):
    proxy.seen.clear()
    text = page(patient=True)

    assert "End overdue fines" in text
    assert "among members" not in text
    assert NOTICE not in text
    assert [one.path for one in proxy.seen if "_search" in one.path]


def test_a_broken_engine_costs_a_notice_and_no_page(proxy, page, monkeypatch):
    for way in BROKEN:
        proxy.way = way
        with monkeypatch.context() as hurried:
            if way.startswith("drip"):  # which takes all the time there is
                hurried.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 0.25)
            text = page()
            assert NOTICE in text, way
            assert "End overdue fines" in text
            assert "Fines and fees" not in text  # is for members

            proxy.seen.clear()
            assert NOTICE in page()
            assert "End overdue fines" in page("/search/suggest/?q=over")
            assert proxy.seen == []  # an outage does not cost every reader its time

            rested()
            assert "End overdue fines" in page("/search/suggest/?q=over")
            assert len(proxy.seen) == 1

        proxy.way = "through"
        assert NOTICE not in page(patient=True)


def test_an_engine_that_refuses_connections(proxy, page, settings):
    with breakable() as gone:
        settings.SEARCH_URL = gone.url

    assert NOTICE in page()


def test_a_missing_index_is_told_and_built_again(proxy, page):
    transport = transports.get_client()
    indexes.delete(transport, [indexes.current_index(transport)])

    assert NOTICE in page()

    tasks.reconcile_search.call()
    assert NOTICE not in page(patient=True)
    assert in_index(transport) == in_table()


def test_a_question_that_the_engine_refuses_is_our_fault_and_logged_so(proxy, page, monkeypatch, caplog):
    monkeypatch.setattr(backend.EngineBackend, "_ask", lambda self, body: self._transport.request(
        "POST", f"/{self._alias}/_search", {"query": {"no such query": {}}}))  # fmt: skip

    assert NOTICE in page()
    assert [record.levelno for record in caplog.records if record.exc_info] == [logging.ERROR]


def test_a_mistake_of_ours_is_not_hidden(proxy, monkeypatch):
    monkeypatch.setattr(backend.EngineBackend, "search", lambda self, query: {}["a mistake"])

    with pytest.raises(KeyError):
        service.search("fines", audience="public")


def test_an_engine_that_is_slow_but_in_time_is_not_given_up(proxy, monkeypatch):
    monkeypatch.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 20)

    def slow(handler, seen):
        time.sleep(1)
        WAYS["through"](handler, seen)

    proxy.way = slow
    assert service.search("fines", audience="public").notice == ""


# --- The index afterwards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["hang", "500", "reset", "other JSON"])
def test_what_was_written_in_an_outage_is_in_the_index_afterwards(proxy, way, monkeypatch):
    DBTaskResult.objects.all().delete()
    proxy.way = way
    in_another_transaction()
    first = Document.objects.first()
    change(first, title="Written in the outage")
    drop(Document.objects.last())
    add(2)

    with monkeypatch.context() as hurried:
        hurried.setattr(indexing_tasks, "REQUEST_TIMEOUT_SECONDS", 0.3)
        hurried.setattr(indexes, "SHORT_TIMEOUT_SECONDS", 0.3)
        assert runner.run_due_jobs() == 1
        assert "does not answer" in tasks.reconcile_search.call()
    job = DBTaskResult.objects.get()
    assert (job.status, job.run_after is not None) == ("READY", True)  # tried again, later
    assert PendingIndexUpdate.objects.count() == 4

    proxy.way = "through"
    tasks.reconcile_search.call()

    assert in_index(transports.get_client()) == in_table()
    assert not PendingIndexUpdate.objects.exists()


def test_a_job_that_never_got_through_leaves_the_rest_to_the_comparison(proxy, settings):
    settings.JOB_ATTEMPTS = 1
    DBTaskResult.objects.all().delete()
    proxy.way = "500"
    in_another_transaction()
    add()

    runner.run_due_jobs()

    assert DBTaskResult.objects.get().status == "SUCCESSFUL"  # nobody has to look after it
    assert PendingIndexUpdate.objects.exists()


@pytest.mark.parametrize(
    ("step", "way"),
    [("_bulk", "hang"), ("_bulk", "other JSON"), ("_refresh", "truncated"), ("_search", "a part"),
     ("_settings", "reset"), ("_aliases", "500")],
)  # fmt: skip
def test_a_rebuild_that_breaks_at_any_step_leaves_the_old_index(proxy, page, step, way, monkeypatch):
    transport = transports.get_client()
    before = indexes.current_index(transport)
    add()
    proxy.way, proxy.only = way, step
    proxy.seen.clear()

    with monkeypatch.context() as hurried:
        hurried.setattr(transports, "REQUEST_TIMEOUT_SECONDS", 2.0)
        with pytest.raises(Unavailable):
            rebuild.rebuild_index(transport)
    assert [one for one in proxy.seen if step in one.path]
    proxy.way = "through"

    assert indexes.current_index(transport) == before
    assert NOTICE not in page(patient=True)
    rebuild.rebuild_index(transport)
    assert in_index(transport) == in_table()
    assert indexes.orphaned_indexes(transport) == []


def test_the_comparison_is_periodic_where_there_is_an_engine(settings):
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
    with breakable() as proxy:
        settings.SEARCH_URL = proxy.url
        add(3, title="Fines")
        with opensearch.running(tmp_path / "home") as server:
            proxy.upstream = server.url.removeprefix("http://")
            transport = transports.get_client()
            rebuild.rebuild_index(transport)
            before = indexes.current_index(transport)

            def killed(documents, _count):
                yield next(documents)
                os.kill(server.pid, signal.SIGKILL)
                yield from documents

            with pytest.raises(Unavailable):
                rebuild.rebuild_index(transport, progress=killed)
            assert NOTICE in page()
        with opensearch.running(tmp_path / "home") as server:
            proxy.upstream = server.url.removeprefix("http://")
            assert NOTICE not in page(patient=True)  # from the index that was there before
            assert indexes.current_index(transport) == before
            rebuild.reconcile_index()
            assert in_index(transport) == in_table()
            assert indexes.orphaned_indexes(transport) == []
