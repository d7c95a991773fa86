"""Search by an engine beside the database: sends the requests of QueryBuilder and reads the responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from search.backends import results
from search.backends.engine.client import Json, RequestSender
from search.backends.engine.query_builder import MIN_FULL_MATCHES, QueryBuilder, suggest_query
from search.types import FACETS, Hit, ParsedQuery, Query, QueryExecutor, SearchResults, Suggestion


class EngineBackend:
    """Searches the index behind `alias`. Raises EngineError; see `search.backends.fallback`."""

    def __init__(self, client: RequestSender, alias: str) -> None:
        self._client, self._alias = client, alias

    def run(self, search: Callable[[QueryExecutor], SearchResults]) -> SearchResults:
        return search(self)

    def execute(self, query: Query, parsed: ParsedQuery) -> tuple[SearchResults, list[str]]:
        """The results, and the words that occur nowhere. Mostly one request; three if few documents have all terms."""
        builder = QueryBuilder(query, parsed)
        if builder.is_empty:
            return SearchResults([], 0, results.with_selected_values({}, query)), []
        response, unknown_words = self._search(builder.all_terms()), []
        full_matches = response["aggregations"]["pool"]["doc_count"]
        if full_matches < MIN_FULL_MATCHES and len(parsed.terms) > 1:
            term_counts = self._search(builder.term_counts())
            response = self._search(builder.some_terms(term_counts, has_full_match=full_matches > 0))
            unknown_words = builder.unknown_words(term_counts)
        elif not full_matches:
            unknown_words = builder.correctable_words
        facet_counts = {name: _facet_counts(response, name) for name in FACETS}
        search_results = SearchResults(
            hits=[_build_hit(row, query) for row in response["hits"]["hits"]],
            total=response["hits"]["total"]["value"],
            facets=results.with_selected_values(facet_counts, query),
            synonyms=parsed.synonyms,
        )
        return search_results, unknown_words

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]:
        body = suggest_query(prefix, audience=audience, size=size)
        rows = [row["_source"] for row in self._search(body)["hits"]["hits"]] if body else []
        return [Suggestion(_only_value(row["title"]), row["kind"], row["host"], row["path"]) for row in rows]

    def _search(self, body: Json) -> Json:
        return self._client.request("POST", f"/{self._alias}/_search", body)


def _build_hit(row: Json, query: Query) -> Hit:
    source = row["_source"]
    highlights = row.get("highlight", {})

    def text(name: str) -> str:
        highlighted = highlights.get(f"{name}.{source['language']}", [""])[0]
        return str(highlighted or _only_value(source.get(name, {})))

    return results.build_hit(
        source, at=query.at, title=text("title"), summary=text("summary"), excerpt=text("body")
    )


def _only_value(by_language: Mapping[str, str]) -> str:
    """The text of a document, which it has only in its own language."""
    return next(iter(by_language.values()), "")


def _facet_counts(response: Json, name: str) -> dict[str, int]:
    buckets = response["aggregations"][name]["buckets"]
    # A list of those that exist, or for clauses all of them by their name.
    by_value = buckets if isinstance(buckets, dict) else {bucket["key"]: bucket for bucket in buckets}
    return {
        value: bucket.get("fits", bucket)["doc_count"]
        for value, bucket in by_value.items()
        if value and bucket["doc_count"]
    }
