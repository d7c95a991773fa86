"""From a reader's text to the requests that an engine understands.

Everything asks within the filter of the reader's audience, and of the fields that are ranked for it. Scores are sums and
products of the engine's own: nothing is added to them that another version of an engine would weigh differently.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from elasticsearch_dsl import Q, Search

from search.backends.engine.mapping import LANGUAGES
from search.backends.results import HIGHLIGHT_END, HIGHLIGHT_START
from search.models import audiences_visible_to
from search.query.parser import MAX_TERMS, ParsedQuery, Term, TermGroup
from search.query.stopwords import has_content_words
from search.text import fold
from search.types import FACETS, Query

MIN_FULL_MATCHES = 5  # with fewer results that have all the words, those with some of them count too
MIN_COVERAGE = 0.35  # of the words' weight that a result has at least then
MIN_PARTIAL_COVERAGE = 0.2  # of it, where nothing has all words: the most that something has is not known
SYNONYM_BOOST = 0.8  # of what a word itself counts
PROXIMITY_BOOST = 0.5  # of what words count, for standing near each other
MAX_PROXIMITY_WORDS, PROXIMITY_SLOP = 8, 8  # for texts of so many words; so far apart
EXACT_TITLE_FACTOR = 1_000  # times
MAX_FACET_VALUES = 5_000  # of one facet; an engine refuses answers with more than 65,535 of all
SHORT_TIMEOUT = "1s"
EXCERPT_LENGTH = 180  # characters, about

Json = dict[str, Any]

_SOURCE_FIELDS = [
    "kind", "uuid", "key", "host", "path", "language", "audience", "origin", "title", "summary", "year", "data",
    *(column for column in FACETS.values() if column not in {"kind", "language"}),
]  # fmt: skip
_NEWEST_FIRST: list[Json] = [
    {"dated_on": {"order": "desc", "missing": "_last"}},
    {"year": {"order": "desc", "missing": "_last"}},
    {"number": "asc"},
]


class QueryBuilder:
    """One search, asked in up to three requests: for all words; then how rare they are; then for some of them."""

    def __init__(self, query: Query, wanted: ParsedQuery) -> None:
        self.query, self.wanted = query, wanted
        self.parts = [part for group in wanted.groups for part in group.parts]
        self.groups = {
            language: [g for g in wanted.groups if _group_has_content_words(g, language)]
            for language in LANGUAGES
        }
        self.chosen = {
            name: Q("terms", **{FACETS[name]: list(values)})
            for name, values in query.filters.items()
            if values
        }

    @property
    def is_empty(self) -> bool:
        """Something was typed, but nothing in it can be looked for."""
        if self.wanted.groups:
            return not any(self.groups.values())
        return bool(self.query.text) and not self.wanted.without

    def all_terms(self) -> Json:
        """What has all words, or their synonyms."""
        return self._request([self._in_language(language, whole=True) for language in self._asked])

    def term_counts(self) -> Json:
        """In how many documents that the reader may find does each part stand, and each with its synonyms?"""
        filters = {}
        for index, (part, group) in enumerate(self._units):
            filters[f"part{index}"] = self._anywhere([part])
            filters[f"unit{index}"] = self._anywhere([part, *_synonym_terms(group)])
        search = (
            Search()
            .query("bool", filter=[self._visible])
            .extra(size=0, track_total_hits=True, timeout=SHORT_TIMEOUT)
        )
        search.aggs.bucket("seen", "filters", filters=filters)
        made: Json = search.to_dict()
        return made

    def some_terms(self, rarity: Json, *, is_there_all: bool) -> Json:
        """What has enough of the words, by the answer to `for_rarity`: the rarer a word, the more it weighs.

        `is_there_all`: something has all words.
        """
        counts = rarity["aggregations"]["seen"]["buckets"]
        reach = rarity["hits"]["total"]["value"]
        functions, weights = [], []
        for index, (part, group) in enumerate(self._units):
            if count := counts[f"unit{index}"]["doc_count"]:
                weights.append(round(math.log(1 + (reach - count + 0.5) / (count + 0.5)) + 0.01, 3))
                functions.append(
                    {"filter": self._anywhere([part, *_synonym_terms(group)]), "weight": weights[-1]}
                )
        wanted = [self._in_language(language, whole=False) for language in self._asked]
        if not weights:
            return self._request(wanted)
        # Never nothing: what has the rarest word there is will do.
        share = MIN_COVERAGE if is_there_all else MIN_PARTIAL_COVERAGE
        least = min(share * sum(weights), max(weights)) - 0.0005
        enough = Q(
            "function_score", functions=functions, score_mode="sum", boost_mode="replace", min_score=least
        )
        return self._request(wanted, [enough])

    def unknown(self, rarity: Json) -> list[str]:
        """The parts that stand nowhere, by the answer to `for_rarity`."""
        counts = rarity["aggregations"]["seen"]["buckets"]
        checked = set(self.checked)
        return [
            part.text
            for index, (part, _group) in enumerate(self._units)
            if part.text in checked and not counts[f"part{index}"]["doc_count"]
        ]

    @property
    def checked(self) -> list[str]:
        """The words that might be misspelled: not those that one language thinks too common to look for."""
        return [
            part.text
            for part in self.parts
            if not part.is_phrase
            and all(has_content_words(part.text, language=language) for language in LANGUAGES)
        ]

    def _request(self, wanted: list[Any], filters: Sequence[Any] = ()) -> Json:
        search = Search().query(self._found(wanted, filters))
        search = search.extra(
            track_total_hits=True,
            timeout=SHORT_TIMEOUT,
            size=self.query.size,
            from_=(self.query.page - 1) * self.query.size,
        ).source(_SOURCE_FIELDS)
        if self.chosen:
            search = search.post_filter(Q("bool", filter=list(self.chosen.values())))
        search = search.sort(*(["_score"] if self.is_ranked else []), *_NEWEST_FIRST)
        self._add_counts(search)
        if self.wanted.groups:
            search = self._with_marks(search)
        made: Json = search.to_dict()
        return made

    @property
    def is_ranked(self) -> bool:
        return bool(self.parts) and self.query.sort != "newest"

    def _found(self, wanted: list[Any], filters: Sequence[Any]) -> Any:
        """What is wanted, whatever the reader's choices; what the reader may not find is not among it."""
        never = [_term_clause(part, field) for field in self._fields.values() for part in self.wanted.without]
        found = Q(
            "bool",
            filter=[self._visible, *filters],
            must=[Q("bool", should=wanted, minimum_should_match=1)] if wanted else [],
            must_not=never,
        )
        key = fold(self.query.text)[:300]
        if not (self.is_ranked and key):
            return found
        whole = {"filter": Q("term", title_key=key), "weight": EXACT_TITLE_FACTOR}
        return Q("function_score", query=found, functions=[whole], boost_mode="multiply")

    @property
    def _asked(self) -> list[str]:
        """The languages in which there is something to look for."""
        return [language for language in LANGUAGES if self.groups[language]]

    @property
    def _units(self) -> list[tuple[Term, TermGroup]]:
        """Each part that is looked for in some language, with the group it stands in."""
        return [
            (part, group)
            for group in self.wanted.groups
            for part in group.parts
            if any(has_content_words(part.text, language=language) for language in LANGUAGES)
        ]

    def _anywhere(self, parts: Sequence[Term]) -> Any:
        """One of these, in either language."""
        return Q(
            "bool",
            should=[
                _term_clause(part, self._fields[language])
                for language in LANGUAGES
                for part in parts
                if has_content_words(part.text, language=language)
            ],
            minimum_should_match=1,
        )

    @property
    def _visible(self) -> Any:
        return Q("terms", audience=list(audiences_visible_to(self.query.audience)))

    @property
    def _fields(self) -> dict[str, str]:
        return {language: f"words.{self.query.audience}.{language}" for language in LANGUAGES}

    def _in_language(self, language: str, *, whole: bool) -> Any:
        field = self._fields[language]
        clauses = [_group_clause(group, field, language, whole=whole) for group in self.groups[language]]
        near = self._near(field, language)
        if whole:
            return Q("bool", must=clauses, should=near)
        return Q("bool", must=[Q("bool", should=clauses, minimum_should_match=1)], should=near)

    def _near(self, field: str, language: str) -> list[Any]:
        words = [part.text for part in self.parts if has_content_words(part.text, language=language)]
        if not 1 < len(words) <= MAX_PROXIMITY_WORDS:
            return []
        return [
            Q(
                "match_phrase",
                **{field: {"query": " ".join(words), "slop": PROXIMITY_SLOP, "boost": PROXIMITY_BOOST}},
            )
        ]

    def _add_counts(self, search: Any) -> None:
        """Each question's values with what choosing them would give: counted under the other questions' choices."""
        search.aggs.bucket("pool", "filter", filter=Q("match_all"))
        for name, column in FACETS.items():
            values = search.aggs.bucket(name, "terms", field=column, size=MAX_FACET_VALUES)
            others = [fits for other, fits in self.chosen.items() if other != name]
            if others:
                values.bucket("fits", "filter", filter=Q("bool", filter=others))

    def _with_marks(self, search: Any) -> Any:
        search = search.highlight_options(
            pre_tags=[HIGHLIGHT_START], post_tags=[HIGHLIGHT_END], require_field_match=False, type="unified"
        )
        for language in LANGUAGES:
            field = self._fields[language]
            any_of_them = [_group_clause(g, field, language, whole=False) for g in self.groups[language]]
            if not any_of_them:
                continue
            query = Q("bool", should=any_of_them).to_dict()
            for name, fragments in (("title", 0), ("summary", 0), ("body", 1)):
                search = search.highlight(
                    f"{name}.{language}",
                    highlight_query=query,
                    number_of_fragments=fragments,
                    **({"fragment_size": EXCERPT_LENGTH} if fragments else {}),
                )
        return search


