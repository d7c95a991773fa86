"""How well is found what people look for: nDCG@10 of both halves of search, against BM25 over the same words.

The library's own development queries are always asked. `RELEVANCE=FOLDER make bench NAME=relevance` adds collections:
a folder with documents.jsonl (id, title, text), queries.jsonl (id, text) and judgments.tsv (query, document, grade), or
a folder of such folders. Documents go in by the library's import, and are found as the pages and the API find them.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import portal
from bench.measure import Result

ROOT = Path(__file__).parent.parent
DEPTH = 10
LEAST = {"library": {"engine": 1.15, "postgres": 0.85}}  # of BM25
BEHIND = 0.01  # by which the engine may be behind BM25 in a collection of others
LONGEST_TITLE = 200

Judgments = Mapping[str, int]


@dataclass(frozen=True)
class Collection:
    """`items` are lines of the library's import, `texts` the words of each by its key, `queries` text and judgments."""

    name: str
    items: list[str]
    texts: dict[str, str]
    queries: list[tuple[str, Judgments]]
    taxonomy: tuple[list[Any], list[str]] | None = None


def run() -> list[Result]:
    from django.test import override_settings

    from embedded import opensearch
    from search.backends import fallback

    fallback.ENGINE_TIMEOUT_SECONDS = 30  # how good the answers are, not how quick
    results = []
    with opensearch.temporary() as url:
        for collection in collections():
            floor = score(bm25(collection), collection)
            with portal.fresh_database(f"bench_relevance_{collection.name}"):
                fill(collection)
                ours = {"postgres": score(found, collection)}
                with override_settings(SEARCH_URL=url, SEARCH_PREFIX=f"bench-{collection.name}"):
                    build_index()
                    ours["engine"] = score(found_by_the_engine, collection)
            results += [_result(collection, half, value, floor) for half, value in sorted(ours.items())]
    return results


def _result(collection: Collection, half: str, value: float, floor: float) -> Result:
    """The ratio is BM25's nDCG by ours, so that less is better as elsewhere."""
    behind = BEHIND if half == "engine" and collection.name != "library" else 0
    least = LEAST.get(collection.name, {}).get(half, 1.0 if half == "engine" else 0.85)
    said = {"engine": "the engine", "postgres": "PostgreSQL"}[half]
    return Result(
        name=f"relevance.{collection.name}.{half}",
        what=f"{collection.name}: nDCG@{DEPTH} {value:.3f} by {said}, {floor:.3f} by BM25 (ratio: BM25's by ours)",
        ratio=(floor - behind) / value if value else math.inf,
        limit=1 / least,
    )


def collections() -> Iterator[Collection]:
    yield library()
    if folder := os.environ.get("RELEVANCE"):
        there = Path(folder)
        if not there.is_dir():
            raise SystemExit(f"RELEVANCE={folder}: there is no such folder.")
        folders = sorted(
            path.parent for path in [*there.glob("documents.jsonl"), *there.glob("*/documents.jsonl")]
        )
        if not folders:
            raise SystemExit(f"RELEVANCE={folder}: no documents.jsonl in it, nor in a folder of it.")
        yield from map(read, folders)


