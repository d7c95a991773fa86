"""Builds the requests for an engine from a parsed query.

Every request is filtered by the reader's audience and searches the fields that are ranked for it. Scores are sums and
products of the engine's own scores: nothing is added that another version of an engine would weigh differently.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from elasticsearch_dsl import Q, Search

from search.backends.engine.client import Json
from search.backends.engine.mapping import LANGUAGES
from search.backends.results import HIGHLIGHT_END, HIGHLIGHT_START
from search.models import audiences_visible_to
from search.query.parser import MAX_TERMS
from search.query.stopwords import has_content_words
from search.text import fold, title_key
from search.types import FACETS, ParsedQuery, Query, Term, TermGroup
from tenants.plans.models import Action
from tenants.plans.standing import OVERDUE

MIN_FULL_MATCHES = 5  # with fewer results that have all terms, those with some of them are results too
MIN_COVERAGE = 0.35  # of the terms' weight that such a result has
MIN_PARTIAL_COVERAGE = 0.2  # the same if no document has all terms: the highest coverage is unknown then
SYNONYM_BOOST = 0.8  # relative to the term itself
PROXIMITY_BOOST = 0.5  # for terms near each other, relative to the terms themselves
MAX_PROXIMITY_WORDS, PROXIMITY_SLOP = 8, 8  # in longer texts proximity does not count
EXACT_TITLE_FACTOR = 1_000
MAX_FACET_VALUES = 5_000  # of one facet; an engine rejects requests for more than 65,535 in total
SHORT_TIMEOUT = "1s"
EXCERPT_LENGTH = 180  # characters, approximately

STANDINGS = [*Action.Status.values, OVERDUE]  # that documents are counted by

_SOURCE_FIELDS = [
    "kind", "uuid", "key", "host", "path", "language", "audience", "origin", "title", "summary", "year", "data",
    "overdue_at",
    *(column for column in FACETS.values() if column not in {"kind", "language"}),
]  # fmt: skip
_NEWEST_FIRST: list[Json] = [
    {"dated_on": {"order": "desc", "missing": "_last"}},
    {"year": {"order": "desc", "missing": "_last"}},
    {"number": "asc"},
]


class QueryBuilder:
    """The requests of one search: for all terms; if that finds little, for their frequency and for some terms."""

    def __init__(self, query: Query, parsed: ParsedQuery) -> None:
        self.query, self.parsed = query, parsed
        self.groups = {
            language: [group for group in parsed.groups if _group_has_content_words(group, language)]
            for language in LANGUAGES
        }
        self.selected = {
            name: self._has_value(name, list(values)) for name, values in query.filters.items() if values
        }

    def _has_value(self, name: str, values: list[str]) -> Any:
        """Clause for documents with one of these values of a facet."""
        if name != "status":
            return Q("terms", **{FACETS[name]: values})
        is_overdue = Q("range", overdue_at={"lte": int(self.query.at.timestamp())})
        reported = Q("bool", filter=[Q("terms", status=values)], must_not=[is_overdue])
        either = [reported, is_overdue] if OVERDUE in values else [reported]
        return Q("bool", should=either, minimum_should_match=1)

    @property
    def is_empty(self) -> bool:
        """There is a text, but no term in it can be searched for."""
        if self.parsed.groups:
            return not any(self.groups.values())
        return bool(self.query.text) and not self.parsed.excluded

    def all_terms(self) -> Json:
        """Request for documents with all terms, or their synonyms."""
        return self._request([self._in_language(language, require_all=True) for language in self._languages])

    def term_counts(self) -> Json:
        """Request for the number of visible documents with each term, alone and with its synonyms."""
        filters = {}
        for index, (term, group) in enumerate(self._searchable_terms):
            filters[f"term{index}"] = self._any_of([term])
            filters[f"synonyms{index}"] = self._any_of([term, *_synonym_terms(group)])
        search = (
            Search()
            .query("bool", filter=[self._visible])
            .extra(size=0, track_total_hits=True, timeout=SHORT_TIMEOUT)
        )
        search.aggs.bucket("counts", "filters", filters=filters)
        body: Json = search.to_dict()
        return body

    def some_terms(self, term_counts: Json, *, has_full_match: bool) -> Json:
        """Request for documents with enough of the terms; rarer terms weigh more.

        `term_counts` is the response to that request; `has_full_match`: some document has all terms.
        """
        counts = term_counts["aggregations"]["counts"]["buckets"]
        visible_count = term_counts["hits"]["total"]["value"]
        functions, weights = [], []
        for index, (term, group) in enumerate(self._searchable_terms):
            if count := counts[f"synonyms{index}"]["doc_count"]:
                weights.append(round(math.log(1 + (visible_count - count + 0.5) / (count + 0.5)) + 0.01, 3))
                functions.append(
                    {"filter": self._any_of([term, *_synonym_terms(group)]), "weight": weights[-1]}
                )
        clauses = [self._in_language(language, require_all=False) for language in self._languages]
        if not weights:
            return self._request(clauses)
        # There is always a result: a document with the rarest of the known terms is enough.
        min_coverage = MIN_COVERAGE if has_full_match else MIN_PARTIAL_COVERAGE
        min_weight = min(min_coverage * sum(weights), max(weights)) - 0.0005
        has_min_weight = Q(
            "function_score",
            functions=functions,
            score_mode="sum",
            boost_mode="replace",
            min_score=min_weight,
        )
        return self._request(clauses, [has_min_weight])

    def unknown_words(self, term_counts: Json) -> list[str]:
        """The correctable words that no visible document has, by the response to `term_counts`."""
        counts = term_counts["aggregations"]["counts"]["buckets"]
        correctable = set(self.correctable_words)
        return [
            term.text
            for index, (term, _group) in enumerate(self._searchable_terms)
            if term.text in correctable and not counts[f"term{index}"]["doc_count"]
        ]

    @property
    def correctable_words(self) -> list[str]:
        """The words that may be misspelled: those that are a stop word in no language."""
        return [
            term.text
            for term in self.parsed.terms
            if not term.is_phrase
            and all(has_content_words(term.text, language=language) for language in LANGUAGES)
        ]

    def _request(self, clauses: list[Any], filters: Sequence[Any] = ()) -> Json:
        search = Search().query(self._matching(clauses, filters))
        search = search.extra(
            track_total_hits=True,
            timeout=SHORT_TIMEOUT,
            size=self.query.size,
            from_=(self.query.page - 1) * self.query.size,
        ).source(_SOURCE_FIELDS)
        if self.selected:
            search = search.post_filter(Q("bool", filter=list(self.selected.values())))
        search = search.sort(*(["_score"] if self.is_ranked else []), *_NEWEST_FIRST)
        self._add_facet_counts(search)
        if self.parsed.groups:
            search = self._with_highlights(search)
        body: Json = search.to_dict()
        return body

    @property
    def is_ranked(self) -> bool:
        return bool(self.parsed.terms) and self.query.sort != "newest"

    def _matching(self, clauses: list[Any], filters: Sequence[Any]) -> Any:
        """Visible documents that match one of `clauses`, before the selected filters are applied."""
        excluded = [
            _term_clause(term, field) for field in self._fields.values() for term in self.parsed.excluded
        ]
        matching = Q(
            "bool",
            filter=[self._visible, *filters],
            must=[Q("bool", should=clauses, minimum_should_match=1)] if clauses else [],
            must_not=excluded,
        )
        key = title_key(self.query.text)
        if not (self.is_ranked and key):
            return matching
        exact_title = {"filter": Q("term", title_key=key), "weight": EXACT_TITLE_FACTOR}
        return Q("function_score", query=matching, functions=[exact_title], boost_mode="multiply")

    @property
    def _languages(self) -> list[str]:
        """The languages in which some term can be searched for."""
        return [language for language in LANGUAGES if self.groups[language]]

    @property
    def _searchable_terms(self) -> list[tuple[Term, TermGroup]]:
        """Each term that can be searched for in some language, with its group."""
        return [
            (term, group)
            for group in self.parsed.groups
            for term in group.terms
            if any(has_content_words(term.text, language=language) for language in LANGUAGES)
        ]

    def _any_of(self, terms: Sequence[Term]) -> Any:
        """Clause for one of these terms, in either language."""
        return Q(
            "bool",
            should=[
                _term_clause(term, self._fields[language])
                for language in LANGUAGES
                for term in terms
                if has_content_words(term.text, language=language)
            ],
            minimum_should_match=1,
        )

    @property
    def _visible(self) -> Any:
        return Q("terms", audience=list(audiences_visible_to(self.query.audience)))

    @property
    def _fields(self) -> dict[str, str]:
        return {language: f"words.{self.query.audience}.{language}" for language in LANGUAGES}

    def _in_language(self, language: str, *, require_all: bool) -> Any:
        field = self._fields[language]
        clauses = [
            _group_clause(group, field, language, require_all=require_all) for group in self.groups[language]
        ]
        proximity = self._proximity(field, language)
        if require_all:
            return Q("bool", must=clauses, should=proximity)
        return Q("bool", must=[Q("bool", should=clauses, minimum_should_match=1)], should=proximity)

    def _proximity(self, field: str, language: str) -> list[Any]:
        words = [term.text for term in self.parsed.terms if has_content_words(term.text, language=language)]
        if not 1 < len(words) <= MAX_PROXIMITY_WORDS:
            return []
        options = {"query": " ".join(words), "slop": PROXIMITY_SLOP, "boost": PROXIMITY_BOOST}
        return [Q("match_phrase", **{field: options})]

    def _add_facet_counts(self, search: Any) -> None:
        """Count each facet's values under the selected values of the other facets."""
        search.aggs.bucket("pool", "filter", filter=Q("match_all"))
        for name, column in FACETS.items():
            if name == "status":
                clauses = {standing: self._has_value(name, [standing]) for standing in STANDINGS}
                values = search.aggs.bucket(name, "filters", filters=clauses)
            else:
                values = search.aggs.bucket(name, "terms", field=column, size=MAX_FACET_VALUES)
            others = [clause for other, clause in self.selected.items() if other != name]
            if others:
                values.bucket("fits", "filter", filter=Q("bool", filter=others))

    def _with_highlights(self, search: Any) -> Any:
        search = search.highlight_options(
            pre_tags=[HIGHLIGHT_START], post_tags=[HIGHLIGHT_END], require_field_match=False, type="unified"
        )
        for language in LANGUAGES:
            field = self._fields[language]
            clauses = [
                _group_clause(group, field, language, require_all=False) for group in self.groups[language]
            ]
            if not clauses:
                continue
            query = Q("bool", should=clauses).to_dict()
            for name, fragments in (("title", 0), ("summary", 0), ("body", 1)):
                search = search.highlight(
                    f"{name}.{language}",
                    highlight_query=query,
                    number_of_fragments=fragments,
                    **({"fragment_size": EXCERPT_LENGTH} if fragments else {}),
                )
        return search