def suggest_query(prefix: str, *, audience: str, size: int) -> Json | None:
    """Titles with words that begin so, those first that begin with the whole text; None for too few letters."""
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
    made: Json = search.extra(size=size, timeout=SHORT_TIMEOUT, collapse={"field": "title_key"}).to_dict()
    return made


def _group_has_content_words(group: TermGroup, language: str) -> bool:
    return any(
        has_content_words(text, language=language)
        for text in [*(p.text for p in group.parts), *group.synonyms]
    )


def _term_clause(part: Term, field: str, *, boost: float = 1) -> Any:
    if part.is_phrase:
        return Q("match_phrase", **{field: {"query": part.text, "boost": boost}})
    return Q("match", **{field: {"query": part.text, "operator": "and", "boost": boost}})


def _synonym_terms(group: TermGroup) -> list[Term]:
    return [Term(term, is_phrase=True) for term in group.synonyms]


def _group_clause(group: TermGroup, field: str, language: str, *, whole: bool) -> Any:
    """A group's words, all of them or any, or one of its synonyms: whatever counts most."""
    own = [
        _term_clause(part, field) for part in group.parts if has_content_words(part.text, language=language)
    ]
    ways = _combine(own, whole=whole)
    ways += [
        _term_clause(term, field, boost=SYNONYM_BOOST)
        for term in _synonym_terms(group)
        if has_content_words(term.text, language=language)
    ]
    return ways[0] if len(ways) == 1 else Q("dis_max", queries=ways)


def _combine(clauses: Sequence[Any], *, whole: bool) -> list[Any]:
    if len(clauses) < 2:
        return list(clauses)
    return [Q("bool", must=list(clauses))] if whole else [Q("bool", should=list(clauses))]
