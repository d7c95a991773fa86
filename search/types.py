"""What a search engine is asked and answers; `get_engine` says which one answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.conf import settings

# name in addresses -> column of Document; those in LISTS hold several values
FACETS: dict[str, str] = {
    "kind": "kind",
    "type": "type",
    "topic": "topics",
    "sector": "sectors",
    "size": "population_band",
    "state": "state",
    "evidence": "evidence",
    "stage": "stages",
    "decision": "decision_kinds",
    "form": "legal_form",
    "license": "licence",
    "status": "status",
    "language": "language",
}
LIST_FACETS = frozenset({"topic", "sector", "stage", "decision"})


@dataclass(frozen=True)
class Query:
    """What a reader asks. `exact`: their words alone, without synonyms and corrections."""

    text: str
    audience: str  # "public" or "members"
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    page: int = 1
    size: int = 10
    sort: str = "best"  # or "newest"
    exact: bool = False


@dataclass(frozen=True)
class Hit:
    """One result: everything its row shows, so that nothing has to be looked up.

    `title`, `summary` and `excerpt` are lists of (text, is it a match); `excerpt` is empty unless the match is
    only in the body.
    """

    kind: str
    id: str
    key: str
    host: str
    path: str
    language: str
    audience: str
    origin: str
    title: list[tuple[str, bool]]
    summary: list[tuple[str, bool]]
    excerpt: list[tuple[str, bool]]
    facets: Mapping[str, Any]  # the columns of FACETS, and "year"
    data: Mapping[str, Any]


@dataclass(frozen=True)
class SearchResults:
    """One page of results.

    `facets` counts, for each question, what choosing a value would give under the other filters:
    {"kind": {"library": 8}}. `also` are the synonyms that were asked for too. `corrected` is the text that was
    searched instead of the reader's, if any. `notice` is a sentence for the reader, where the search engine did not
    answer and the database did.
    """

    hits: list[Hit]
    total: int
    facets: Mapping[str, Mapping[str, int]]
    also: list[str] = field(default_factory=list)
    corrected: str = ""
    notice: str = ""


@dataclass(frozen=True)
class Suggestion:
    title: str
    kind: str
    host: str
    path: str


class SearchBackend(Protocol):
    """Answers from what `audience` may find, and from nothing else.

    An engine with an index of its own is fed with the documents that are `PendingIndexUpdate`.
    """

    def search(self, query: Query) -> SearchResults: ...

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]: ...


def get_backend() -> SearchBackend:
    """PostgreSQL, or the engine of SEARCH_URL with PostgreSQL behind it."""
    from search.backends.postgres import PostgresBackend

    if not settings.SEARCH_URL:
        return PostgresBackend()
    from search.backends.engine.client import get_client
    from search.backends.fallback import FallbackBackend

    return FallbackBackend(get_client(), PostgresBackend())
