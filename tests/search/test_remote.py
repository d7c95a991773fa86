"""What only an engine beside the database can get wrong. What both halves have to do is in test_find and test_leaks."""

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
from search.types import FACETS, LIST_FACETS, Query
from tests.engines import VERSIONS
from tests.search.factories import DocumentFactory
from tests.search.indexed import indexed
from tests.search.test_relevance import ASKED

pytestmark = pytest.mark.django_db


@pytest.fixture
def remote(db, one_search_server, search_prefix):
    with indexed(one_search_server, f"{search_prefix}-{uuid.uuid4().hex[:8]}") as engine:
        yield engine


def ids(answer):
    return [hit.id for hit in answer.hits]


@pytest.mark.parametrize("search_server", VERSIONS[1:] or VERSIONS, indirect=True)
def test_every_version_finds_the_same_in_the_same_order(
    library, one_search_server, search_server, search_prefix
):
    """As the newest. Scores differ between versions of OpenSearch by more than twice; the order may not."""
    name = f"{search_prefix}-{uuid.uuid4().hex[:8]}"
    asked = [Query(text, audience="public", size=20) for text, _judgments in ASKED]
    asked += [Query(query.text, audience="members", sort="newest") for query in asked[:5]]

    def found(url):
        with indexed(url, name) as engine:
            return [
                (query.text, answer.total, ids(answer), answer.facets, answer.corrected)
                for query in asked
                for answer in [engine.search(query)]
            ]

    assert found(search_server) == found(one_search_server)


def test_counts_are_those_of_counting_in_the_table(library, remote):
    """Every choice of one value, and of two values of two questions: the total, and every other question's counts."""
    everything = remote.search(Query("", audience="public"))
    singles = [(name, value) for name in FACETS for value in everything.facets[name]]
    assert len(singles) > 80
    pairs = [pair for pair in itertools.combinations(singles, 2) if pair[0][0] != pair[1][0]]
    dice = random.Random(4)
    chosen = [{name: [value]} for name, value in singles]
    chosen += [{one[0]: [one[1]], other[0]: [other[1]]} for one, other in dice.sample(pairs, 30)]
    chosen += [
        {name: dice.sample(sorted(everything.facets[name]), 2), "language": ["en"]}
        for name in ("topic", "size")
    ]

    for filters in chosen:
        answer = remote.search(Query("", audience="public", filters=filters))
        assert answer.total == count(filters), filters
        counted = counts(filters)
        for name in FACETS:
            found = {value: n for value, n in answer.facets[name].items() if n}
            assert found == counted[name], (filters, name)


def where(filters):
    conditions, values = ["audience = 'public'"], []
    for name, wanted in filters.items():
        column = FACETS[name]
        conditions.append(f"{column} && %s::varchar[]" if name in LIST_FACETS else f"{column} = ANY(%s)")
        values.append(wanted)
    return " AND ".join(conditions), values


def count(filters):
    conditions, values = where(filters)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM search_document WHERE {conditions}", values)
        return cursor.fetchone()[0]


def counts(filters):
    """{name: {value: how many have it}} for each question, under the choices of the others."""
    parts, values = [], []
    for name, column in FACETS.items():
        conditions, chosen = where({key: wanted for key, wanted in filters.items() if key != name})
        value = f"unnest({column})" if name in LIST_FACETS else column
        parts.append(f"SELECT '{name}' AS name, {value} AS value FROM search_document WHERE {conditions}")
        values += chosen
    found = {name: {} for name in FACETS}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT name, value, count(*) FROM ({' UNION ALL '.join(parts)}) AS v WHERE value <> '' GROUP BY 1, 2",
            values,
        )
        for name, value, number in cursor.fetchall():
            found[name][value] = number
    return found


def test_many_values_of_a_facet_are_all_counted(remote):
    for part in range(3):
        DocumentFactory(topics=[f"topic-{part}-{number}" for number in range(700)])

    assert len(remote.search(Query("", audience="public")).facets["topic"]) == 2_100


def test_both_halves_show_the_same_of_the_same_results(library, remote):
    """Of the few results for rare words, in whatever order: the same texts, marks, facets and data."""
    for text in ("apprenticeships", "bibliotecas", "Philadelphia", "microgrants", "ban the box"):
        query = Query(text, audience="public", size=50)
        ours, theirs = remote.search(query), PostgresBackend().search(query)
        assert ours.total == theirs.total > 0
        assert ours.facets == theirs.facets
        assert ours.also == theirs.also
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


