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
SHARE = 0.35  # of the words that a result has at least then
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
    """One search: `steps` are ever wider readings of the text; `request` is what each of them asks."""

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

    @property
    def steps(self) -> list[int]:
        """How many groups of words a result needs: all, then some, then one; 0 is one word of a group."""
        most = max(map(len, self.groups.values()))
        if len(self.parts) < 2:
            return [most]
        return sorted({most, math.ceil(SHARE * most), 1}, reverse=True) if most > 1 else [1, 0]

    def request(self, step: int, *, is_last: bool) -> Json:
        search = Search().query(self._found(step))
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
        if is_last:
            self._add_seen(search)
        if self.wanted.groups:
            search = self._with_marks(search)
        made: Json = search.to_dict()
        return made

    @property
    def is_ranked(self) -> bool:
        return bool(self.parts) and self.query.sort != "newest"

    @property
    def checked(self) -> list[Part]:
        """The parts that might be misspelled: not those that one language thinks too common to look for."""
        return [
            part
            for part in self.parts
            if not part.is_phrase and all(is_asked(part.text, language=language) for language in LANGUAGES)
        ]

    def _found(self, step: int) -> Any:
        """The documents of this step, whatever the filters; those the reader may not find are not among them."""
        never = [_part(part, field) for field in self._fields.values() for part in self.wanted.without]
        wanted = [self._in_language(language, step) for language in LANGUAGES if self.groups[language]]
        found = Q(
            "bool",
            filter=[self._visible],
            must=[Q("bool", should=wanted, minimum_should_match=1)] if wanted else [],
            must_not=never,
        )
        key = fold(self.query.text)[:300]
        if not (self.is_ranked and key):
            return found
        whole = {"filter": Q("term", title_key=key), "weight": WHOLE_TITLE}
        return Q("function_score", query=found, functions=[whole], boost_mode="multiply")

    @property
    def _visible(self) -> Any:
        return Q("terms", audience=list(allowed(self.query.audience)))

    @property
    def _fields(self) -> dict[str, str]:
        return {language: f"words.{self.query.audience}.{language}" for language in LANGUAGES}

    def _in_language(self, language: str, step: int) -> Any:
        field, groups = self._fields[language], self.groups[language]
        need = min(step, len(groups))
        is_all = need == len(groups)
        clauses = [_group(group, field, language, whole=is_all) for group in groups]
        near = self._near(field, language)
        if is_all:
            return Q("bool", must=clauses, should=near)
        some = Q("bool", should=clauses, minimum_should_match=max(need, 1))
        return Q("bool", must=[some], should=near)

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

    def _add_seen(self, search: Any) -> None:
        """For each word that might be misspelled: does it stand anywhere in what the reader may find?"""
        if not self.checked or len(self.parts) < 2:
            return
        filters = {
            str(place): Q("bool", should=[_part(part, field) for field in self._fields.values()])
            for place, part in enumerate(self.checked)
        }
        everything = search.aggs.bucket("everything", "global")
        everything.bucket("visible", "filter", filter=self._visible).bucket(
            "seen", "filters", filters=filters
        )

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


def _part(part: Part, field: str) -> Any:
    if part.is_phrase:
        return Q("match_phrase", **{field: {"query": part.text}})
    return Q("match", **{field: {"query": part.text, "operator": "and"}})


def _group(group: Group, field: str, language: str, *, whole: bool) -> Any:
    """A group's words, all of them or any, or one of its synonyms: whatever counts most."""
    own = [_part(part, field) for part in group.parts if is_asked(part.text, language=language)]
    ways = _together(own, whole=whole)
    ways += [
        Q("match_phrase", **{field: {"query": term, "boost": SYNONYM}})
        for term in group.synonyms
        if is_asked(term, language=language)
    ]
    return ways[0] if len(ways) == 1 else Q("dis_max", queries=ways)


def _together(clauses: Sequence[Any], *, whole: bool) -> list[Any]:
    if len(clauses) < 2:
        return list(clauses)
    return [Q("bool", must=list(clauses))] if whole else [Q("bool", should=list(clauses))]
