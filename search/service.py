"""Search for the pages and the API: parse the text, execute it on a backend, correct its spelling, execute again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from resources.models import SynonymGroup
from search.backends.registry import get_backend
from search.models import audiences_visible_to
from search.query import parser, spelling
from search.text import clean
from search.types import (
    FACETS,
    MAX_CHOICES,
    MAX_PAGE,
    MAX_PER_PAGE,
    PER_PAGE,
    SORTS,
    Query,
    QueryExecutor,
    SearchBackend,
    SearchResults,
    Suggestion,
    is_valid_choice,
)


def search(
    text: str,
    *,
    audience: str,
    filters: Mapping[str, Sequence[str]] | None = None,
    page: int = 1,
    size: int = PER_PAGE,
    sort: str = "best",
    exact: bool = False,
) -> SearchResults:
    """One page of the documents that `audience` ("public" or "members") may find for a text; of all for no text.

    `filters` narrows by names of FACETS: {"topic": ["libraries", "courts"], "kind": ["action"]}; several values
    of one name widen, several names narrow. Other names are ignored. Raises ValueError for another audience.
    """
    audiences_visible_to(audience)
    valid_filters = {
        name: [value for value in dict.fromkeys(values) if is_valid_choice(value)][:MAX_CHOICES]
        for name, values in (filters or {}).items()
        if name in FACETS
    }
    query = Query(
        text=text,
        audience=audience,
        filters={name: values for name, values in valid_filters.items() if values},
        page=min(max(page, 1), MAX_PAGE),
        size=min(max(size, 1), MAX_PER_PAGE),
        sort=sort if sort in SORTS else SORTS[0],
        exact=exact,
    )
    return run_query(query, get_backend())


def run_query(query: Query, backend: SearchBackend) -> SearchResults:
    """Results of `query` with synonyms and, if some words occur nowhere, with corrected spelling."""
    return backend.run(lambda executor: _search_with_corrections(query, executor))


def suggest(prefix: str, *, audience: str, size: int = 8) -> list[Suggestion]:
    """Titles that `audience` may find and that continue `prefix`; none for fewer than two letters."""
    audiences_visible_to(audience)
    return get_backend().suggest(clean(prefix[:100]), audience=audience, size=size)


def _search_with_corrections(query: Query, executor: QueryExecutor) -> SearchResults:
    """The results of the corrected text if there are any, otherwise those of the text as typed."""
    synonyms = [] if query.exact else list(SynonymGroup.objects.values_list("terms", flat=True))
    text = parser.truncate(query.text)
    query = replace(query, text=text)
    results, unknown_words = executor.execute(query, parser.parse(text, synonyms=synonyms))
    if not unknown_words or query.exact:
        return results
    corrected = spelling.correct(text, unknown_words, audience=query.audience)
    if corrected == text:
        return results
    corrected_results, _unknown_words = executor.execute(
        replace(query, text=corrected), parser.parse(corrected, synonyms=synonyms)
    )
    return replace(corrected_results, corrected=corrected) if corrected_results.total else results
