"""Settings, analyzers and fields of an index.

Results are ranked by the fields `words.AUDIENCE.LANGUAGE`: all texts of a document, filled for each audience that may
find it, analyzed in its own language. A word's rarity is computed within one field, so the ranking for the public
depends on public documents alone and reveals nothing about the others. Synonyms are not in the index: they are added to
the query (`search.query.parser`), for every backend, so that a curator's edit takes effect at once.
"""

from __future__ import annotations

from typing import Any

from elasticsearch_dsl import (
    Date,
    Index,
    Integer,
    Keyword,
    Long,
    Mapping,
    Object,
    Text,
    analyzer,
    token_filter,
)

from search.models import AUDIENCES
from search.query.stopwords import STOP_WORDS
from search.types import FACETS, MAX_PAGE, MAX_PER_PAGE

LANGUAGES = tuple(STOP_WORDS)
MAX_PREFIX_LENGTH = 20  # letters of a word that suggestions compare
STEMMERS = {"en": "porter2", "es": "light_spanish"}  # the Spanish one needs no accents


def _analyzer(language: str) -> Any:
    """Accents are removed before words are stemmed, as in PostgreSQL: readers leave them out."""
    filters = [
        "lowercase",
        "asciifolding",
        token_filter(f"common_{language}", type="stop", stopwords=STOP_WORDS[language]),
        token_filter(f"stem_{language}", type="stemmer", language=STEMMERS[language]),
    ]
    if language == "en":
        filters.insert(1, token_filter("possessive", type="stemmer", language="possessive_english"))
    return analyzer(f"portal_{language}", tokenizer="standard", filter=filters)


ANALYZERS = {language: _analyzer(language) for language in LANGUAGES}
PREFIX_ANALYZER = analyzer(
    "beginnings",
    tokenizer="standard",
    filter=[
        "lowercase",
        "asciifolding",
        token_filter("starts", type="edge_ngram", min_gram=1, max_gram=MAX_PREFIX_LENGTH),
    ],
)
PREFIX_SEARCH_ANALYZER = analyzer(
    "begun",
    tokenizer="standard",
    filter=["lowercase", "asciifolding", token_filter("cut", type="truncate", length=MAX_PREFIX_LENGTH)],
)


def base_definition() -> dict[str, Any]:
    """Settings, analysis and mappings of an index."""
    index = Index("documents")
    index.settings(number_of_shards=1, max_result_window=MAX_PAGE * MAX_PER_PAGE)
    index.mapping(_mapping())
    definition: dict[str, Any] = index.to_dict()
    definition["mappings"]["dynamic"] = "strict"
    # Searched, never shown; other fields hold the same texts.
    definition["mappings"]["_source"] = {"excludes": ["words", "title_start"]}
    return definition


def _mapping() -> Mapping:
    fields: dict[str, Any] = {
        # Shown in a result.
        "kind": Keyword(),
        "uuid": Keyword(),
        "key": Keyword(),
        "audience": Keyword(),
        "language": Keyword(),
        "origin": Keyword(index=False, doc_values=False),
        "host": Keyword(index=False, doc_values=False),
        "path": Keyword(index=False, doc_values=False),
        "data": Object(enabled=False),
        # Searched.
        "words": Object(properties={audience: _by_language() for audience in AUDIENCES}),
        "title_key": Keyword(),
        "title_start": Text(
            analyzer=PREFIX_ANALYZER,
            search_analyzer=PREFIX_SEARCH_ANALYZER,
            norms=False,
            index_options="docs",
        ),
        "title_length": Integer(),
        # Highlighted, not searched.
        "title": _by_language(index=False),
        "summary": _by_language(index=False),
        "body": _by_language(index=False),
        # Filtered and sorted by.
        **{column: Keyword() for column in FACETS.values()},
        "year": Integer(),
        "overdue_at": Long(),  # seconds since 1970
        "dated_on": Date(format="strict_date"),
        # Compared with the table.
        "version": Long(),
        "content_hash": Keyword(),
    }
    mapping = Mapping()
    for name, field in fields.items():
        mapping.field(name, field)
    return mapping


def _by_language(**options: Any) -> Object:
    return Object(
        properties={language: Text(analyzer=ANALYZERS[language], **options) for language in LANGUAGES}
    )
