from __future__ import annotations

import json
import os
import pickle
import uuid
from pathlib import Path

import pytest
from django.core.management.color import no_style
from django.db import connection

import resources
from embedded import locks
from resources import services
from resources.models import LibraryItem, SynonymGroup
from search import queries
from search.index import feed, life, transports
from search.models import Document, Word
from search.postgres import Postgres
from tenants.models import Sector, Topic
from tests.search.indexed import indexed
from tests.search.written import add, in_index, in_table

DEMO = Path(resources.__file__).parent / "demo"


TABLES = (Sector, Topic, SynonymGroup, LibraryItem, Document, Word)


@pytest.fixture(scope="session")
def imported(tmp_path_factory):
    """What the import of the library wrote, by table; for all workers of a run in one file, empty before the import."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    return shared / "library.pickle"


@pytest.fixture
def library(db, imported):
    """The library of the demo: 150 items with their topics and synonyms.

    Imported once in a run; later tests get the same rows written at once, without their revisions.
    """
    with locks.taken(imported) as file:
        text = file.buffer.read() or None
        if text is None:
            file.buffer.write(pickle.dumps(_import()))
    if text:
        for model, rows in pickle.loads(text):  # noqa: S301 - written above
            model.objects.bulk_create(rows)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), TABLES):
                cursor.execute(statement)
            cursor.execute("SELECT setval('public.search_version', max(version)) FROM search_document")


def _import():
    """What the import writes: [(model, rows)]."""
    before = {model: set(model.objects.values_list("pk", flat=True)) for model in TABLES}
    services.import_taxonomy(
        json.loads((DEMO / "topics.json").read_text()), (DEMO / "synonyms.txt").read_text().splitlines()
    )
    services.import_items((DEMO / "items.jsonl").read_text().splitlines(), by=None)
    wrote = []
    for model in TABLES:
        rows = list(model.objects.exclude(pk__in=before[model]))
        for row in rows:
            if model is LibraryItem:
                row.latest_revision = row.live_revision = None
        wrote.append((model, rows))
    return wrote


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
