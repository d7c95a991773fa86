from __future__ import annotations

import uuid

import pytest

from search import queries
from search.index import feed, life, transports
from search.postgres import Postgres
from tests import library as demo_library
from tests.search.indexed import indexed
from tests.search.written import add, in_index, in_table


@pytest.fixture
def library(db):
    """The library of the demo: 150 items with their topics and synonyms."""
    demo_library.write()


@pytest.fixture
def engine(db, one_search_server, search_prefix, settings, monkeypatch):
    """The portal with a real search engine: its transport. There is no index yet."""
    settings.SEARCH_URL, settings.SEARCH_PREFIX = one_search_server, f"{search_prefix}{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(life, "LONGEST_SEARCH", 0)
    transports._made.cache_clear()  # an engine of another test may have had the same address
    yield (transport := transports.current())
    for name in transport.request("GET", f"/{settings.SEARCH_PREFIX}*/_alias"):
        transport.request("DELETE", f"/{name}")


@pytest.fixture(params=["postgres", "engine"])
def each_half(request, db, search_prefix, monkeypatch):
    """What is asked: PostgreSQL, then a real search engine that knows every document at once."""
    if request.param == "postgres":
        monkeypatch.setattr(queries, "get_engine", Postgres)
        yield Postgres()
        return
    server = request.getfixturevalue("one_search_server")
    with indexed(server, f"{search_prefix}-{uuid.uuid4().hex[:8]}") as engine:
        monkeypatch.setattr(queries, "get_engine", lambda: engine)
        yield engine


@pytest.fixture
def built(engine):
    """An engine with an index of five documents."""
    add(5)
    life.rebuild(engine)
    feed.send_unsent(engine)
    assert in_index(engine) == in_table()
    return engine
