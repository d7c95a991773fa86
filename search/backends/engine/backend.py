"""Search by an engine beside the database: what is asked of it, and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from search.backends import results
from search.backends.engine.query_builder import MIN_FULL_MATCHES, QueryBuilder, suggest_query
from search.query import spelling
from search.query.parser import ParsedQuery
from search.types import FACETS, Hit, Query, SearchResults, Suggestion

Json = dict[str, Any]


class SendsRequests(Protocol):
    def request(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Json: ...


class EngineBackend:
    """The engine behind `transport`, asked through an alias of its index. Nothing is forgiven: see `fallback`."""

    def __init__(self, transport: SendsRequests, alias: str) -> None:
        self._transport, self._alias = transport, alias

    def search(self, query: Query) -> SearchResults:
        return spelling.search_with_corrections(query, self._find)

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]:
        body = suggest_query(prefix, audience=audience, size=size)
        rows = [row["_source"] for row in self._ask(body)["hits"]["hits"]] if body else []
        return [Suggestion(_only_value(row["title"]), row["kind"], row["host"], row["path"]) for row in rows]

    def _find(self, query: Query, wanted: ParsedQuery) -> tuple[SearchResults, list[str]]:
        """The answer, and the words that stand nowhere. One request, mostly; three where few documents have all words."""
        question = QueryBuilder(query, wanted)
        if question.is_empty:
            return SearchResults([], 0, results.with_selected_values({}, query)), []
        found, unknown = self._ask(question.all_terms()), []
        pool = found["aggregations"]["pool"]["doc_count"]
        if pool < MIN_FULL_MATCHES and len(question.parts) > 1:
            rarity = self._ask(question.term_counts())
            found = self._ask(question.some_terms(rarity, is_there_all=pool > 0))
            unknown = question.unknown(rarity)
        elif not pool:
            unknown = question.checked
        answer = SearchResults(
            hits=[_build_hit(row) for row in found["hits"]["hits"]],
            total=found["hits"]["total"]["value"],
            facets=results.with_selected_values({name: _facet_counts(found, name) for name in FACETS}, query),
            also=wanted.also,
        )
        return answer, unknown

    def _ask(self, body: Json) -> Json:
        return self._transport.request("POST", f"/{self._alias}/_search", body)


def _build_hit(row: Json) -> Hit:
    source = row["_source"]
    marks = row.get("highlight", {})

    def text(name: str) -> str:
        found = marks.get(f"{name}.{source['language']}", [""])[0]
        return str(found or _only_value(source.get(name, {})))

    return results.build_hit(source, title=text("title"), summary=text("summary"), excerpt=text("body"))


def _only_value(by_language: Mapping[str, str]) -> str:
    """A document has a text in its own language alone."""
    return next(iter(by_language.values()), "")


def _facet_counts(found: Json, name: str) -> dict[str, int]:
    return {
        bucket["key"]: bucket.get("fits", bucket)["doc_count"]
        for bucket in found["aggregations"][name]["buckets"]
        if bucket["key"]
    }
