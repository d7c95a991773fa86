"""Types that all parts of search share: what is searched for, what a backend offers, and results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils import timezone

# Name in URLs -> column of Document and field of an engine's index. Those in LIST_FACETS hold several values. The values
# of the facet "status" are standings: as reported in the column, but "overdue" from `overdue_at` on.
FACETS: dict[str, str] = {
    "kind": "kind",
    "type": "type",
    "file": "file",
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

PER_PAGE, MAX_PER_PAGE, MAX_PAGE = 10, 100, 1_000
MAX_CHOICES, MAX_CHOICE_LENGTH = 30, 60  # values of one filter, and characters of a value
SORTS = ("best", "newest")

ALLIANCE_HOST = "alliance"  # host of documents that are not on a city's site

HighlightedText = list[tuple[str, bool]]  # (text, is it a match)


def is_valid_choice(value: str) -> bool:
    return 0 < len(value) <= MAX_CHOICE_LENGTH and value.isprintable()


@dataclass(frozen=True)
class Query:
    """A search as requested. `exact`: the text alone, without synonyms and corrections. `at`: as of this moment."""

    text: str
    audience: str  # "public" or "members"
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    page: int = 1
    size: int = PER_PAGE
    sort: str = "best"  # or "newest"
    exact: bool = False
    at: dt.datetime = field(default_factory=timezone.now, compare=False)


@dataclass(frozen=True)
class Term:
    """A word, or a phrase: words in quotes that stand beside each other."""

    text: str
    is_phrase: bool = False


@dataclass
class TermGroup:
    """Consecutive terms of the text; each of `synonyms` may replace them."""

    terms: list[Term]
    synonyms: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ParsedQuery:
    """Groups of terms to find, and terms that a result must not have."""

    groups: list[TermGroup]
    excluded: list[Term]

    @property
    def terms(self) -> list[Term]:
        return [term for group in self.groups for term in group.terms]

    @property
    def synonyms(self) -> list[str]:
        return [synonym for group in self.groups for synonym in group.synonyms]

    def keep_rarest(self, limit: int) -> ParsedQuery:
        """The same with at most `limit` groups: those with the most letters, as long words tend to be rare."""
        lengths = [sum(len(term.text) for term in group.terms) for group in self.groups]
        longest = sorted(range(len(lengths)), key=lambda index: -lengths[index])[:limit]
        return ParsedQuery([self.groups[index] for index in sorted(longest)], self.excluded)


@dataclass(frozen=True)
class Hit:
    """One result with everything its row shows, so that nothing has to be looked up.

    `excerpt` is empty unless the match is only in the body. `due_passed`: an open action whose due date has passed, which
    is overdue if it has a status; `report` is then its reported status.
    """

    kind: str
    id: str
    key: str
    host: str
    path: str
    language: str
    audience: str
    origin: str
    title: HighlightedText
    summary: HighlightedText
    excerpt: HighlightedText
    facets: Mapping[str, Any]  # the columns of FACETS, and "year"
    data: Mapping[str, Any]
    report: str = ""
    due_passed: bool = False


@dataclass(frozen=True)
class SearchResults:
    """One page of results.

    `facets` counts, for each facet, the hits that choosing a value would leave under the other filters:
    {"kind": {"library": 8}}. `synonyms` were searched for too. `corrected` is the text that was searched for instead
    of the reader's, if any. `notice` is a sentence for the reader, set if the database replaced the search engine.
    """

    hits: list[Hit]
    total: int
    facets: Mapping[str, Mapping[str, int]]
    synonyms: list[str] = field(default_factory=list)
    corrected: str = ""
    notice: str = ""


@dataclass(frozen=True)
class Suggestion:
    title: str
    kind: str
    host: str
    path: str


class QueryExecutor(Protocol):
    """Executes parsed queries over the documents that the query's audience may find, and over no others."""

    def execute(self, query: Query, parsed: ParsedQuery) -> tuple[SearchResults, list[str]]:
        """The results, and the words that occur in no such document."""
        ...


class SearchBackend(Protocol):
    """PostgreSQL, or a search engine that indexes the documents of `PendingIndexUpdate`."""

    def run(self, search: Callable[[QueryExecutor], SearchResults]) -> SearchResults:
        """Run a search, which may execute several queries, on one executor.

        A backend with a fallback runs it once more from the beginning if the first executor fails.
        """
        ...

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]: ...