def test_an_ordinary_search_is_one_request_and_a_corrected_one_few(remote):
    for number in range(6):
        DocumentFactory(title=f"Library fines {number}")

    remote.search(Query("library fines", audience="public", filters={"type": ["practice"]}))
    assert len(remote.asked) == 1


def test_the_longest_text_with_most_synonyms_is_answered(remote):
    DocumentFactory(title="Word")
    words = [f"w{number}x" for number in range(200)]
    for word in words:
        terms = [word, *(f"{word} also known as number {n}" for n in range(parser.MAX_SYNONYMS_PER_GROUP))]
        SynonymGroup.objects.create(terms=terms)

    assert remote.search(Query(" ".join(words), audience="public")).total == 0


def test_pages_go_as_far_as_the_way_in_allows(remote):
    DocumentFactory.create_batch(3, title="Fines")

    answer = remote.search(Query("fines", audience="public", page=1_000, size=100))

    assert (answer.hits, answer.total) == ([], 3)


def test_every_request_holds_the_audience_and_asks_its_own_fields(remote):
    """Also what a relaxed and a corrected search and suggestions ask."""
    DocumentFactory(title="Library fines")
    SynonymGroup.objects.create(terms=["fines", "late fees"])

    remote.search(Query("libary fines never seen", audience="public", filters={"topic": ["courts"]}))
    remote.suggest("fin", audience="public", size=5)

    assert len(remote.asked) > 2
    for body in remote.asked:
        assert {"terms": {"audience": ["public"]}} in filters_of(body["query"])
        assert "members" not in json.dumps(body)
        for everything in globals_of(body.get("aggs", {})):
            (inside,) = everything["aggs"].values()
            assert inside["filter"] == {"terms": {"audience": ["public"]}}


def filters_of(query):
    query = query.get("function_score", {}).get("query", query)
    return query["bool"]["filter"]


def globals_of(aggs):
    return [agg for agg in aggs.values() if "global" in agg]


def test_a_document_stands_in_the_fields_of_those_who_may_find_it():
    public = serialize(DocumentFactory.build(title="Fines", hidden="zebra"))
    members = serialize(DocumentFactory.build(members=True, title="Fines", language="es"))

    assert public["words"] == {name: {"en": ["Fines", "Fines", "zebra"]} for name in ("public", "members")}
    assert list(members["words"]) == ["members"]
    assert list(members["words"]["members"]) == ["es"]
    assert "zebra" not in json.dumps({name: value for name, value in public.items() if name != "words"})


def test_a_document_of_every_field_is_taken_and_comes_back_whole(remote):
    written = DocumentFactory(
        title="Título 🏛 " + "x" * 5_000, summary="s" * 40_000, body="palabra " * 20_000, hidden="h" * 40_000,
        language="es", kind="action", host="riverton", path="/plan/actions/a/", topics=["a", "b"], sectors=["c"],
        stages=["normalize"], decision_kinds=["budget"], population_band="10k_50k", state="OH", evidence="described",
        legal_form="ordinance", licence="CC-BY", status="on_track", year=2025, origin="o" * 200,
        data={"number": "1.1", "due": None, "deep": {"er": [1, {"a": "b"}]}, "a.b": 1, "": 2},
    )  # fmt: skip
    DocumentFactory(dated_on=None, title="", year=None)

    answer = remote.search(Query("palabras", audience="public"))

    (hit,) = answer.hits
    row = Document.objects.get(pk=written.pk)
    assert hit.data == row.data
    assert hit.facets == {column: getattr(row, column) for column in [*FACETS.values(), "year"]}
    assert plain(hit.title) == row.title
    assert next(text for text, is_match in hit.excerpt if is_match) == "palabra"
    assert remote.search(Query("", audience="public")).total == 2


def test_fields_of_the_mapping_are_those_of_the_document():
    properties = mapping.base_definition()["mappings"]["properties"]
    assert set(serialize(DocumentFactory.build())) <= set(properties)
    assert set(properties["words"]["properties"]) == {"public", "members"}
    assert audiences_visible_to("members") == ("public", "members")


def test_spanish_questions_find_spanish_documents_by_their_stems(remote):
    DocumentFactory(title="Guía de las identificaciones municipales para inmigrantes", language="es")
    DocumentFactory(title="Las Cruces de la frontera", language="en")

    (first, *_rest) = remote.search(Query("identificación para el inmigrante", audience="public")).hits

    assert first.language == "es"
    assert [text for text, is_match in first.title if is_match] == ["identificaciones", "inmigrantes"]


def test_a_word_too_common_in_both_languages_asks_nothing():
    assert query_builder.QueryBuilder(
        Query("no", audience="public"), parser.parse("no", synonyms=[])
    ).is_empty