def suggest_query(prefix: str, *, audience: str, size: int) -> Json | None:
    """Request for titles with words that begin like those of `prefix`; titles that begin with all of it come first.

    None for fewer than two letters.
    """
    key = fold(prefix)
    words = re.findall(r"\w+", key)[:MAX_TERMS]
    if len("".join(words)) < 2:
        return None
    query = Q(
        "bool",
        filter=[
            Q("terms", audience=list(audiences_visible_to(audience))),
            Q("match", title_start={"query": " ".join(words), "operator": "and"}),
        ],
        should=[Q("constant_score", filter=Q("prefix", title_key=key), boost=1)],
    )
    search = Search().query(query).source(["title", "kind", "host", "path"])
    search = search.sort("_score", "title_length", "title_key", "kind", "number")
    body: Json = search.extra(size=size, timeout=SHORT_TIMEOUT, collapse={"field": "title_key"}).to_dict()
    return body


def _group_has_content_words(group: TermGroup, language: str) -> bool:
    return any(
        has_content_words(text, language=language)
        for text in [*(term.text for term in group.terms), *group.synonyms]
    )


def _term_clause(term: Term, field: str, *, boost: float = 1) -> Any:
    if term.is_phrase:
        return Q("match_phrase", **{field: {"query": term.text, "boost": boost}})
    return Q("match", **{field: {"query": term.text, "operator": "and", "boost": boost}})


def _synonym_terms(group: TermGroup) -> list[Term]:
    return [Term(synonym, is_phrase=True) for synonym in group.synonyms]


def _group_clause(group: TermGroup, field: str, language: str, *, require_all: bool) -> Any:
    """Clause for a group's terms, all or any of them, or one of its synonyms: the best match counts."""
    term_clauses = [
        _term_clause(term, field) for term in group.terms if has_content_words(term.text, language=language)
    ]
    alternatives = _combine(term_clauses, require_all=require_all)
    alternatives += [
        _term_clause(term, field, boost=SYNONYM_BOOST)
        for term in _synonym_terms(group)
        if has_content_words(term.text, language=language)
    ]
    return alternatives[0] if len(alternatives) == 1 else Q("dis_max", queries=alternatives)


def _combine(clauses: Sequence[Any], *, require_all: bool) -> list[Any]:
    if len(clauses) < 2:
        return list(clauses)
    return [Q("bool", must=list(clauses))] if require_all else [Q("bool", should=list(clauses))]
