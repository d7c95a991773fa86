"""From rows with marked text to results: the same for every engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from search.engine import FACETS, Hit, Query

START, STOP = "\ue000", "\ue001"  # around a match; documents hold no such characters
LONGEST_SUMMARY = 320  # characters shown

Parts = list[tuple[str, bool]]


def hit(row: Mapping[str, Any], *, title: str, summary: str, excerpt: str) -> Hit:
    """One result from a document's columns and its texts, marked by START and STOP."""
    parts = marked(title), marked(summary), marked(excerpt)
    seen = any(is_match for _text, is_match in [*parts[0], *parts[1]])
    inside = any(is_match for _text, is_match in parts[2])
    return Hit(
        kind=row["kind"],
        id=row["uuid"],
        key=row["key"],
        host=row["host"],
        path=row["path"],
        language=row["language"],
        audience=row["audience"],
        origin=row["origin"],
        title=parts[0],
        summary=short(parts[1]),
        excerpt=parts[2] if inside and not seen else [],
        facets={column: row[column] for column in [*FACETS.values(), "year"]},
        data=row["data"],
    )


def marked(text: str) -> Parts:
    """Text with marks in it as parts: "a \ue000b\ue001" gives [("a ", False), ("b", True)]."""
    parts, is_match = [], False
    for piece in re.split(f"([{START}{STOP}])", text or ""):
        if piece in (START, STOP):
            is_match = piece == START
        elif piece:
            parts.append((piece, is_match))
    return parts


def short(parts: Parts, longest: int = LONGEST_SUMMARY) -> Parts:
    """The beginning of a text in parts, cut at a word."""
    kept: Parts = []
    left = longest
    for text, is_match in parts:
        if len(text) > left:
            cut = text[:left].rsplit(" ", 1)[0].rstrip(" ,;:")
            return [*kept, (f"{cut} …", is_match)]
        kept.append((text, is_match))
        left -= len(text)
    return kept


def with_chosen(facets: Mapping[str, Mapping[str, int] | None], query: Query) -> dict[str, dict[str, int]]:
    """Counts of every question; a value that is chosen stays, with 0, where nothing has it."""
    return {
        name: dict.fromkeys(query.filters.get(name, ()), 0) | dict(facets.get(name) or {}) for name in FACETS
    }
