from __future__ import annotations

import uuid

import pytest

from search import service
from search.backends.engine import client
from search.backends.postgres import PostgresBackend
from search.indexing import rebuild, tasks
from tests import library as demo_library
from tests.search.indexed import indexed
from tests.search.written import add, in_index, in_table


@pytest.fixture
def library(db):
    """The library of the demo: 150 items with their topics and synonyms."""
    demo_library.load_demo_library()


@pytest.fixture
def engine(db, one_search_server, search_prefix, settings, monkeypatch):
    """The portal with a real search engine: its transport. There is no index yet."""
    settings.SEARCH_URL, settings.SEARCH_PREFIX = one_search_server, f"{search_prefix}{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(rebuild, "MAX_SEARCH_SECONDS", 0)
    client._build_client.cache_clear()  # an engine of another test may have had the same address
    yield (transport := client.get_client())
    for name in transport.request("GET", f"/{settings.SEARCH_PREFIX}*/_alias"):
        transport.request("DELETE", f"/{name}")


@pytest.fixture(params=["postgres", "engine"])
def each_backend(request, db, search_prefix, monkeypatch):
    """What is asked: PostgreSQL, then a real search engine that knows every document at once."""
    if request.param == "postgres":
        monkeypatch.setattr(service, "get_backend", PostgresBackend)
        yield PostgresBackend()
        return
    server = request.getfixturevalue("one_search_server")
    with indexed(server, f"{search_prefix}-{uuid.uuid4().hex[:8]}") as engine:
        monkeypatch.setattr(service, "get_backend", lambda: engine)
        yield engine


@pytest.fixture
def built(engine):
    """An engine with an index of five documents."""
    add(5)
    rebuild.rebuild_index(engine)
    tasks.send_pending(engine)
    assert in_index(engine) == in_table()
    return engine
