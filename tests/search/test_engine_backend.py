"""The backend of a search engine. Tests of all backends are in test_search and test_leaks."""

from __future__ import annotations

import itertools
import json
import random
import uuid

import pytest
from django.db import connection

from resources.models import SynonymGroup
from search.backends.engine import mapping, query_builder
from search.backends.postgres import PostgresBackend
from search.indexing.serializer import serialize
from search.models import Document, audiences_visible_to
from search.query import parser
from search.service import run_query
from search.types import FACETS, LIST_FACETS, Query
from tests.engines import VERSIONS
from tests.search.factories import DocumentFactory
from tests.search.indexed_backend import indexed_backend
from tests.search.test_relevance import QUERIES

pytestmark = pytest.mark.django_db


@pytest.fixture
def backend(db, one_search_server, search_prefix):
    with indexed_backend(one_search_server, f"{search_prefix}-{uuid.uuid4().hex[:8]}") as backend:
        yield backend


def ids(results):
    return [hit.id for hit in results.hits]


@pytest.mark.parametrize("search_server", VERSIONS[1:] or VERSIONS, indirect=True)
def test_every_version_returns_the_same_results_in_the_same_order(
    library, one_search_server, search_server, search_prefix
):
    """Scores differ by more than a factor of two between versions of OpenSearch; the order may not."""
    name = f"{search_prefix}-{uuid.uuid4().hex[:8]}"
    queries = [Query(text, audience="public", size=20) for text, _judgments in QUERIES]
    queries += [Query(query.text, audience="members", sort="newest") for query in queries[:5]]

    def search_all(url):
        with indexed_backend(url, name) as backend:
            return [
                (query.text, results.total, ids(results), results.facets, results.corrected)
                for query in queries
                for results in [run_query(query, backend)]
            ]

    assert search_all(search_server) == search_all(one_search_server)


def test_counts_equal_those_of_the_table(library, backend):
    """For every value of a facet, and for pairs of values of two facets: the total, and the counts of all facets."""
    everything = run_query(Query("", audience="public"), backend)
    singles = [(name, value) for name in FACETS for value in everything.facets[name]]
    assert len(singles) > 80
    pairs = [pair for pair in itertools.combinations(singles, 2) if pair[0][0] != pair[1][0]]
    rng = random.Random(4)
    selections = [{name: [value]} for name, value in singles]
    selections += [
        {first_name: [first], second_name: [second]}
        for (first_name, first), (second_name, second) in rng.sample(pairs, 30)
    ]
    selections += [
        {name: rng.sample(sorted(everything.facets[name]), 2), "language": ["en"]}
        for name in ("topic", "size")
    ]

    for filters in selections:
        results = run_query(Query("", audience="public", filters=filters), backend)
        assert results.total == count_in_table(filters), filters
        expected = facet_counts_in_table(filters)
        for name in FACETS:
            counts = {value: n for value, n in results.facets[name].items() if n}
            assert counts == expected[name], (filters, name)


def where(filters):
    conditions, values = ["audience = 'public'"], []
    for name, selected in filters.items():
        column = FACETS[name]
        conditions.append(f"{column} && %s::varchar[]" if name in LIST_FACETS else f"{column} = ANY(%s)")
        values.append(selected)
    return " AND ".join(conditions), values


def count_in_table(filters):
    conditions, values = where(filters)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM search_document WHERE {conditions}", values)
        return cursor.fetchone()[0]


def facet_counts_in_table(filters):
    """{name: {value: number of documents}} for each facet, under the selected values of the others."""
    selects, values = [], []
    for name, column in FACETS.items():
        conditions, selected = where({key: value for key, value in filters.items() if key != name})
        value = f"unnest({column})" if name in LIST_FACETS else column
        selects.append(f"SELECT '{name}' AS name, {value} AS value FROM search_document WHERE {conditions}")
        values += selected
    counts = {name: {} for name in FACETS}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT name, value, count(*) FROM ({' UNION ALL '.join(selects)}) AS v WHERE value <> '' GROUP BY 1, 2",
            values,
        )
        for name, value, number in cursor.fetchall():
            counts[name][value] = number
    return counts


def test_many_values_of_a_facet_are_all_counted(backend):
    for document in range(3):
        DocumentFactory(topics=[f"topic-{document}-{number}" for number in range(700)])

    assert len(run_query(Query("", audience="public"), backend).facets["topic"]) == 2_100


def test_both_backends_return_equal_hits(library, backend):
    """The few results for rare words, in any order: the same texts, highlights, facets and data."""
    for text in ("apprenticeships", "bibliotecas", "Philadelphia", "microgrants", "ban the box"):
        query = Query(text, audience="public", size=50)
        ours, theirs = run_query(query, backend), run_query(query, PostgresBackend())
        assert ours.total == theirs.total > 0
        assert ours.facets == theirs.facets
        assert ours.synonyms == theirs.synonyms
        by_id = {hit.id: hit for hit in theirs.hits}
        for hit in ours.hits:
            other = by_id[hit.id]
            assert (plain(hit.title), plain(hit.summary)) == (plain(other.title), plain(other.summary))
            assert hit.title == other.title
            assert (hit.key, hit.host, hit.path, hit.origin) == (
                other.key,
                other.host,
                other.path,
                other.origin,
            )
            assert (hit.facets, hit.data, hit.language) == (other.facets, other.data, other.language)


