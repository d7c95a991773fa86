"""Relevance of results: nDCG@10 of both search backends, compared with BM25 over the same texts.

The library's own development queries are always measured. `RELEVANCE=FOLDER make bench NAME=relevance` adds collections:
a folder with documents.jsonl (id, title, text), queries.jsonl (id, text) and judgments.tsv (query, document, grade), or
a folder of such folders. Documents are added by the library's import, and searched for as by the pages and the API.
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
MIN_RATIOS = {"library": {"engine": 1.15, "postgres": 0.85}}  # of our nDCG to BM25's
TOLERANCE = 0.01  # of nDCG, by which the engine may be below BM25 in other collections
MAX_TITLE_LENGTH = 200

Judgments = Mapping[str, int]


@dataclass(frozen=True)
class Collection:
    """A collection of test documents.

    `items` are lines of the library's import, `texts` their texts by key, `queries` pairs of text and judgments.
    """

    name: str
    items: list[str]
    texts: dict[str, str]
    queries: list[tuple[str, Judgments]]
    taxonomy: tuple[list[Any], list[str]] | None = None


def run() -> list[Result]:
    from django.test import override_settings

    from embedded import opensearch
    from search.backends import fallback

    fallback.ENGINE_TIMEOUT_SECONDS = 30  # measures relevance, not speed
    results = []
    with opensearch.temporary() as url:
        for collection in collections():
            floor = score(bm25(collection), collection)
            with portal.fresh_database(f"bench_relevance_{collection.name}"):
                fill(collection)
                ours = {"postgres": score(search_keys, collection)}
                with override_settings(SEARCH_URL=url, SEARCH_PREFIX=f"bench-{collection.name}"):
                    build_index()
                    ours["engine"] = score(search_keys_of_engine, collection)
            results += [_result(collection, backend, value, floor) for backend, value in sorted(ours.items())]
    return results


def _result(collection: Collection, backend: str, value: float, floor: float) -> Result:
    """The ratio is BM25's nDCG divided by ours, so that lower is better as elsewhere."""
    tolerance = TOLERANCE if backend == "engine" and collection.name != "library" else 0
    min_ratio = MIN_RATIOS.get(collection.name, {}).get(backend, 1.0 if backend == "engine" else 0.85)
    label = {"engine": "the engine", "postgres": "PostgreSQL"}[backend]
    return Result(
        name=f"relevance.{collection.name}.{backend}",
        what=f"{collection.name}: nDCG@{DEPTH} {value:.3f} by {label}, {floor:.3f} by BM25 (ratio: BM25's by ours)",
        ratio=(floor - tolerance) / value if value else math.inf,
        limit=1 / min_ratio,
    )


def collections() -> Iterator[Collection]:
    yield library()
    if folder := os.environ.get("RELEVANCE"):
        root = Path(folder)
        if not root.is_dir():
            raise SystemExit(f"RELEVANCE={folder}: there is no such folder.")
        folders = sorted(
            path.parent for path in [*root.glob("documents.jsonl"), *root.glob("*/documents.jsonl")]
        )
        if not folders:
            raise SystemExit(f"RELEVANCE={folder}: no documents.jsonl in it, nor in a folder of it.")
        yield from map(read, folders)


def library() -> Collection:
    """The demo's library with its synonyms and its queries."""
    demo = ROOT / "resources" / "demo"
    items = (demo / "items.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in items]
    queries = map(
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
        queries=[(row["q"], row["judgments"]) for row in queries if row["judgments"]],
        taxonomy=(
            json.loads((demo / "topics.json").read_text()),
            (demo / "synonyms.txt").read_text().splitlines(),
        ),
    )


def read(folder: Path) -> Collection:
    documents = [json.loads(line) for line in (folder / "documents.jsonl").read_text().splitlines()]
    judgments: dict[str, dict[str, int]] = {}
    for line in (folder / "judgments.tsv").read_text().splitlines():
        query, document, grade = line.split("\t")
        judgments.setdefault(query, {})[key_of(document)] = int(grade)
    queries = map(json.loads, (folder / "queries.jsonl").read_text().splitlines())
    return Collection(
        name=folder.name,
        items=[json.dumps(item(document)) for document in documents],
        texts={key_of(row["id"]): f"{row['title']} {row['text']}" for row in documents},
        queries=[
            (row["text"], judgments[row["id"]])
            for row in queries
            if any(judgments.get(row["id"], {}).values())
        ],
    )


def key_of(document: str) -> str:
    return f"d-{document}".lower()


def item(document: Mapping[str, str]) -> dict[str, Any]:
    """A line of the library's import that has each text once; other required fields are placeholders."""
    title, text = document["title"].strip() or document["id"], document["text"].strip()
    head, rest = cut(title, MAX_TITLE_LENGTH)
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


def cut(text: str, max_length: int) -> tuple[str, str]:
    if len(text) <= max_length:
        return text, ""
    head = text[:max_length].rsplit(" ", 1)[0]
    return head, text[len(head) :].strip()


def fill(collection: Collection) -> None:
    from resources import services

    if collection.taxonomy:
        services.import_taxonomy(*collection.taxonomy)
    services.import_items(collection.items, by=None)


def build_index() -> None:
    from search.backends.engine.client import get_client
    from search.indexing import rebuild

    rebuild.rebuild_index(get_client())


def search_keys(text: str) -> list[str]:
    from search import service

    return [hit.key for hit in service.search(text, audience="public", size=DEPTH).hits]


def search_keys_of_engine(text: str) -> list[str]:
    from search import service

    results = service.search(text, audience="public", size=DEPTH)
    if results.notice:
        raise RuntimeError(f"The engine did not answer: {text!r}")
    return [hit.key for hit in results.hits]


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
        query = bm25s.tokenize([text], stopwords="en", stemmer=stemmer, show_progress=False)
        indexes, scores = retriever.retrieve(query, k=min(DEPTH, len(keys)), show_progress=False)
        return [keys[index] for index, value in zip(indexes[0], scores[0], strict=True) if value > 0]

    return best


def score(find: Callable[[str], Sequence[str]], collection: Collection) -> float:
    """The mean nDCG over all queries that have judgments."""
    scores = [ndcg(find(text), judgments) for text, judgments in collection.queries]
    return sum(scores) / len(scores)


def ndcg(keys: Sequence[str], judgments: Judgments, depth: int = DEPTH) -> float:
    """Normalized discounted cumulative gain of these results: 1 is the best possible order."""

    def gain(grades: Sequence[int]) -> float:
        return sum((2**grade - 1) / math.log2(index + 2) for index, grade in enumerate(grades[:depth]))

    return gain([judgments.get(key, 0) for key in keys]) / gain(sorted(judgments.values(), reverse=True))
