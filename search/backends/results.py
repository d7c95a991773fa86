"""From rows with marked text to results: the same for every engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from search.types import FACETS, Hit, Query

HIGHLIGHT_START, HIGHLIGHT_END = "\ue000", "\ue001"  # around a match; documents hold no such characters
MAX_SUMMARY_LENGTH = 320  # characters shown

HighlightedText = list[tuple[str, bool]]


def build_hit(row: Mapping[str, Any], *, title: str, summary: str, excerpt: str) -> Hit:
    """One result from a document's columns and its texts, marked by START and STOP."""
    parts = split_highlights(title), split_highlights(summary), split_highlights(excerpt)
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
        summary=truncate(parts[1]),
        excerpt=parts[2] if inside and not seen else [],
        facets={column: row[column] for column in [*FACETS.values(), "year"]},
        data=row["data"],
    )


def split_highlights(text: str) -> HighlightedText:
    """Text with marks in it as parts: "a \ue000b\ue001" gives [("a ", False), ("b", True)]."""
    parts, is_match = [], False
    for piece in re.split(f"([{HIGHLIGHT_START}{HIGHLIGHT_END}])", text or ""):
        if piece in (HIGHLIGHT_START, HIGHLIGHT_END):
            is_match = piece == HIGHLIGHT_START
        elif piece:
            parts.append((piece, is_match))
    return parts


def truncate(parts: HighlightedText, longest: int = MAX_SUMMARY_LENGTH) -> HighlightedText:
    """The beginning of a text in parts, cut at a word."""
    kept: HighlightedText = []
    left = longest
    for text, is_match in parts:
        if len(text) > left:
            cut = text[:left].rsplit(" ", 1)[0].rstrip(" ,;:")
            return [*kept, (f"{cut} …", is_match)]
        kept.append((text, is_match))
        left -= len(text)
    return kept


def with_selected_values(
    facets: Mapping[str, Mapping[str, int] | None], query: Query
) -> dict[str, dict[str, int]]:
    """Counts of every question; a value that is chosen stays, with 0, where nothing has it."""
    return {
        name: dict.fromkeys(query.filters.get(name, ()), 0) | dict(facets.get(name) or {}) for name in FACETS
    }
