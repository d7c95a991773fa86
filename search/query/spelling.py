"""Corrects words that stand nowhere, to words that the reader may find; the same for every engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from django.db import connection, transaction

from resources.models import SynonymGroup
from search.models import Document, VocabularyTerm, audiences_visible_to
from search.query import parser
from search.text import MIN_WORD_LENGTH, fold
from search.types import Query, SearchResults

LONG_WORD_LENGTH = 8  # letters; from then on a correction may differ in two of them

_ONE_WORD = re.compile(r"[^\W\d_]+")

# Answers a query; also says which of its words stand nowhere.
ExecuteQuery = Callable[[Query, parser.ParsedQuery], tuple[SearchResults, list[str]]]


def search_with_corrections(query: Query, find: ExecuteQuery) -> SearchResults:
    """What `find` finds: with the curators' synonyms, and with words corrected if that finds more than nothing."""
    groups = [] if query.exact else list(SynonymGroup.objects.values_list("terms", flat=True))
    text = parser.truncate(query.text)
    query = replace(query, text=text)
    first, unknown = find(query, parser.parse(text, synonyms=groups))
    if not unknown or query.exact:
        return first
    better = correct(text, unknown, audience=query.audience)
    if better == text:
        return first
    second, _unknown = find(replace(query, text=better), parser.parse(better, synonyms=groups))
    return replace(second, corrected=better) if second.total else first


def correct(text: str, unknown: list[str], *, audience: str) -> str:
    """The text with each unknown word replaced by the likeliest one that stands in what `audience` may find."""
    words = {word.lower() for word in unknown if _ONE_WORD.fullmatch(word) and len(word) >= MIN_WORD_LENGTH}
    if not words:
        return text
    best: dict[str, tuple[int, int, str]] = {}
    for word, near, seen in _similar_words(words, audience=audience):
        apart = edit_distance(fold(word), fold(near))
        if seen and apart <= (2 if len(word) >= LONG_WORD_LENGTH else 1):
            best[word] = min(best.get(word, (3, 0, "")), (apart, -seen, near))
    return _ONE_WORD.sub(lambda m: best[m[0].lower()][2] if m[0].lower() in best else m[0], text)


def _similar_words(words: set[str], *, audience: str) -> list[tuple[str, str, int]]:
    """(word, one like it, in how many documents that `audience` may find; 100 is as far as we count)."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', '0.2', true)")
        cursor.execute(
            f"""
            SELECT meant.w, near.word,
              (SELECT count(*) FROM (SELECT 1 FROM {Document._meta.db_table} d
               WHERE d.audience = ANY(%(allowed)s) AND d.words @> ARRAY[near.word] LIMIT 100) seen) AS seen
            FROM unnest(%(words)s::text[]) AS meant(w) CROSS JOIN LATERAL (
              SELECT DISTINCT v.word, similarity(v.word, meant.w) AS likeness FROM {VocabularyTerm._meta.db_table} v
              WHERE v.word %% meant.w AND length(v.word) BETWEEN length(meant.w) - 3 AND length(meant.w) + 3
              ORDER BY likeness DESC, v.word LIMIT 40) near
            """,
            {"words": sorted(words), "allowed": list(audiences_visible_to(audience))},
        )
        return list(cursor.fetchall())


def edit_distance(one: str, other: str) -> int:
    """How many letters to add, drop, change or swap with their neighbor until the words are the same."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        above, before, row = before, row, [i]
        for j, b in enumerate(other, start=1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[j] = min(row[j], above[j - 2] + 1)
    return row[-1]
