"""Results from rows with highlighted text: the same for every backend."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from search.types import FACETS, HighlightedText, Hit, Query
from tenants.plans.standing import OVERDUE

HIGHLIGHT_START, HIGHLIGHT_END = "\ue000", "\ue001"  # around a match; documents hold no such characters
MAX_SUMMARY_LENGTH = 320  # characters shown


def build_hit(row: Mapping[str, Any], *, at: dt.datetime, title: str, summary: str, excerpt: str) -> Hit:
    """One result from a document's columns and its texts with HIGHLIGHT_START and HIGHLIGHT_END in them.

    `overdue_at`, and `due_passed_at` of an action without a status, are in seconds since 1970.
    """
    overdue_at = row.get("overdue_at")  # an index that was built by an earlier version lacks it
    is_overdue = overdue_at is not None and overdue_at <= at.timestamp()
    due_passed_at = row["data"].get("due_passed_at")
    title_parts, summary_parts, excerpt_parts = map(split_highlights, (title, summary, excerpt))
    return Hit(
        kind=row["kind"],
        id=row["uuid"],
        key=row["key"],
        host=row["host"],
        path=row["path"],
        language=row["language"],
        audience=row["audience"],
        origin=row["origin"],
        title=title_parts,
        summary=truncate(summary_parts),
        excerpt=excerpt_parts
        if _has_match(excerpt_parts) and not _has_match([*title_parts, *summary_parts])
        else [],
        facets={column: row[column] for column in [*FACETS.values(), "year"]}
        | ({"status": OVERDUE} if is_overdue else {}),
        data=row["data"],
        report=row["status"] if is_overdue else "",
        due_passed=is_overdue or (due_passed_at is not None and due_passed_at <= at.timestamp()),
    )


def _has_match(parts: HighlightedText) -> bool:
    return any(is_match for _text, is_match in parts)


def split_highlights(text: str) -> HighlightedText:
    """ "a \ue000b\ue001" gives [("a ", False), ("b", True)]."""
    parts, is_match = [], False
    for piece in re.split(f"([{HIGHLIGHT_START}{HIGHLIGHT_END}])", text or ""):
        if piece in (HIGHLIGHT_START, HIGHLIGHT_END):
            is_match = piece == HIGHLIGHT_START
        elif piece:
            parts.append((piece, is_match))
    return parts


def join_highlights(parts: HighlightedText) -> str:
    """The reverse of split_highlights."""
    return "".join(
        f"{HIGHLIGHT_START}{text}{HIGHLIGHT_END}" if is_match else text for text, is_match in parts
    )


def truncate(parts: HighlightedText, max_length: int = MAX_SUMMARY_LENGTH) -> HighlightedText:
    """The beginning of a highlighted text, cut between words."""
    beginning: HighlightedText = []
    remaining = max_length
    for text, is_match in parts:
        if len(text) > remaining:
            cut = text[:remaining].rsplit(" ", 1)[0].rstrip(" ,;:")
            return [*beginning, (f"{cut} …", is_match)]
        beginning.append((text, is_match))
        remaining -= len(text)
    return beginning


def with_selected_values(
    facets: Mapping[str, Mapping[str, int] | None], query: Query
) -> dict[str, dict[str, int]]:
    """Counts of every facet; a selected value that no document has is counted 0."""
    return {
        name: dict.fromkeys(query.filters.get(name, ()), 0) | dict(facets.get(name) or {}) for name in FACETS
    }
