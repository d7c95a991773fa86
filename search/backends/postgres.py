"""Search by PostgreSQL: full text with weights, and rare words first.

One statement finds, ranks, counts and marks. A word's weight is its rarity among what the reader may find, so
that a ranking, like a count, never depends on what somebody else may see.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django.db import connection

from search.backends import results
from search.backends.results import HIGHLIGHT_END, HIGHLIGHT_START
from search.models import ENGLISH, SPANISH, Document, audiences_visible_to
from search.query import parser, spelling
from search.text import fold
from search.types import FACETS, LIST_FACETS, Hit, Query, SearchResults, Suggestion

MIN_FULL_MATCHES = 5  # with fewer results that have all the words, those with any of them count too
MIN_COVERAGE = 0.35  # of the most that a document covers of the text: what covers less is no result
MAX_GROUPS = 32  # of words are looked for: each one costs
RERANK_LIMIT = 200  # so many of the likeliest documents are ranked closely
WEIGHTS = "{0.3, 0.25, 0.6, 1.0}"  # of hidden words, body, summary and origin, title

_DOCUMENTS = Document._meta.db_table
_LANGUAGES = {"en": ENGLISH, "es": SPANISH}


class PostgresBackend:
    """The engine that is always there: the table of documents is its index."""

    def search(self, query: Query) -> SearchResults:
        return spelling.search_with_corrections(query, self._find)

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]:
        """Documents with words in their title that begin so; titles that begin with the whole text come first."""
        words = re.findall(r"\w+", fold(prefix))[: parser.MAX_TERMS]
        if not words or len("".join(words)) < 2:
            return []
        # Not the index of stems: "endi" is no beginning of the stem of "ending".
        begins = " AND ".join(f"title_key ~ %(w{n})s" for n in range(len(words)))
        values: dict[str, Any] = {
            "allowed": list(audiences_visible_to(audience)),
            "key": fold(prefix),
            "size": size,
        }
        values |= {f"w{n}": rf"\m{word}" for n, word in enumerate(words)}
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                SELECT title, kind, host, path FROM (
                  SELECT DISTINCT ON (title_key) title, title_key, kind, host, path FROM {_DOCUMENTS}
                  WHERE audience = ANY(%(allowed)s) AND {begins}
                  ORDER BY title_key, kind, id) found
                ORDER BY starts_with(title_key, %(key)s) DESC, length(title), title LIMIT %(size)s
                """,
                values,
            )
            return [Suggestion(*row) for row in cursor.fetchall()]

    def _find(self, query: Query, wanted: parser.ParsedQuery) -> tuple[SearchResults, list[str]]:
        """The answer, and the words that stand nowhere."""
        wanted = wanted.longest(MAX_GROUPS)
        statement = _SearchStatement(query, wanted)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.values)
            total, facets, hits, known = cursor.fetchone()
        unknown = [
            part.text
            for part, seen in zip(statement.parts, known or [], strict=True)
            if seen is False and not part.is_phrase
        ]
        return SearchResults(
            hits=[_build_hit(row) for row in json.loads(hits or "[]")],
            total=total,
            facets=results.with_selected_values(json.loads(facets or "{}"), query),
            also=wanted.also,
        ), unknown


