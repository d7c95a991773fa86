from __future__ import annotations

import uuid

import pytest

from search import service
from search.backends.engine import client as engine_client
from search.backends.postgres import PostgresBackend
from search.indexing import rebuild, tasks
from tests import library as demo_library
from tests.search.index_helpers import add_documents, index_versions, table_versions
from tests.search.indexed_backend import indexed_backend


@pytest.fixture
def library(db):
    """The library of the demo: 150 items with their topics and synonyms."""
    demo_library.load_demo_library()


@pytest.fixture
def engine(db, one_search_server, search_prefix, settings, monkeypatch):
    """The client of a real search engine, which the settings name. There is no index yet."""
    settings.SEARCH_URL, settings.SEARCH_PREFIX = one_search_server, f"{search_prefix}{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(rebuild, "MAX_SEARCH_SECONDS", 0)
    engine_client._build_client.cache_clear()  # an engine of another test may have had the same address
    yield (client := engine_client.get_client())
    for name in client.request("GET", f"/{settings.SEARCH_PREFIX}*/_alias"):
        client.request("DELETE", f"/{name}")


@pytest.fixture(params=["postgres", "engine"])
def each_backend(request, db, search_prefix, monkeypatch):
    """The backend of the portal: PostgreSQL, then a real search engine with an index that is always up to date."""
    if request.param == "postgres":
        monkeypatch.setattr(service, "get_backend", PostgresBackend)
        yield PostgresBackend()
        return
    server = request.getfixturevalue("one_search_server")
    with indexed_backend(server, f"{search_prefix}-{uuid.uuid4().hex[:8]}") as backend:
        monkeypatch.setattr(service, "get_backend", lambda: backend)
        yield backend


@pytest.fixture
def indexed_engine(engine):
    """The client of an engine with an index of five documents."""
    add_documents(5)
    rebuild.rebuild_index(engine)
    tasks.send_pending(engine)
    assert index_versions(engine) == table_versions()
    return engine
