"""Corrects words that occur nowhere, to words of documents that the reader may find; the same for every backend."""

from __future__ import annotations

import re

from django.db import connection, transaction
from rapidfuzz.distance import OSA

from search.models import Document, VocabularyTerm, audiences_visible_to
from search.text import MIN_WORD_LENGTH, fold

LONG_WORD_LENGTH = 8  # letters
MAX_DISTANCE, MAX_DISTANCE_OF_LONG_WORDS = 1, 2  # letters that a correction may differ in

_ONE_WORD = re.compile(r"[^\W\d_]+")


def correct(text: str, unknown_words: list[str], *, audience: str) -> str:
    """The text with each unknown word replaced by the likeliest word of the documents `audience` may find."""
    words = {
        word.lower() for word in unknown_words if _ONE_WORD.fullmatch(word) and len(word) >= MIN_WORD_LENGTH
    }
    if not words:
        return text
    best: dict[str, tuple[int, int, str]] = {}  # word -> distance, minus the number of documents, candidate
    for word, candidate, count in _similar_words(words, audience=audience):
        distance = OSA.distance(fold(word), fold(candidate))  # a swap of neighbors counts once
        is_long = len(word) >= LONG_WORD_LENGTH
        if count and distance <= (MAX_DISTANCE_OF_LONG_WORDS if is_long else MAX_DISTANCE):
            best[word] = min(best.get(word, (3, 0, "")), (distance, -count, candidate))
    return _ONE_WORD.sub(lambda m: best[m[0].lower()][2] if m[0].lower() in best else m[0], text)


def _similar_words(words: set[str], *, audience: str) -> list[tuple[str, str, int]]:
    """Triples of a word, a similar one, and the number of documents with that one that `audience` may find.

    Documents are counted up to 100.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', '0.2', true)")
        cursor.execute(
            f"""
            SELECT typed.word, similar_word.word,
              (SELECT count(*) FROM (SELECT 1 FROM {Document._meta.db_table} d
               WHERE d.audience = ANY(%(audiences)s) AND d.words @> ARRAY[similar_word.word] LIMIT 100) AS counted)
            FROM unnest(%(words)s::text[]) AS typed(word) CROSS JOIN LATERAL (
              SELECT DISTINCT v.word, similarity(v.word, typed.word) AS similarity
              FROM {VocabularyTerm._meta.db_table} v
              WHERE v.word %% typed.word
                AND length(v.word) BETWEEN length(typed.word) - 3 AND length(typed.word) + 3
              ORDER BY similarity DESC, v.word LIMIT 40) AS similar_word
            """,
            {"words": sorted(words), "audiences": list(audiences_visible_to(audience))},
        )
        return list(cursor.fetchall())