class _SearchStatement:
    """The SQL of one search: `sql` and its `values`; `parts` are the words it reports as known or not."""

    def __init__(self, query: Query, wanted: parser.ParsedQuery) -> None:
        self.query, self.wanted = query, wanted
        self.parts = [part for group in wanted.groups for part in group.parts]
        self.values: dict[str, Any] = {
            "allowed": list(audiences_visible_to(query.audience)),
            "key": fold(query.text)[:300] or None,
            "size": query.size,
            "start": (query.page - 1) * query.size,
            "weights": WEIGHTS,
            "few": MIN_FULL_MATCHES,
            "share": MIN_COVERAGE,
            "marks": f"StartSel={HIGHLIGHT_START}, StopSel={HIGHLIGHT_END}",
        }
        self.asks = bool(wanted.groups or wanted.without)
        self.sql = self._write()

    def _value(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    def _write(self) -> str:
        """Rows of the index alone say which words stand where (`hits`), how rare they are and how much of the text
        a document covers; only the NARROWED best of those are read to be ranked by place and nearness of the words.
        """
        return f"""
        WITH q AS MATERIALIZED (SELECT {self._questions()}),
        hits AS MATERIALIZED ({self._postings()}),
        rarity AS MATERIALIZED ({self._rarity()}),
        covered AS MATERIALIZED ({self._covered()}),
        complete AS MATERIALIZED ({self._ids("all")}),
        banned AS MATERIALIZED ({self._ids("never") if self.wanted.without else "SELECT 0 AS id WHERE false"}),
        limits AS MATERIALIZED (
          SELECT (SELECT count(*) FROM complete) >= %(few)s AS enough,
            %(share)s * (SELECT max(cover) FROM covered WHERE id NOT IN (SELECT id FROM banned)) AS least),
        pool AS MATERIALIZED (
          SELECT d.id, d.dated_on, d.year, {", ".join(f"d.{column}" for column in FACETS.values())},
            {self._failed()} AS failed, d.title_key = %(key)s AS is_title, complete.id IS NOT NULL AS has_all,
            {self._first_guess()} AS guess
          FROM covered JOIN {_DOCUMENTS} d ON d.id = covered.id CROSS JOIN q CROSS JOIN limits
          LEFT JOIN complete ON complete.id = covered.id
          WHERE (complete.id IS NOT NULL OR (NOT limits.enough AND covered.cover >= limits.least))
            AND d.id NOT IN (SELECT id FROM banned)),
        best AS MATERIALIZED ({self._best()}),
        found AS MATERIALIZED (
          SELECT pool.id, row_number() OVER (ORDER BY {self._order()}) AS place
          FROM pool LEFT JOIN best ON best.id = pool.id WHERE failed = 0
          ORDER BY {self._order()} LIMIT %(size)s OFFSET %(start)s)
        SELECT (SELECT count(*) FROM pool WHERE failed = 0),
          (SELECT jsonb_object_agg(name, counts) FROM ({self._counts()}) AS facets),
          (SELECT jsonb_agg(to_jsonb(hit) ORDER BY hit.place) FROM ({self._hits()}) AS hit),
          {self._known()}
        """

    def _ids(self, question: str) -> str:
        """The documents that match one question of `q`; all the reader may find where nothing is asked."""
        visible = f"SELECT d.id FROM {_DOCUMENTS} d, q WHERE d.audience = ANY(%(allowed)s)"
        if question == "all" and not self.wanted.groups:
            return visible if self.asks or not self.values["key"] else f"{visible} AND false"
        return f"""{visible} AND ((d.language = 'en' AND d.vector @@ q.{question}_en)
            OR (d.language = 'es' AND d.vector @@ q.{question}_es))"""

    def _postings(self) -> str:
        """(document, column of q) for each part and each set of synonyms."""
        if not self.wanted.groups:
            return f"SELECT id, ''::text AS name FROM ({self._ids('all')}) AS everything"
        return " UNION ALL ".join(
            f"SELECT id, '{name}'::text AS name FROM ({self._ids(name)}) AS of_{name}"
            for name in self._names()
        )

    def _names(self) -> list[str]:
        """The columns of q that stand for parts and for sets of synonyms: ["t0", "t1", "s0"]."""
        names = [f"t{n}" for n in range(len(self.parts))]
        return names + [f"s{n}" for n, group in enumerate(self.wanted.groups) if group.synonyms]

    def _rarity(self) -> str:
        """For each part in how many documents it stands, and its weight: the rarer, the heavier."""
        if not self.wanted.groups:
            return "SELECT 1"
        numbers = range(len(self.parts))
        counts = ", ".join(f"count(*) FILTER (WHERE name = 't{n}') AS c{n}" for n in numbers)
        weights = ", ".join(f"ln(1 + (reach - c{n} + 0.5) / (c{n} + 0.5))::real AS w{n}" for n in numbers)
        return f"""SELECT counted.*, {weights} FROM (SELECT {counts} FROM hits) AS counted,
            (SELECT count(*) AS reach FROM {_DOCUMENTS} WHERE audience = ANY(%(allowed)s)) AS visible"""

    def _covered(self) -> str:
        """How much of the text a document covers: the weights of what stands in it, added up."""
        if not self.wanted.groups:
            return "SELECT id, 0::real AS cover FROM hits"
        flags = ", ".join(f"bool_or(name = '{name}')::int::real AS {name}" for name in self._names())
        return f"""SELECT id, {self._added_up("stands", None)} AS cover
            FROM (SELECT id, {flags} FROM hits GROUP BY id) AS stands CROSS JOIN rarity"""

    def _added_up(self, row: str, half: float | None) -> str:
        """The groups' weights, times how well each stands in `row`; synonyms count four fifths of the words.

        `half` is the rank that counts half; more of a word adds less and less.
        """
        groups, number = [], 0

        def stands(name: str) -> str:
            return f"{row}.{name}" if half is None else f"{row}.{name} / ({row}.{name} + {half})"

        for index, group in enumerate(self.wanted.groups):
            numbers = range(number, number + len(group.parts))
            number += len(group.parts)
            own = " + ".join(f"rarity.w{n} * {stands(f't{n}')}" for n in numbers)
            if group.synonyms:
                weight = " + ".join(f"rarity.w{n}" for n in numbers)
                own = f"greatest({own}, 0.8 * ({weight}) * {stands(f's{index}')})"
            groups.append(f"({own})")
        return " + ".join(groups)

    def _first_guess(self) -> str:
        if not self._is_ranked:
            return "0"
        rank = f"ts_rank(%(weights)s::real[], d.vector, {self._in_language('any')})"
        return f"covered.cover * (0.3 + {rank} / ({rank} + 0.25))"

    def _best(self) -> str:
        """The likeliest documents with their score."""
        if not self._is_ranked:
            return "SELECT 0 AS id, 0 AS score WHERE false"
        columns = []
        for name in self._names():
            asked = self._in_language(name)
            # Of alternatives `ts_rank` counts every word, also half a phrase: first ask whether one is there.
            columns.append(
                f"CASE WHEN d.vector @@ ({asked}) THEN ts_rank(%(weights)s::real[], d.vector, {asked}) "
                f"ELSE 0 END AS {name}"
            )
        columns.append(f"ts_rank_cd(%(weights)s::real[], d.vector, {self._in_language('all')}) AS nearness")
        near = "CASE WHEN m.has_all THEN 1.2 + 0.4 * m.nearness / (m.nearness + 0.3) ELSE 1 END"
        return f"""SELECT m.id, ({self._added_up("m", 0.25)}) * ({near}) AS score FROM (
            SELECT likely.id, likely.has_all, {", ".join(columns)} FROM (
              SELECT id, has_all FROM pool WHERE failed = 0
              ORDER BY is_title DESC NULLS LAST, guess DESC, id LIMIT {RERANK_LIMIT}) AS likely
            JOIN {_DOCUMENTS} d ON d.id = likely.id CROSS JOIN q) AS m CROSS JOIN rarity"""

    @property
    def _is_ranked(self) -> bool:
        return bool(self.parts) and self.query.sort != "newest"

    def _order(self) -> str:
        newest = "dated_on DESC NULLS LAST, year DESC NULLS LAST, pool.id"
        if not self._is_ranked:
            return newest
        return f"is_title DESC NULLS LAST, score DESC NULLS LAST, guess DESC, {newest}"

    def _questions(self) -> str:
        """Columns of tsquery in both languages: all and any of the groups, and each part and set of synonyms."""
        columns = []
        for language in _LANGUAGES:
            groups, number = [], 0
            for index, group in enumerate(self.wanted.groups):
                own = []
                for part in group.parts:
                    own.append(asked := self._ask(part, language))
                    columns.append(f"{asked} AS t{number}_{language}")
                    number += 1
                same = [self._ask(parser.Term(term, is_phrase=True), language) for term in group.synonyms]
                if same:
                    columns.append(f"({' || '.join(same)}) AS s{index}_{language}")
                groups.append("(" + " || ".join([f"({' && '.join(own)})", *same]) + ")")
            never = " || ".join(self._ask(part, language) for part in self.wanted.without)
            nothing = "''::tsquery"
            loose = [
                "(" + " || ".join(
                    [self._ask(p, language) for p in group.parts]
                    + [self._ask(parser.Term(term, is_phrase=True), language) for term in group.synonyms]
                ) + ")"
                for group in self.wanted.groups
            ]  # fmt: skip
            columns.append(f"({' && '.join(groups) or nothing}) AS all_{language}")
            columns.append(f"({' || '.join(loose) or nothing}) AS any_{language}")
            columns.append(f"({never or nothing}) AS never_{language}")
        return ", ".join(columns) or "1"

    def _ask(self, part: parser.Term, language: str) -> str:
        function = "phraseto_tsquery" if part.is_phrase else "plainto_tsquery"
        return f"{function}('{_LANGUAGES[language]}'::regconfig, {self._value(part.text)})"

    @staticmethod
    def _in_language(name: str) -> str:
        return f"CASE d.language WHEN 'es' THEN q.{name}_es ELSE q.{name}_en END"

    def _failed(self) -> str:
        """A number whose bits say which questions' choices the document does not fit."""
        bits = []
        for index, (name, column) in enumerate(FACETS.items()):
            if chosen := list(self.query.filters.get(name, ())):
                fits = f"d.{column} && " if name in LIST_FACETS else f"d.{column} = ANY"
                chosen_values = f"{self._value(chosen)}::varchar[]"
                fits += chosen_values if name in LIST_FACETS else f"({chosen_values})"
                bits.append(f"(CASE WHEN {fits} THEN 0 ELSE {1 << index} END)")
        return " + ".join(bits) or "0"

    def _counts(self) -> str:
        """Each question's values with their counts under the other questions' choices."""
        parts = []
        for index, (name, column) in enumerate(FACETS.items()):
            source = f"pool CROSS JOIN LATERAL unnest({column}) AS value" if name in LIST_FACETS else "pool"
            value = "value" if name in LIST_FACETS else column
            parts.append(
                f"SELECT '{name}' AS name, jsonb_object_agg(value, number) AS counts FROM ("
                f"SELECT {value} AS value, count(*) FILTER (WHERE failed IN (0, {1 << index})) AS number "
                f"FROM {source} WHERE {value} <> '' GROUP BY 1) AS c{index}"
            )
        return " UNION ALL ".join(parts)

    def _hits(self) -> str:
        columns = [*FACETS.values(), "uuid", "key", "audience", "host", "path", "origin", "year", "data"]
        if self.parts:
            config = f"(CASE d.language WHEN 'es' THEN '{SPANISH}' ELSE '{ENGLISH}' END)::regconfig"
            marked = [
                f"ts_headline({config}, {text}, {self._in_language('any')}, %(marks)s || '{options}') AS {name}"
                for name, text, options in [
                    ("title", "d.title", ", HighlightAll=true"),
                    ("summary", "left(d.summary, 2000)", ", HighlightAll=true"),
                    ("excerpt", "left(d.body, 30000)", ", MaxFragments=1, MinWords=12, MaxWords=28"),
                ]
            ]
        else:
            marked = ["d.title", "left(d.summary, 2000) AS summary", "'' AS excerpt"]
        columns = [f"d.{column}" for column in dict.fromkeys(columns)] + marked
        return f"""SELECT found.place, {", ".join(columns)}
          FROM found JOIN {_DOCUMENTS} d ON d.id = found.id CROSS JOIN q"""

    def _known(self) -> str:
        """For each part: does it stand anywhere? null for words too common to be looked for."""
        if not self.parts:
            return "NULL"
        cases = [
            f"(SELECT CASE WHEN numnode(t{n}_en) = 0 OR numnode(t{n}_es) = 0 THEN NULL ELSE c{n} > 0 END "
            "FROM q CROSS JOIN rarity)"
            for n in range(len(self.parts))
        ]
        return f"ARRAY[{', '.join(cases)}]::boolean[]"


def _build_hit(row: dict[str, Any]) -> Hit:
    return results.build_hit(row, title=row["title"], summary=row["summary"], excerpt=row["excerpt"])
