"""A page of results: thirteen facets with exact counts, and highlighted matches.

With an engine over 100,000 documents, compared with the same requests by a bare HTTP client that does not even parse the
JSON. With PostgreSQL over 20,000, as an absolute time: the 95th percentile.
"""

from __future__ import annotations

import json
import os
import random
import statistics
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from bench import corpus
from bench.measure import PairedTimes, Result, time_call
from embedded import opensearch

SIZE = int(os.environ.get("BENCH_DOCUMENTS", "100000"))
SMALL = min(SIZE, 20_000)
SEARCHES, ROUNDS = 40, 7

Search = tuple[str, dict[str, list[str]]]


def run() -> list[Result]:
    from django.test import override_settings

    from search.backends import fallback
    from search.backends.engine import client
    from search.indexing import rebuild

    fallback.ENGINE_TIMEOUT_SECONDS = 30  # the first requests to a fresh engine take long
    corpus.fill(SMALL)
    results = [in_postgres(searches())]
    corpus.fill(SIZE)
    with (
        opensearch.temporary(heap="1g") as url,
        override_settings(SEARCH_URL=url, SEARCH_PREFIX="bench-search"),
    ):
        rebuild.rebuild_index(client.get_client())
        return [*results, in_engine(searches(), url)]


def searches() -> list[Search]:
    """Two or three words of one title each, common and rare; every other one with a filter."""
    from search.models import Document

    rng = random.Random(11)
    titles = list(Document.objects.order_by("pk").values_list("title", flat=True)[:2_000])
    made: list[Search] = []
    for number in range(SEARCHES):
        words = rng.sample(rng.choice(titles).split(), rng.choice([2, 3]))
        made.append((" ".join(words), {"topic": ["topic-1", "topic-2"]} if number % 2 else {}))
    return made


def in_postgres(samples: Sequence[Search]) -> Result:
    times = [
        time_call(lambda: count_results(text, filters))  # noqa: B023 - called at once
        for _round in range(3)
        for text, filters in samples
    ]
    times = times[len(samples) :]  # the first round warms up
    print(f"  PostgreSQL: p50 {statistics.median(times) * 1000:.0f} ms", flush=True)
    return Result(
        name="search.postgres",
        what=f"Search {SMALL:,} documents by PostgreSQL, p95 (stated as it is)",
        seconds=statistics.quantiles(times, n=20)[-1],
        seconds_limit=0.4,
    )


def in_engine(samples: Sequence[Search], url: str) -> Result:
    from search.backends.engine.backend import EngineBackend

    sent: list[Any] = []
    send = EngineBackend._search
    EngineBackend._search = lambda self, body: (sent.append(body), send(self, body))[1]  # type: ignore[assignment, method-assign]
    bodies = []
    for text, filters in samples:
        sent.clear()
        total = count_results(text, filters)
        bodies.append([json.dumps(body).encode() for body in sent])
        expect_equal(json.loads(BareClient(url).post(bodies[-1][-1]))["hits"]["total"]["value"], total, text)
    EngineBackend._search = send  # type: ignore[method-assign]
    print(f"  {sum(map(len, bodies))} requests for {len(samples)} searches", flush=True)

    bare = BareClient(url)
    ours, floor = [], []
    for number in range(-1, ROUNDS):
        times = {"ours": [], "floor": []}
        for index, (text, filters) in enumerate(samples):
            ways = {
                "ours": lambda text=text, filters=filters: count_results(text, filters),
                "floor": lambda index=index: [bare.post(body) for body in bodies[index]],
            }
            for way in sorted(ways, reverse=bool((number + index) % 2)):
                times[way].append(time_call(ways[way]))
        if number >= 0:
            ours.append(statistics.median(times["ours"]))
            floor.append(statistics.median(times["floor"]))
    pairs = PairedTimes(ours, floor)
    print(f"  engine: p50 {pairs.seconds * 1000:.0f} ms, bare {statistics.median(floor) * 1000:.0f} ms")
    return Result(
        name="search.engine",
        what=f"Search {SIZE:,} documents, 13 facets, highlights, p50 (floor: the same requests by a bare HTTP client)",
        ratio=pairs.ratio,
        spread=pairs.spread,
        limit=2,
        seconds=pairs.seconds,
    )


class BareClient:
    """The least code that sends a request and reads the response."""

    def __init__(self, url: str) -> None:
        from search.backends.engine.client import index_alias

        self._connection = HTTPConnection(urlsplit(url).netloc)
        self._path = f"/{index_alias()}/_search"

    def post(self, body: bytes) -> bytes:
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        return self._connection.getresponse().read()


def count_results(text: str, filters: dict[str, list[str]]) -> int:
    from search import service

    results = service.search(text, audience="public", filters=filters)
    if results.notice:
        raise RuntimeError(f"The engine did not answer for {text!r}.")
    if not results.facets["topic"]:
        raise RuntimeError(f"Nothing was counted for {text!r}.")
    return results.total


def expect_equal(bare_total: object, our_total: object, text: str) -> None:
    if bare_total != our_total:
        raise RuntimeError(
            f"{text!r}: {bare_total!r} results from the bare request, {our_total!r} from ours."
        )
