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

from search.answers import START, STOP
from search.engine import FACETS, Query
from search.index.mapping import LANGUAGES
from search.models import allowed
from search.phrasing import MOST_WORDS, Group, Part, Phrasing
from search.stopwords import is_asked
from search.words import fold

FEW = 5  # with fewer results that have all the words, those with some of them count too
SHARE = 0.35  # of the words' weight that a result has at least then
SMALL_SHARE = 0.2  # of it, where nothing has all words: the most that something has is not known
SYNONYM = 0.8  # of what a word itself counts
NEAR = 0.5  # of what words count, for standing near each other
NEAR_WORDS, NEAR_SLOP = 8, 8  # for texts of so many words; so far apart
WHOLE_TITLE = 1_000  # times
MOST_VALUES = 5_000  # of one facet; an engine refuses answers with more than 65,535 of all
SOON = "1s"
EXCERPT = 180  # characters, about

Json = dict[str, Any]

_SHOWN = [
    "kind", "uuid", "key", "host", "path", "language", "audience", "origin", "title", "summary", "year", "data",
    *(column for column in FACETS.values() if column not in {"kind", "language"}),
]  # fmt: skip
_OLDEST_LAST: list[Json] = [
    {"dated_on": {"order": "desc", "missing": "_last"}},
    {"year": {"order": "desc", "missing": "_last"}},
    {"number": "asc"},
]


class Question:
    """One search, asked in up to three requests: for all words; then how rare they are; then for some of them."""

    def __init__(self, query: Query, wanted: Phrasing) -> None:
        self.query, self.wanted = query, wanted
        self.parts = [part for group in wanted.groups for part in group.parts]
        self.groups = {
            language: [g for g in wanted.groups if _asked_of(g, language)] for language in LANGUAGES
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

    def for_all(self) -> Json:
        """What has all words, or their synonyms."""
        return self._request([self._in_language(language, whole=True) for language in self._asked])

    def for_rarity(self) -> Json:
        """In how many documents that the reader may find does each part stand, and each with its synonyms?"""
        filters = {}
        for place, (part, group) in enumerate(self._units):
            filters[f"part{place}"] = self._anywhere([part])
            filters[f"unit{place}"] = self._anywhere([part, *_phrases(group)])
        search = (
            Search().query("bool", filter=[self._visible]).extra(size=0, track_total_hits=True, timeout=SOON)
        )
        search.aggs.bucket("seen", "filters", filters=filters)
        made: Json = search.to_dict()
        return made

    def for_some(self, rarity: Json, *, is_there_all: bool) -> Json:
        """What has enough of the words, by the answer to `for_rarity`: the rarer a word, the more it weighs.

        `is_there_all`: something has all words.
        """
        counts = rarity["aggregations"]["seen"]["buckets"]
        reach = rarity["hits"]["total"]["value"]
        functions, weights = [], []
        for place, (part, group) in enumerate(self._units):
            if count := counts[f"unit{place}"]["doc_count"]:
                weights.append(round(math.log(1 + (reach - count + 0.5) / (count + 0.5)) + 0.01, 3))
                functions.append({"filter": self._anywhere([part, *_phrases(group)]), "weight": weights[-1]})
        wanted = [self._in_language(language, whole=False) for language in self._asked]
        if not weights:
            return self._request(wanted)
        # Never nothing: what has the rarest word there is will do.
        share = SHARE if is_there_all else SMALL_SHARE
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
            for place, (part, _group) in enumerate(self._units)
            if part.text in checked and not counts[f"part{place}"]["doc_count"]
        ]

    @property
    def checked(self) -> list[str]:
        """The words that might be misspelled: not those that one language thinks too common to look for."""
        return [
            part.text
            for part in self.parts
            if not part.is_phrase and all(is_asked(part.text, language=language) for language in LANGUAGES)
        ]

    def _request(self, wanted: list[Any], filters: Sequence[Any] = ()) -> Json:
        search = Search().query(self._found(wanted, filters))
        search = search.extra(
            track_total_hits=True,
            timeout=SOON,
            size=self.query.size,
            from_=(self.query.page - 1) * self.query.size,
        ).source(_SHOWN)
        if self.chosen:
            search = search.post_filter(Q("bool", filter=list(self.chosen.values())))
        search = search.sort(*(["_score"] if self.is_ranked else []), *_OLDEST_LAST)
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
        never = [_part(part, field) for field in self._fields.values() for part in self.wanted.without]
        found = Q(
            "bool",
            filter=[self._visible, *filters],
            must=[Q("bool", should=wanted, minimum_should_match=1)] if wanted else [],
            must_not=never,
        )
        key = fold(self.query.text)[:300]
        if not (self.is_ranked and key):
            return found
        whole = {"filter": Q("term", title_key=key), "weight": WHOLE_TITLE}
        return Q("function_score", query=found, functions=[whole], boost_mode="multiply")

    @property
    def _asked(self) -> list[str]:
        """The languages in which there is something to look for."""
        return [language for language in LANGUAGES if self.groups[language]]

    @property
    def _units(self) -> list[tuple[Part, Group]]:
        """Each part that is looked for in some language, with the group it stands in."""
        return [
            (part, group)
            for group in self.wanted.groups
            for part in group.parts
            if any(is_asked(part.text, language=language) for language in LANGUAGES)
        ]

    def _anywhere(self, parts: Sequence[Part]) -> Any:
        """One of these, in either language."""
        return Q(
            "bool",
            should=[
                _part(part, self._fields[language])
                for language in LANGUAGES
                for part in parts
                if is_asked(part.text, language=language)
            ],
            minimum_should_match=1,
        )

    @property
    def _visible(self) -> Any:
        return Q("terms", audience=list(allowed(self.query.audience)))

    @property
    def _fields(self) -> dict[str, str]:
        return {language: f"words.{self.query.audience}.{language}" for language in LANGUAGES}

    def _in_language(self, language: str, *, whole: bool) -> Any:
        field = self._fields[language]
        clauses = [_group(group, field, language, whole=whole) for group in self.groups[language]]
        near = self._near(field, language)
        if whole:
            return Q("bool", must=clauses, should=near)
        return Q("bool", must=[Q("bool", should=clauses, minimum_should_match=1)], should=near)

    def _near(self, field: str, language: str) -> list[Any]:
        words = [part.text for part in self.parts if is_asked(part.text, language=language)]
        if not 1 < len(words) <= NEAR_WORDS:
            return []
        return [Q("match_phrase", **{field: {"query": " ".join(words), "slop": NEAR_SLOP, "boost": NEAR}})]

    def _add_counts(self, search: Any) -> None:
        """Each question's values with what choosing them would give: counted under the other questions' choices."""
        search.aggs.bucket("pool", "filter", filter=Q("match_all"))
        for name, column in FACETS.items():
            values = search.aggs.bucket(name, "terms", field=column, size=MOST_VALUES)
            others = [fits for other, fits in self.chosen.items() if other != name]
            if others:
                values.bucket("fits", "filter", filter=Q("bool", filter=others))

    def _with_marks(self, search: Any) -> Any:
        search = search.highlight_options(
            pre_tags=[START], post_tags=[STOP], require_field_match=False, type="unified"
        )
        for language in LANGUAGES:
            field = self._fields[language]
            any_of_them = [_group(g, field, language, whole=False) for g in self.groups[language]]
            if not any_of_them:
                continue
            query = Q("bool", should=any_of_them).to_dict()
            for name, fragments in (("title", 0), ("summary", 0), ("body", 1)):
                search = search.highlight(
                    f"{name}.{language}",
                    highlight_query=query,
                    number_of_fragments=fragments,
                    **({"fragment_size": EXCERPT} if fragments else {}),
                )
        return search


