"""Relevance of results: the 25 queries that came with the demo library, with graded judgments."""

from __future__ import annotations

import json
from pathlib import Path

from bench.relevance import ndcg
from search import service

QUERIES = [
    (row["q"], row["judgments"])
    for row in map(
        json.loads, (Path(__file__).parent / "data" / "dev-queries.jsonl").read_text().splitlines()
    )
]
MIN_NDCG = 0.89  # 0.92 was measured


def test_the_results_agree_with_the_judgments_of_curators(library, each_backend):
    scores = {
        text: ndcg([hit.key for hit in service.search(text, audience="public").hits], judgments)
        for text, judgments in QUERIES
        if judgments
    }

    worst = ", ".join(
        f"{text}: {score:.2f}" for text, score in sorted(scores.items(), key=lambda kv: kv[1])[:5]
    )
    assert len(scores) == 24
    assert sum(scores.values()) / len(scores) >= MIN_NDCG, worst
