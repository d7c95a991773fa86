"""A page of results: thirteen facets with true counts, and what matches marked.

With an engine over 100,000 documents, against the same requests sent by a bare HTTP client that does not even read the
JSON. With PostgreSQL over 20,000, in milliseconds as they are: at the least frequent, nineteen of twenty are quicker.
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
ASKED, ROUNDS = 40, 7

Asked = tuple[str, dict[str, list[str]]]


def run() -> list[Result]:
    from django.test import override_settings

    from search.backends import fallback
    from search.backends.engine import client
    from search.indexing import rebuild

    fallback.ENGINE_TIMEOUT_SECONDS = 30  # the first requests to a fresh engine take long
    corpus.fill(SMALL)
    results = [in_postgres(questions())]
    corpus.fill(SIZE)
    with (
        opensearch.temporary(heap="1g") as url,
        override_settings(SEARCH_URL=url, SEARCH_PREFIX="bench-search"),
    ):
        rebuild.rebuild_index(client.get_client())
        return [*results, in_engine(questions(), url)]


def questions() -> list[Asked]:
    """Two or three words of one document each, common and rare; every other one with a filter."""
    from search.models import Document

    chance = random.Random(11)
    titles = list(Document.objects.order_by("pk").values_list("title", flat=True)[:2_000])
    asked: list[Asked] = []
    for number in range(ASKED):
        words = chance.sample(chance.choice(titles).split(), chance.choice([2, 3]))
        asked.append((" ".join(words), {"topic": ["topic-1", "topic-2"]} if number % 2 else {}))
    return asked


def in_postgres(asked: Sequence[Asked]) -> Result:
    times = [time_call(lambda: found(text, filters)) for _round in range(3) for text, filters in asked]  # noqa: B023
    times = times[len(asked) :]  # the first round warms up
    print(f"  PostgreSQL: p50 {statistics.median(times) * 1000:.0f} ms", flush=True)
    return Result(
        name="search.backends.postgres",
        what=f"Search {SMALL:,} documents by PostgreSQL, p95 (stated as it is)",
        seconds=statistics.quantiles(times, n=20)[-1],
        seconds_limit=0.4,
    )


def in_engine(asked: Sequence[Asked], url: str) -> Result:
    import search.backends.engine.backend

    sent: list[Any] = []
    ask = search.backends.engine.backend.EngineBackend._ask
    search.backends.engine.backend.EngineBackend._ask = lambda self, body: (
        sent.append(body),
        ask(self, body),
    )[1]  # type: ignore[assignment, method-assign]
    bodies = []
    for text, filters in asked:
        sent.clear()
        total = found(text, filters)
        bodies.append([json.dumps(body).encode() for body in sent])
        expect(json.loads(Bare(url).post(bodies[-1][-1]))["hits"]["total"]["value"], total, text)
    search.backends.engine.backend.EngineBackend._ask = ask  # type: ignore[method-assign]
    print(f"  {sum(map(len, bodies))} requests for {len(asked)} searches", flush=True)

    bare = Bare(url)
    ours, floor = [], []
    for number in range(-1, ROUNDS):
        times = {"ours": [], "floor": []}
        for index, (text, filters) in enumerate(asked):
            ways = {
                "ours": lambda text=text, filters=filters: found(text, filters),
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
        name="search.types",
        what=f"Search {SIZE:,} documents, 13 facets, marks, p50 (floor: the same requests by a bare HTTP client)",
        ratio=pairs.ratio,
        spread=pairs.spread,
        limit=2,
        seconds=pairs.seconds,
    )


class Bare:
    """The least that sends a request and takes the answer."""

    def __init__(self, url: str) -> None:
        from search.indexing import indexes

        self._line = HTTPConnection(urlsplit(url).netloc)
        self._path = f"/{indexes.index_alias()}/_search"

    def post(self, body: bytes) -> bytes:
        self._line.request("POST", self._path, body, {"Content-Type": "application/json"})
        return self._line.getresponse().read()


def found(text: str, filters: dict[str, list[str]]) -> int:
    from search import service

    answer = service.search(text, audience="public", filters=filters)
    if answer.notice:
        raise RuntimeError(f"The engine did not answer for {text!r}.")
    if not answer.facets["topic"]:
        raise RuntimeError(f"Nothing was counted for {text!r}.")
    return answer.total


def expect(there: object, wanted: object, text: str) -> None:
    if there != wanted:
        raise RuntimeError(f"{text!r}: {there!r} results from the bare request, {wanted!r} from ours.")
