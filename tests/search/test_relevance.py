"""How well the library is found: the 25 queries that came with it, with graded judgments."""

from __future__ import annotations

import json
from pathlib import Path

from bench.relevance import ndcg
from search import service

ASKED = [
    (row["q"], row["judgments"])
    for row in map(
        json.loads, (Path(__file__).parent / "data" / "dev-queries.jsonl").read_text().splitlines()
    )
]
FLOOR = 0.89  # 0.92 when it was measured


def test_the_library_is_found_as_its_curators_judged(library, each_backend):
    scores = {
        text: ndcg([hit.key for hit in service.search(text, audience="public").hits], judgments)
        for text, judgments in ASKED
        if judgments
    }

    worst = ", ".join(
        f"{text}: {score:.2f}" for text, score in sorted(scores.items(), key=lambda kv: kv[1])[:5]
    )
    assert len(scores) == 24
    assert sum(scores.values()) / len(scores) >= FLOOR, worst
