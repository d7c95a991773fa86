"""Time to rebuild a search engine's index, compared with the engine's own time for the same documents as ready JSON.

Ours reads the table, serializes each document, sends it, compares the index with the table and swaps it with the old one.
The floor sends prepared requests, one after the other, to an index with the same definition. Also: the time of a
comparison that finds no difference, and the time until a committed document is found, with a worker running.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

from bench import corpus
from bench.measure import Result, growth_exponent, time_call, time_pairs
from embedded import opensearch

SIZE = int(os.environ.get("BENCH_DOCUMENTS", "100000"))
SIZES = [SIZE // 8, SIZE // 4, SIZE // 2, SIZE]
PAIRS = 5
FRESH_DOCUMENTS = 7  # whose time until they are found is measured


def run() -> list[Result]:
    from django.conf import settings

    from search.backends.engine.client import get_client

    with opensearch.temporary(heap="2g") as url:
        settings.SEARCH_URL, settings.SEARCH_PREFIX = url, "bench"
        try:
            return measure(get_client(), url)
        finally:
            settings.SEARCH_URL = ""


def measure(client: object, url: str) -> list[Result]:
    from search.backends.engine.client import index_alias
    from search.indexing import indexes, rebuild, reconcile
    from search.models import PendingIndexUpdate

    rebuild.MAX_SEARCH_SECONDS = 0  # there are no searches here
    times = []
    for size in SIZES:
        without_engine(lambda size=size: corpus.fill(size))
        times.append(time_call(lambda: rebuild.rebuild_index(client)))
        print(f"  {size} documents: {times[-1]:.1f} s", flush=True)
    bodies = [body for _batch, body in batches()]
    numbers = itertools.count(1)

    def floor() -> None:
        name = f"floor-{next(numbers)}"
        definition = indexes.index_definition()
        definition["settings"] |= {"refresh_interval": "-1"}
        client.request("PUT", f"/{name}", definition)
        for body in bodies:
            with_retries(lambda body=body: client.request("POST", f"/{name}/_bulk", body))
        client.request("POST", f"/{name}/_refresh")
        expect_equal(client.request("GET", f"/{name}/_count")["count"], SIZE)
        client.request("DELETE", f"/{name}")

    def ours() -> None:
        expect_equal(rebuild.rebuild_index(client), SIZE)

    pairs = time_pairs(ours, floor, count=PAIRS, warm_up=0)
    expect_equal(bool(reconcile.diff(client, index_alias())), False)
    comparison_seconds = min(time_call(lambda: reconcile.diff(client, index_alias())) for _time in range(5))
    PendingIndexUpdate.objects.all().delete()
    return [
        Result(
            name="rebuild",
            what=f"Rebuild the index of {SIZE:,} documents (floor: the engine's bulk of ready JSON)",
            ratio=pairs.ratio,
            spread=pairs.spread,
            limit=2,
            seconds=pairs.seconds,
        ),
        Result(
            name="rebuild.growth",
            what=f"Growth of its time from {SIZES[0]:,} to {SIZES[-1]:,} documents",
            exponent=growth_exponent(SIZES, times),
            exponent_limit=1.2,
        ),
        Result(
            name="rebuild.compare",
            what=f"Compare an index of {SIZE:,} documents with the table",
            seconds=comparison_seconds,
            seconds_limit=2,
        ),
        Result(
            name="rebuild.fresh",
            what="From the commit until it is found, with a worker running: the slowest of seven",
            seconds=seconds_until_found(client, url),
            seconds_limit=2,
        ),
    ]


def with_retries(work) -> None:
    """Retry while the engine is overloaded, as `bulk.send` does."""
    from search.backends.engine.client import Overloaded
    from search.indexing import bulk

    for delay in bulk.RETRY_DELAYS:
        try:
            return work()
        except Overloaded:
            time.sleep(delay)
    return work()


def expect_equal(value: object, expected: object) -> None:
    if value != expected:
        raise RuntimeError(f"The index is wrong: {value!r} instead of {expected!r}.")


def batches():
    from search.indexing import bulk, serializer
    from search.models import Document

    documents = Document.objects.order_by("pk").defer(*serializer.UNINDEXED_FIELDS)
    return bulk._batches(map(serializer.index_operation, documents.iterator(chunk_size=500)))


def without_engine(work) -> None:
    """Run without recording changes for the engine."""
    from django.conf import settings

    url, settings.SEARCH_URL = settings.SEARCH_URL, ""
    work()
    settings.SEARCH_URL = url


def seconds_until_found(client, url: str) -> float:
    """Seconds for the slowest of FRESH_DOCUMENTS, written one by one."""
    from django.conf import settings
    from django.db import transaction

    from search.backends.engine.client import index_alias
    from search.indexing import serializer, store
    from search.models import Document
    from tenants.jurisdictions import services

    services.set_up_alliance()
    database = settings.DATABASES["default"]["NAME"]
    address = os.environ["DATABASE_URL"].rpartition("/")[0]
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=Path(__file__).parents[1],
        env=os.environ
        | {"DATABASE_URL": f"{address}/{database}", "SEARCH_URL": url, "SEARCH_PREFIX": "bench"},
    )
    slowest = 0.0
    try:
        for number, document in enumerate(corpus.documents(FRESH_DOCUMENTS + 1, seed=5)):
            with transaction.atomic():
                store.replace([document], among=Document.objects.none())
            committed = time.perf_counter()
            query = {"query": {"ids": {"values": [serializer.document_id(document)]}}}
            while not client.request("POST", f"/{index_alias()}/_search", query)["hits"]["hits"]:
                time.sleep(0.02)
            if number:  # the first one includes the start of the worker
                slowest = max(slowest, time.perf_counter() - committed)
            time.sleep(0.37)  # so that they are written at any time between two polls of the worker
    finally:
        worker.terminate()
        worker.wait(30)
    return slowest
