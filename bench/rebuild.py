"""Building a search engine's index anew: how long, against the engine's own time for the same documents as ready JSON.

Ours reads the table, makes each document's JSON, sends it, compares the index with the table and puts it in the place of
the old one. The floor sends requests that were written down before, one after the other, to an index of the same kind.
Also: how long a comparison takes that finds nothing, and until what was committed is found, with a worker running.
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
FRESH = 7  # documents that are followed until they are found


def run() -> list[Result]:
    from django.conf import settings

    from search.backends.engine import client

    with opensearch.temporary(heap="2g") as url:
        settings.SEARCH_URL, settings.SEARCH_PREFIX = url, "bench"
        try:
            return measured(client.get_client(), url)
        finally:
            settings.SEARCH_URL = ""


def measured(transport: object, url: str) -> list[Result]:
    from search.indexing import indexes, rebuild, reconcile
    from search.models import PendingIndexUpdate

    rebuild.MAX_SEARCH_SECONDS = 0  # nobody searches here
    grown = []
    for size in SIZES:
        settings_off(lambda size=size: corpus.fill(size))
        grown.append(time_call(lambda: rebuild.rebuild_index(transport)))
        print(f"  {size} documents: {grown[-1]:.1f} s", flush=True)
    ready = [body for _part, body in in_parts()]
    numbers = itertools.count(1)

    def floor() -> None:
        name = f"floor-{next(numbers)}"
        body = indexes.index_definition()
        body["settings"] |= {"refresh_interval": "-1"}
        transport.request("PUT", f"/{name}", body)
        for part in ready:
            patiently(lambda part=part: transport.request("POST", f"/{name}/_bulk", part))
        transport.request("POST", f"/{name}/_refresh")
        expect(transport.request("GET", f"/{name}/_count")["count"], SIZE)
        transport.request("DELETE", f"/{name}")

    def ours() -> None:
        expect(rebuild.rebuild_index(transport), SIZE)

    found = time_pairs(ours, floor, count=PAIRS, warm_up=0)
    expect(bool(reconcile.diff(transport, indexes.index_alias())), False)
    compared = min(time_call(lambda: reconcile.diff(transport, indexes.index_alias())) for _time in range(5))
    PendingIndexUpdate.objects.all().delete()
    return [
        Result(
            name="rebuild",
            what=f"Build the index of {SIZE:,} documents anew (floor: the engine's bulk of ready JSON)",
            ratio=found.ratio,
            spread=found.spread,
            limit=2,
            seconds=found.seconds,
        ),
        Result(
            name="rebuild.growth",
            what=f"Growth of its time from {SIZES[0]:,} to {SIZES[-1]:,} documents",
            exponent=growth_exponent(SIZES, grown),
            exponent_limit=1.2,
        ),
        Result(
            name="rebuild.compare",
            what=f"Compare an index of {SIZE:,} documents with the table",
            seconds=compared,
            seconds_limit=2,
        ),
        Result(
            name="rebuild.fresh",
            what="From the commit until it is found, with a worker running: the slowest of seven",
            seconds=until_found(transport, url),
            seconds_limit=2,
        ),
    ]


def patiently(work) -> None:
    """As our own sending does: again, where the engine has no room just now."""
    from search.backends.engine import client
    from search.indexing import bulk

    for pause in bulk.RETRY_DELAYS:
        try:
            return work()
        except client.Overloaded:
            time.sleep(pause)
    return work()


def expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise RuntimeError(f"The index is wrong: {found!r} instead of {wanted!r}.")


def in_parts():
    from search.indexing import bulk, tasks
    from search.models import Document

    documents = Document.objects.order_by("pk").defer(*tasks.UNINDEXED_FIELDS)
    return bulk._batches(map(tasks.index_operation, documents.iterator(chunk_size=500)))


def settings_off(work) -> None:
    """Without noting for the engine what is written."""
    from django.conf import settings

    url, settings.SEARCH_URL = settings.SEARCH_URL, ""
    work()
    settings.SEARCH_URL = url


def until_found(transport, url: str) -> float:
    """Seconds, for the slowest of FRESH documents written one by one."""
    from django.conf import settings
    from django.db import transaction

    from search.indexing import indexes, serializer, store
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
        for number, document in enumerate(corpus.documents(FRESH + 1, seed=5)):
            with transaction.atomic():
                store.replace([document], among=Document.objects.none())
            committed = time.perf_counter()
            question = {"query": {"ids": {"values": [serializer.document_id(document)]}}}
            while not transport.request("POST", f"/{indexes.index_alias()}/_search", question)["hits"][
                "hits"
            ]:
                time.sleep(0.02)
            if number:  # the first one waits for the worker to start
                slowest = max(slowest, time.perf_counter() - committed)
            time.sleep(0.37)  # so that they come at any moment between two looks of the worker
    finally:
        worker.terminate()
        worker.wait(30)
    return slowest