def library() -> Collection:
    """The demo's library with its synonyms; the queries came with it."""
    demo = ROOT / "resources" / "demo"
    items = (demo / "items.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in items]
    asked = map(
        json.loads, (ROOT / "tests" / "search" / "data" / "dev-queries.jsonl").read_text().splitlines()
    )
    return Collection(
        name="library",
        items=items,
        texts={
            row["key"]: " ".join(
                [row["title"], row["summary"], row["body"], row["origin"], *row["hidden_tags"]]
            )
            for row in rows
        },
        queries=[(row["q"], row["judgments"]) for row in asked if row["judgments"]],
        taxonomy=(
            json.loads((demo / "topics.json").read_text()),
            (demo / "synonyms.txt").read_text().splitlines(),
        ),
    )


def read(folder: Path) -> Collection:
    documents = [json.loads(line) for line in (folder / "documents.jsonl").read_text().splitlines()]
    judged: dict[str, dict[str, int]] = {}
    for line in (folder / "judgments.tsv").read_text().splitlines():
        query, document, grade = line.split("\t")
        judged.setdefault(query, {})[key_of(document)] = int(grade)
    asked = map(json.loads, (folder / "queries.jsonl").read_text().splitlines())
    return Collection(
        name=folder.name,
        items=[json.dumps(item(document)) for document in documents],
        texts={key_of(row["id"]): f"{row['title']} {row['text']}" for row in documents},
        queries=[
            (row["text"], judged[row["id"]]) for row in asked if any(judged.get(row["id"], {}).values())
        ],
    )


def key_of(document: str) -> str:
    return f"d-{document}".lower()


def item(document: Mapping[str, str]) -> dict[str, Any]:
    """A line of the library's import: the words stand in it once, and what else it needs says nothing."""
    title, text = document["title"].strip() or document["id"], document["text"].strip()
    head, rest = cut(title, LONGEST_TITLE)
    return {
        "key": key_of(document["id"]),
        "title": head,
        "type": "report",
        "summary": "-",
        "body": f"{rest}\n{text}".strip() or "-",
        "origin": "-",
        "origin_kind": "nonprofit",
        "stage": ["normalize"],
        "evidence": "described",
        "effort": "low",
        "license": "public_domain",
    }


def cut(text: str, longest: int) -> tuple[str, str]:
    if len(text) <= longest:
        return text, ""
    head = text[:longest].rsplit(" ", 1)[0]
    return head, text[len(head) :].strip()


def fill(collection: Collection) -> None:
    from resources import services

    if collection.taxonomy:
        services.import_taxonomy(*collection.taxonomy)
    services.import_items(collection.items, by=None)


def build_index() -> None:
    from search.backends.engine import client
    from search.indexing import rebuild

    rebuild.rebuild_index(client.get_client())


def found(text: str) -> list[str]:
    from search import service

    return [hit.key for hit in service.search(text, audience="public", size=DEPTH).hits]


def found_by_the_engine(text: str) -> list[str]:
    from search import service

    answer = service.search(text, audience="public", size=DEPTH)
    if answer.notice:
        raise RuntimeError(f"The engine did not answer: {text!r}")
    return [hit.key for hit in answer.hits]


def bm25(collection: Collection) -> Callable[[str], list[str]]:
    """BM25 with English stemming over title and text."""
    import bm25s
    import Stemmer

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    stemmer = Stemmer.Stemmer("english")
    keys = list(collection.texts)
    retriever = bm25s.BM25()
    tokens = bm25s.tokenize(
        list(collection.texts.values()), stopwords="en", stemmer=stemmer, show_progress=False
    )
    retriever.index(tokens, show_progress=False)

    def best(text: str) -> list[str]:
        asked = bm25s.tokenize([text], stopwords="en", stemmer=stemmer, show_progress=False)
        indexes, scores = retriever.retrieve(asked, k=min(DEPTH, len(keys)), show_progress=False)
        return [keys[index] for index, value in zip(indexes[0], scores[0], strict=True) if value > 0]

    return best


def score(find: Callable[[str], Sequence[str]], collection: Collection) -> float:
    """The mean nDCG over all queries that have judgments."""
    scores = [ndcg(find(text), judgments) for text, judgments in collection.queries]
    return sum(scores) / len(scores)


def ndcg(keys: Sequence[str], judgments: Judgments, depth: int = DEPTH) -> float:
    """How near an order of results is to the best one, from 0 to 1."""

    def gain(grades: Sequence[int]) -> float:
        return sum((2**grade - 1) / math.log2(index + 2) for index, grade in enumerate(grades[:depth]))

    return gain([judgments.get(key, 0) for key in keys]) / gain(sorted(judgments.values(), reverse=True))
