"""Search by PostgreSQL: weighted full text search that ranks rare terms higher.

One statement finds, ranks, counts and highlights. A term's weight is its rarity among the documents the reader may find,
so neither the order nor a count depends on documents that the reader may not find.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django.db import connection

from search.backends import results
from search.backends.results import HIGHLIGHT_END, HIGHLIGHT_START
from search.models import ENGLISH, SPANISH, Document, audiences_visible_to
from search.query.parser import MAX_TERMS
from search.text import fold, title_key
from search.types import (
    FACETS,
    LIST_FACETS,
    Hit,
    ParsedQuery,
    Query,
    QueryExecutor,
    SearchResults,
    Suggestion,
    Term,
    TermGroup,
)
from tenants.plans.standing import OVERDUE

MIN_FULL_MATCHES = 5  # with fewer results that have all terms, those with any of them are results too
MIN_COVERAGE = 0.35  # of the highest coverage; a document that covers less of the terms' weight is no result
MAX_GROUPS = 32  # of terms; each one makes the statement slower
RERANK_LIMIT = 200  # documents with the highest first scores, which are ranked closely
RANK_WEIGHTS = "{0.3, 0.25, 0.6, 1.0}"  # of hidden text, body, summary and origin, title

_DOCUMENTS = Document._meta.db_table
_LANGUAGES = {"en": ENGLISH, "es": SPANISH}


class PostgresBackend:
    """Always available: its index is the table of documents."""

    def run(self, search: Callable[[QueryExecutor], SearchResults]) -> SearchResults:
        return search(self)

    def execute(self, query: Query, parsed: ParsedQuery) -> tuple[SearchResults, list[str]]:
        """The results, and the words that occur nowhere."""
        parsed = parsed.keep_rarest(MAX_GROUPS)
        statement = _SearchStatement(query, parsed)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.values)
            total, facets, hits, occurrences = cursor.fetchone()
        unknown_words = [
            term.text
            for term, occurs in zip(statement.terms, occurrences or [], strict=True)
            if occurs is False and not term.is_phrase
        ]
        search_results = SearchResults(
            hits=[_build_hit(row, query) for row in json.loads(hits or "[]")],
            total=total,
            facets=results.with_selected_values(json.loads(facets or "{}"), query),
            synonyms=parsed.synonyms,
        )
        return search_results, unknown_words

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]:
        """Titles with words that begin like those of `prefix`; titles that begin with all of it come first."""
        words = re.findall(r"\w+", fold(prefix))[:MAX_TERMS]
        if not words or len("".join(words)) < 2:
            return []
        # The full text index has stems: "endi" is no beginning of the stem of "ending".
        has_words = " AND ".join(f"title_key ~ %(w{n})s" for n in range(len(words)))
        values: dict[str, Any] = {
            "audiences": list(audiences_visible_to(audience)),
            "key": fold(prefix),
            "size": size,
        }
        values |= {f"w{n}": rf"\m{word}" for n, word in enumerate(words)}
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                SELECT title, kind, host, path FROM (
                  SELECT DISTINCT ON (title_key) title, title_key, kind, host, path FROM {_DOCUMENTS}
                  WHERE audience = ANY(%(audiences)s) AND {has_words}
                  ORDER BY title_key, kind, id) AS titles
                ORDER BY starts_with(title_key, %(key)s) DESC, length(title), title LIMIT %(size)s
                """,
                values,
            )
            return [Suggestion(*row) for row in cursor.fetchall()]