def beginnings(prefix: str, *, audience: str, size: int) -> Json | None:
    """Titles with words that begin so, those first that begin with the whole text; None for too few letters."""
    key = fold(prefix)
    words = re.findall(r"\w+", key)[:MOST_WORDS]
    if len("".join(words)) < 2:
        return None
    query = Q(
        "bool",
        filter=[
            Q("terms", audience=list(allowed(audience))),
            Q("match", title_start={"query": " ".join(words), "operator": "and"}),
        ],
        should=[Q("constant_score", filter=Q("prefix", title_key=key), boost=1)],
    )
    search = Search().query(query).source(["title", "kind", "host", "path"])
    search = search.sort("_score", "title_length", "title_key", "kind", "number")
    made: Json = search.extra(size=size, timeout=SOON, collapse={"field": "title_key"}).to_dict()
    return made


def _asked_of(group: Group, language: str) -> bool:
    return any(
        is_asked(text, language=language) for text in [*(p.text for p in group.parts), *group.synonyms]
    )


def _part(part: Part, field: str, *, boost: float = 1) -> Any:
    if part.is_phrase:
        return Q("match_phrase", **{field: {"query": part.text, "boost": boost}})
    return Q("match", **{field: {"query": part.text, "operator": "and", "boost": boost}})


def _phrases(group: Group) -> list[Part]:
    return [Part(term, is_phrase=True) for term in group.synonyms]


def _group(group: Group, field: str, language: str, *, whole: bool) -> Any:
    """A group's words, all of them or any, or one of its synonyms: whatever counts most."""
    own = [_part(part, field) for part in group.parts if is_asked(part.text, language=language)]
    ways = _together(own, whole=whole)
    ways += [
        _part(term, field, boost=SYNONYM)
        for term in _phrases(group)
        if is_asked(term.text, language=language)
    ]
    return ways[0] if len(ways) == 1 else Q("dis_max", queries=ways)


def _together(clauses: Sequence[Any], *, whole: bool) -> list[Any]:
    if len(clauses) < 2:
        return list(clauses)
    return [Q("bool", must=list(clauses))] if whole else [Q("bool", should=list(clauses))]