def plain(parts):
    return "".join(text for text, _is_match in parts)


def test_a_search_with_enough_results_is_one_request(backend):
    for number in range(6):
        DocumentFactory(title=f"Library fines {number}")

    run_query(Query("library fines", audience="public", filters={"type": ["practice"]}), backend)
    assert len(backend.requests) == 1


def test_the_longest_text_with_the_most_synonyms_is_accepted(backend):
    DocumentFactory(title="Word")
    words = [f"w{number}x" for number in range(200)]
    for word in words:
        terms = [word, *(f"{word} also known as number {n}" for n in range(parser.MAX_SYNONYMS_PER_GROUP))]
        SynonymGroup.objects.create(terms=terms)

    assert run_query(Query(" ".join(words), audience="public"), backend).total == 0


def test_the_last_page_that_the_service_allows_is_returned(backend):
    DocumentFactory.create_batch(3, title="Fines")

    results = run_query(Query("fines", audience="public", page=1_000, size=100), backend)

    assert (results.hits, results.total) == ([], 3)


def test_every_request_is_filtered_by_audience_and_searches_only_its_fields(backend):
    """Also the requests for some of the terms, for corrected text and for suggestions."""
    DocumentFactory(title="Library fines")
    SynonymGroup.objects.create(terms=["fines", "late fees"])

    run_query(Query("libary fines never seen", audience="public", filters={"topic": ["courts"]}), backend)
    backend.suggest("fin", audience="public", size=5)

    assert len(backend.requests) > 2
    for body in backend.requests:
        assert {"terms": {"audience": ["public"]}} in filters_of(body["query"])
        assert "members" not in json.dumps(body)
        for aggregation in global_aggregations(body.get("aggs", {})):
            (filtered,) = aggregation["aggs"].values()
            assert filtered["filter"] == {"terms": {"audience": ["public"]}}


def filters_of(query):
    query = query.get("function_score", {}).get("query", query)
    return query["bool"]["filter"]


def global_aggregations(aggregations):
    return [aggregation for aggregation in aggregations.values() if "global" in aggregation]


def test_a_document_fills_only_the_fields_of_audiences_that_may_find_it():
    public = serialize(DocumentFactory.build(title="Fines", hidden="zebra"))
    members = serialize(DocumentFactory.build(members=True, title="Fines", language="es"))

    assert public["words"] == {name: {"en": ["Fines", "Fines", "zebra"]} for name in ("public", "members")}
    assert list(members["words"]) == ["members"]
    assert list(members["words"]["members"]) == ["es"]
    assert "zebra" not in json.dumps({name: value for name, value in public.items() if name != "words"})


def test_a_document_with_every_field_is_indexed_and_returned_whole(backend):
    document = DocumentFactory(
        title="Título 🏛 " + "x" * 5_000, summary="s" * 40_000, body="palabra " * 20_000, hidden="h" * 40_000,
        language="es", kind="action", host="riverton", path="/plan/actions/a/", topics=["a", "b"], sectors=["c"],
        stages=["normalize"], decision_kinds=["budget"], population_band="10k_50k", state="OH", evidence="described",
        legal_form="ordinance", licence="CC-BY", status="on_track", year=2025, origin="o" * 200,
        data={"number": "1.1", "due": None, "deep": {"er": [1, {"a": "b"}]}, "a.b": 1, "": 2},
    )  # fmt: skip
    DocumentFactory(dated_on=None, title="", year=None)

    (hit,) = run_query(Query("palabras", audience="public"), backend).hits

    row = Document.objects.get(pk=document.pk)
    assert hit.data == row.data
    assert hit.facets == {column: getattr(row, column) for column in [*FACETS.values(), "year"]}
    assert plain(hit.title) == row.title
    assert next(text for text, is_match in hit.excerpt if is_match) == "palabra"
    assert run_query(Query("", audience="public"), backend).total == 2


def test_the_mapping_has_all_fields_of_a_serialized_document():
    properties = mapping.base_definition()["mappings"]["properties"]
    assert set(serialize(DocumentFactory.build())) <= set(properties)
    assert set(properties["words"]["properties"]) == {"public", "members"}
    assert audiences_visible_to("members") == ("public", "members")


def test_spanish_queries_find_spanish_documents_by_their_stems(backend):
    DocumentFactory(title="Guía de las identificaciones municipales para inmigrantes", language="es")
    DocumentFactory(title="Las Cruces de la frontera", language="en")

    (first, *_rest) = run_query(Query("identificación para el inmigrante", audience="public"), backend).hits

    assert first.language == "es"
    assert [text for text, is_match in first.title if is_match] == ["identificaciones", "inmigrantes"]


def test_a_stop_word_of_both_languages_needs_no_request():
    builder = query_builder.QueryBuilder(Query("no", audience="public"), parser.parse("no", synonyms=[]))
    assert builder.is_empty