class _SearchStatement:
    """The SQL of one search: `sql` and its `values`. It tells for each of `terms` whether it occurs anywhere."""

    def __init__(self, query: Query, parsed: ParsedQuery) -> None:
        self.query, self.parsed = query, parsed
        self.terms = parsed.terms
        self.values: dict[str, Any] = {
            "audiences": list(audiences_visible_to(query.audience)),
            "key": title_key(query.text) or None,
            "at": query.at,
            "size": query.size,
            "start": (query.page - 1) * query.size,
            "rank_weights": RANK_WEIGHTS,
            "min_full_matches": MIN_FULL_MATCHES,
            "min_coverage": MIN_COVERAGE,
            "highlight": f"StartSel={HIGHLIGHT_START}, StopSel={HIGHLIGHT_END}",
        }
        self.sql = self._build()

    def _add_value(self, value: Any) -> str:
        """The placeholder of a new value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    def _build(self) -> str:
        """The whole statement.

        Only index entries are read to find the terms of each document (`postings`), the terms' rarity, and how much
        of the terms' weight each document has (`coverage`). Only the RERANK_LIMIT best documents are read to be
        ranked by where and how near to each other the terms are.
        """
        return f"""
        WITH q AS MATERIALIZED (SELECT {self._tsqueries()}),
        postings AS MATERIALIZED ({self._postings()}),
        rarity AS MATERIALIZED ({self._rarity()}),
        coverage AS MATERIALIZED ({self._coverage()}),
        full_matches AS MATERIALIZED ({self._ids("all")}),
        excluded AS MATERIALIZED ({self._ids("excluded") if self.parsed.excluded else "SELECT 0 AS id WHERE false"}),
        limits AS MATERIALIZED (
          SELECT (SELECT count(*) FROM full_matches) >= %(min_full_matches)s AS has_enough,
            %(min_coverage)s * (
              SELECT max(weight) FROM coverage WHERE id NOT IN (SELECT id FROM excluded)) AS min_weight),
        pool AS MATERIALIZED (
          SELECT d.id, d.dated_on, d.year, {", ".join(f"{_facet_value(column)} AS {column}" for column in FACETS.values())},
            {self._failed_facets()} AS failed_facets, d.title_key = %(key)s AS is_exact_title,
            full_matches.id IS NOT NULL AS has_all, {self._first_score()} AS first_score
          FROM coverage JOIN {_DOCUMENTS} d ON d.id = coverage.id CROSS JOIN q CROSS JOIN limits
          LEFT JOIN full_matches ON full_matches.id = coverage.id
          WHERE (full_matches.id IS NOT NULL
              OR (NOT limits.has_enough AND coverage.weight >= limits.min_weight))
            AND d.id NOT IN (SELECT id FROM excluded)),
        reranked AS MATERIALIZED ({self._reranked()}),
        page AS MATERIALIZED (
          SELECT pool.id, row_number() OVER (ORDER BY {self._order()}) AS position
          FROM pool LEFT JOIN reranked ON reranked.id = pool.id WHERE failed_facets = 0
          ORDER BY {self._order()} LIMIT %(size)s OFFSET %(start)s)
        SELECT (SELECT count(*) FROM pool WHERE failed_facets = 0),
          (SELECT jsonb_object_agg(name, counts) FROM ({self._facet_counts()}) AS facets),
          (SELECT jsonb_agg(to_jsonb(hit) ORDER BY hit.position) FROM ({self._hits()}) AS hit),
          {self._occurrences()}
        """

    def _ids(self, tsquery: str) -> str:
        """The documents that match one tsquery of `q`; without any term all that the reader may find."""
        visible = f"SELECT d.id FROM {_DOCUMENTS} d, q WHERE d.audience = ANY(%(audiences)s)"
        if tsquery == "all" and not self.parsed.groups:
            finds_all = self.parsed.excluded or not self.values["key"]
            return visible if finds_all else f"{visible} AND false"
        return f"""{visible} AND ((d.language = 'en' AND d.vector @@ q.{tsquery}_en)
            OR (d.language = 'es' AND d.vector @@ q.{tsquery}_es))"""

    def _postings(self) -> str:
        """Rows of a document and a column of `q`, for each term and each set of synonyms."""
        if not self.parsed.groups:
            return f"SELECT id, ''::text AS name FROM ({self._ids('all')}) AS everything"
        return " UNION ALL ".join(
            f"SELECT id, '{name}'::text AS name FROM ({self._ids(name)}) AS of_{name}"
            for name in self._names()
        )

    def _names(self) -> list[str]:
        """The columns of `q` for terms and for sets of synonyms: ["t0", "t1", "s0"]."""
        names = [f"t{n}" for n in range(len(self.terms))]
        return names + [f"s{n}" for n, group in enumerate(self.parsed.groups) if group.synonyms]

    def _rarity(self) -> str:
        """For each term the number of documents with it (c0, c1, …), and its weight, higher for rarer terms (w0, …)."""
        if not self.parsed.groups:
            return "SELECT 1"
        numbers = range(len(self.terms))
        counts = ", ".join(f"count(*) FILTER (WHERE name = 't{n}') AS c{n}" for n in numbers)
        weights = ", ".join(f"ln(1 + (total - c{n} + 0.5) / (c{n} + 0.5))::real AS w{n}" for n in numbers)
        return f"""SELECT counted.*, {weights} FROM (SELECT {counts} FROM postings) AS counted,
            (SELECT count(*) AS total FROM {_DOCUMENTS} WHERE audience = ANY(%(audiences)s)) AS visible"""

    def _coverage(self) -> str:
        """For each document the sum of the weights of the terms that it has."""
        if not self.parsed.groups:
            return "SELECT id, 0::real AS weight FROM postings"
        flags = ", ".join(f"bool_or(name = '{name}')::int::real AS {name}" for name in self._names())
        return f"""SELECT id, {self._weighted_sum("present", None)} AS weight
            FROM (SELECT id, {flags} FROM postings GROUP BY id) AS present CROSS JOIN rarity"""

    def _weighted_sum(self, row: str, half_rank: float | None) -> str:
        """The sum over the groups of weight times rank in `row`; synonyms count four fifths of the terms.

        A rank of `half_rank` counts half: the more often a term occurs, the less each occurrence adds.
        """
        summands, number = [], 0

        def rank(name: str) -> str:
            return f"{row}.{name}" if half_rank is None else f"{row}.{name} / ({row}.{name} + {half_rank})"

        for index, group in enumerate(self.parsed.groups):
            numbers = range(number, number + len(group.terms))
            number += len(group.terms)
            summand = " + ".join(f"rarity.w{n} * {rank(f't{n}')}" for n in numbers)
            if group.synonyms:
                weight = " + ".join(f"rarity.w{n}" for n in numbers)
                summand = f"greatest({summand}, 0.8 * ({weight}) * {rank(f's{index}')})"
            summands.append(f"({summand})")
        return " + ".join(summands)

    def _first_score(self) -> str:
        if not self._is_ranked:
            return "0"
        rank = f"ts_rank(%(rank_weights)s::real[], d.vector, {self._in_language('any')})"
        return f"coverage.weight * (0.3 + {rank} / ({rank} + 0.25))"

    def _reranked(self) -> str:
        """The documents with the highest first scores, with their final score."""
        if not self._is_ranked:
            return "SELECT 0 AS id, 0 AS score WHERE false"
        columns = []
        for name in self._names():
            tsquery = self._in_language(name)
            # Of alternatives `ts_rank` counts every word, even half a phrase; so check first that one matches.
            columns.append(
                f"CASE WHEN d.vector @@ ({tsquery}) THEN ts_rank(%(rank_weights)s::real[], d.vector, {tsquery}) "
                f"ELSE 0 END AS {name}"
            )
        columns.append(
            f"ts_rank_cd(%(rank_weights)s::real[], d.vector, {self._in_language('all')}) AS proximity"
        )
        proximity_factor = (
            "CASE WHEN ranks.has_all THEN 1.2 + 0.4 * ranks.proximity / (ranks.proximity + 0.3) ELSE 1 END"
        )
        return f"""SELECT ranks.id, ({self._weighted_sum("ranks", 0.25)}) * ({proximity_factor}) AS score FROM (
            SELECT best.id, best.has_all, {", ".join(columns)} FROM (
              SELECT id, has_all FROM pool WHERE failed_facets = 0
              ORDER BY is_exact_title DESC NULLS LAST, first_score DESC, id LIMIT {RERANK_LIMIT}) AS best
            JOIN {_DOCUMENTS} d ON d.id = best.id CROSS JOIN q) AS ranks CROSS JOIN rarity"""

    @property
    def _is_ranked(self) -> bool:
        return bool(self.terms) and self.query.sort != "newest"

    def _order(self) -> str:
        newest_first = "dated_on DESC NULLS LAST, year DESC NULLS LAST, pool.id"
        if not self._is_ranked:
            return newest_first
        return f"is_exact_title DESC NULLS LAST, score DESC NULLS LAST, first_score DESC, {newest_first}"

    def _tsqueries(self) -> str:
        """Columns of `q` for both languages: each term, each set of synonyms, all groups, any group, excluded terms."""
        columns = []
        empty = "''::tsquery"
        for language in _LANGUAGES:
            all_groups, number = [], 0
            for index, group in enumerate(self.parsed.groups):
                terms = []
                for term in group.terms:
                    terms.append(tsquery := self._tsquery(term, language))
                    columns.append(f"{tsquery} AS t{number}_{language}")
                    number += 1
                synonyms = self._synonym_tsqueries(group, language)
                if synonyms:
                    columns.append(f"({' || '.join(synonyms)}) AS s{index}_{language}")
                all_groups.append("(" + " || ".join([f"({' && '.join(terms)})", *synonyms]) + ")")
            any_group = [
                "("
                + " || ".join(
                    [self._tsquery(term, language) for term in group.terms]
                    + self._synonym_tsqueries(group, language)
                )
                + ")"
                for group in self.parsed.groups
            ]
            excluded = [self._tsquery(term, language) for term in self.parsed.excluded]
            columns.append(f"({' && '.join(all_groups) or empty}) AS all_{language}")
            columns.append(f"({' || '.join(any_group) or empty}) AS any_{language}")
            columns.append(f"({' || '.join(excluded) or empty}) AS excluded_{language}")
        return ", ".join(columns) or "1"

    def _synonym_tsqueries(self, group: TermGroup, language: str) -> list[str]:
        return [self._tsquery(Term(synonym, is_phrase=True), language) for synonym in group.synonyms]

    def _tsquery(self, term: Term, language: str) -> str:
        function = "phraseto_tsquery" if term.is_phrase else "plainto_tsquery"
        return f"{function}('{_LANGUAGES[language]}'::regconfig, {self._add_value(term.text)})"

    @staticmethod
    def _in_language(name: str) -> str:
        return f"CASE d.language WHEN 'es' THEN q.{name}_es ELSE q.{name}_en END"

    def _failed_facets(self) -> str:
        """A number with a bit set for each facet whose selected values the document does not have."""
        bits = []
        for index, (name, column) in enumerate(FACETS.items()):
            if selected := list(self.query.filters.get(name, ())):
                values = f"{self._add_value(selected)}::varchar[]"
                value = _facet_value(column)
                fits = f"{value} && {values}" if name in LIST_FACETS else f"{value} = ANY({values})"
                bits.append(f"(CASE WHEN {fits} THEN 0 ELSE {1 << index} END)")
        return " + ".join(bits) or "0"

    def _facet_counts(self) -> str:
        """Each facet's values with their counts under the selected values of the other facets."""
        selects = []
        for index, (name, column) in enumerate(FACETS.items()):
            source = f"pool CROSS JOIN LATERAL unnest({column}) AS value" if name in LIST_FACETS else "pool"
            value = "value" if name in LIST_FACETS else column
            selects.append(
                f"SELECT '{name}' AS name, jsonb_object_agg(value, number) AS counts FROM ("
                f"SELECT {value} AS value, count(*) FILTER (WHERE failed_facets IN (0, {1 << index})) AS number "
                f"FROM {source} WHERE {value} <> '' GROUP BY 1) AS c{index}"
            )
        return " UNION ALL ".join(selects)

    def _hits(self) -> str:
        columns = [*FACETS.values(), "uuid", "key", "audience", "host", "path", "origin", "year", "data"]
        if self.terms:
            config = f"(CASE d.language WHEN 'es' THEN '{SPANISH}' ELSE '{ENGLISH}' END)::regconfig"
            texts = [
                f"ts_headline({config}, {text}, {self._in_language('any')}, %(highlight)s || '{options}') AS {name}"
                for name, text, options in [
                    ("title", "d.title", ", HighlightAll=true"),
                    ("summary", "left(d.summary, 2000)", ", HighlightAll=true"),
                    ("excerpt", "left(d.body, 30000)", ", MaxFragments=1, MinWords=12, MaxWords=28"),
                ]
            ]
        else:
            texts = ["d.title", "left(d.summary, 2000) AS summary", "'' AS excerpt"]
        columns = [f"d.{column}" for column in dict.fromkeys(columns)] + texts
        columns.append("extract(epoch FROM d.overdue_at)::bigint AS overdue_at")
        return f"""SELECT page.position, {", ".join(columns)}
          FROM page JOIN {_DOCUMENTS} d ON d.id = page.id CROSS JOIN q"""

    def _occurrences(self) -> str:
        """For each term: does it occur in any document? Null for stop words."""
        if not self.terms:
            return "NULL"
        cases = [
            f"(SELECT CASE WHEN numnode(t{n}_en) = 0 OR numnode(t{n}_es) = 0 THEN NULL ELSE c{n} > 0 END "
            "FROM q CROSS JOIN rarity)"
            for n in range(len(self.terms))
        ]
        return f"ARRAY[{', '.join(cases)}]::boolean[]"


def _facet_value(column: str) -> str:
    """SQL of the value that a facet counts: the column, but the standing instead of the reported status."""
    if column == "status":
        return f"(CASE WHEN d.overdue_at <= %(at)s THEN '{OVERDUE}' ELSE d.status END)"
    return f"d.{column}"


def _build_hit(row: dict[str, Any], query: Query) -> Hit:
    return results.build_hit(
        row, at=query.at, title=row["title"], summary=row["summary"], excerpt=row["excerpt"]
    )
