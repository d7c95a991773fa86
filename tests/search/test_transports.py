"""How the portal speaks to each family of engines, and that no call outlasts its time, whatever the other end does."""

from __future__ import annotations

import base64
import json
import logging.config
import threading
import time

import pytest

from search.backends.engine.client import CircuitBreaker, DeadlineClient, EngineUrl, Rejected, Unavailable
from search.backends.engine.elasticsearch import Elasticsearch
from search.backends.engine.opensearch import OpenSearch
from search.checks import check_engine_settings
from search.indexing import bulk
from search.indexing.bulk import Operation
from tests.search.breaking import WAYS, breakable

FAMILIES = [OpenSearch, Elasticsearch]
PRODUCT = {"x-elastic-product": "Elasticsearch"}  # what a real Elasticsearch says of itself


@pytest.fixture
def server():
    with breakable() as server:
        yield server


def to(server, family=OpenSearch, login=""):
    return family(EngineUrl.parse(server.url.replace("://", f"://{login}")))


def saying(answer, **headers):
    return lambda handler, _seen: handler.reply(json.dumps(answer).encode(), headers=PRODUCT | headers)


@pytest.mark.parametrize("family", FAMILIES)
def test_both_families_are_asked_the_same(server, family):
    server.way = saying({"acknowledged": True})
    question = {"query": {"match": {"title": "café"}}, "size": 3}

    answer = to(server, family, "ada:p%40ss@").request(
        "POST", "/portal/_search", question, {"refresh": "true"}
    )

    (seen,) = server.seen
    assert answer == {"acknowledged": True}
    assert (seen.method, seen.path, json.loads(seen.body)) == (
        "POST",
        "/portal/_search?refresh=true",
        question,
    )
    assert base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")) == b"ada:p@ss"


def test_each_family_sends_its_own_client_s_headers(server):
    server.way = saying({})
    for family in FAMILIES:
        to(server, family).request("POST", "/a/_search", {"size": 1})
        to(server, family).request("GET", "/_alias/a")
        to(server, family).request("POST", "/a/_bulk", b'{"index":{"_id":"1"}}\n{"a":1}\n')

    opensearch, elasticsearch = server.seen[:3], server.seen[3:]
    assert [one.headers.get("content-type") for one in opensearch] == [
        "application/json", "application/json", "application/x-ndjson",
    ]  # fmt: skip
    compatible = "application/vnd.elasticsearch+{}; compatible-with=8"
    assert [one.headers.get("content-type") for one in elasticsearch] == [
        compatible.format("json"), None, compatible.format("x-ndjson"),
    ]  # fmt: skip
    assert {one.headers["accept"] for one in elasticsearch} == {compatible.format("json")}
    assert all(one.headers["x-elastic-client-meta"].startswith("es=8") for one in elasticsearch)
    assert all("elastic" not in repr(one.headers) for one in opensearch)
    assert opensearch[2].body == elasticsearch[2].body


def test_elasticsearch_s_client_refuses_a_server_of_another_kind(server):
    server.way = "other JSON"

    with pytest.raises(Unavailable, match="not Elasticsearch"):
        to(server, Elasticsearch).request("GET", "/")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_no_is_told_from_trouble(server, family):
    def missing(handler, _seen):
        body = {"error": {"type": "index_not_found_exception"}, "status": 404}
        handler.reply(json.dumps(body).encode(), status=404, headers=PRODUCT)

    server.way = missing
    with pytest.raises(Rejected) as caught:
        to(server, family).request("GET", "/a/_count")
    assert caught.value.status == 404
    assert len(server.seen) == 1


TROUBLES = ["hang", "drip", "drip head", "drip to the end", "truncated", "reset", "500", "503 page", "429",
            "page", "no JSON", "no bytes", "not UTF-8", "a list", "null"]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", TROUBLES)
def test_trouble_is_told_in_one_way_after_one_request_and_within_its_time(server, family, way):
    server.way = way
    before = time.monotonic()

    with pytest.raises(Unavailable):
        to(server, family).request("POST", "/a/_search", {"size": 1}, timeout=0.4)

    assert time.monotonic() - before < 1.2  # a wait that is not bounded lasts 30 seconds here
    assert len(server.seen) == 1


def test_a_call_that_is_given_up_leaves_no_thread_at_work(server):
    server.way = "drip to the end"
    transport = to(server)
    for _attempt in range(3):
        with pytest.raises(Unavailable):
            transport.request("GET", "/a", timeout=0.2)
    server.way = saying({"well": True})

    assert transport.request("GET", "/a") == {"well": True}
    at_work = [t for t in threading.enumerate() if t.name.startswith("search")]
    assert (
        len(at_work) <= 3
    )  # an idle one is taken again: had the first still been reading, there would be four


@pytest.mark.parametrize("family", FAMILIES)
def test_a_server_that_is_not_there_is_trouble_too(family):
    with breakable() as server:
        transport = to(server, family)
    with pytest.raises(Unavailable):
        transport.request("GET", "/")


@pytest.mark.parametrize("way", ["a part", "timed out", "other JSON", "odd hits"])
def test_an_answer_that_does_not_speak_for_the_whole_index_is_none(server, way):
    server.way = way

    with pytest.raises(Unavailable):
        DeadlineClient(to(server), 5).request("POST", "/a/_search", {"size": 1})


def test_an_answer_without_the_counts_that_were_asked_for_is_none(server):
    server.way = saying({"timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": []}})
    DeadlineClient(to(server), 5).request("POST", "/a/_search", {"size": 1})

    with pytest.raises(Unavailable):
        DeadlineClient(to(server), 5).request("POST", "/a/_search", {"size": 1, "aggs": {"n": {}}})


def test_several_questions_share_one_budget(server):
    server.way = "hang"
    budget = DeadlineClient(to(server), 0.3)
    before = time.monotonic()
    for _question in range(3):
        with pytest.raises(Unavailable):
            budget.request("POST", "/a/_search", {})

    assert time.monotonic() - before < 1
    assert len(server.seen) == 1


def test_an_engine_that_failed_is_left_alone_and_then_tried_by_one():
    rest = CircuitBreaker()
    assert rest.allows_request()
    rest.failed()
    assert not rest.allows_request()

    rest._until = 0
    assert [rest.allows_request(), rest.allows_request()] == [
        True,
        False,
    ]  # one tries, the others wait for what it finds
    rest.worked()
    assert [rest.allows_request(), rest.allows_request()] == [True, True]


def test_the_pause_grows_with_every_failure_to_a_limit():
    rest, pauses = CircuitBreaker(), []
    for _failure in range(6):
        rest.failed()
        pauses.append(round(rest._until - time.monotonic()))

    assert pauses == [3, 6, 12, 15, 15, 15]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_readers_look_for_is_not_written_down(server, family, capfd, settings):
    server.way = saying({})
    logging.config.dictConfig(settings.LOGGING)

    to(server, family).request("POST", "/a/_search", {"query": "a private question"})

    assert "private" not in "".join(capfd.readouterr())


# --- Many documents at once --------------------------------------------------------------------------------------


def items(*answers):
    return saying({"errors": True, "items": [{"index": answer} for answer in answers]})


def test_a_bulk_request_says_versions_and_removals(server):
    server.way = items({"_id": "a", "status": 201}, {"_id": "b", "status": 404})

    found = list(
        bulk.send(to(server), "alias", [Operation("a", 7, {"title": "é"}), Operation("b", 8)], is_alias=True)
    )

    (seen,) = server.seen
    assert seen.path == "/alias/_bulk?require_alias=true"
    assert [json.loads(line) for line in seen.body.splitlines()] == [
        {"index": {"_id": "a", "version": 7, "version_type": "external_gte"}},
        {"title": "é"},
        {"delete": {"_id": "b", "version": 8, "version_type": "external_gte"}},
    ]
    assert [(one.superseded, one.error) for one in found] == [(False, ""), (False, "")]


def test_one_document_that_is_refused_stops_no_other(server):
    server.way = items(
        {"_id": "a", "status": 400, "error": {"type": "mapper_parsing_exception", "reason": "bad"}},
        {"_id": "b", "status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "old"}},
        {"_id": "c", "status": 201},
    )

    found = list(bulk.send(to(server), "x", [Operation(key, 1, {}) for key in "abc"], is_alias=False))

    assert [one.error for one in found] == ["mapper_parsing_exception: bad", "", ""]
    assert [one.superseded for one in found] == [False, True, False]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"status": 404, "error": {"type": "index_not_found_exception", "reason": "no"}}, Rejected),
        ({"status": 429, "error": {"type": "rejected_execution_exception", "reason": "busy"}}, Unavailable),
        ({"status": 503, "error": {"type": "unavailable_shards_exception", "reason": "no"}}, Unavailable),
    ],
)
def test_what_concerns_all_documents_stops_the_request(server, error, expected):
    server.way = items({"_id": "a"} | error)

    with pytest.raises(expected):
        list(bulk.send(to(server), "x", [Operation("a", 1, {})], is_alias=True))


@pytest.mark.parametrize("way", ["429", "an item"])
def test_an_engine_without_room_is_given_time(server, way):
    full = items(
        {"_id": "a", "status": 429, "error": {"type": "rejected_execution_exception", "reason": "full"}}
    )
    sound = items({"_id": "a", "status": 201})

    def first_full(handler, seen):
        (sound if len(server.seen) > 2 else WAYS["429"] if way == "429" else full)(handler, seen)

    server.way = first_full
    (outcome,) = bulk.send(to(server), "x", [Operation("a", 1, {})], is_alias=False, pauses=[0.01, 0.01])

    assert outcome.error == ""
    assert len({one.body for one in server.seen}) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"items": []}, {"items": [7]}, {"items": [{"index": {"_id": "other", "status": 201}}]}]
)
def test_an_answer_to_another_bulk_request_is_none(server, answer):
    server.way = saying(answer)

    with pytest.raises(Unavailable):
        list(bulk.send(to(server), "x", [Operation("a", 1, {})], is_alias=True))


def test_many_documents_go_in_parts_and_are_read_as_they_go(server):
    def accept(handler, seen):
        ids = [json.loads(line)["index"]["_id"] for line in seen.body.splitlines()[::2]]
        handler.reply(json.dumps({"items": [{"index": {"_id": one, "status": 201}} for one in ids]}).encode())

    server.way = accept
    prepared = []

    def operations():
        for number in range(2_600):
            prepared.append(number)
            yield Operation(str(number), 1, {"n": number})

    outcomes = bulk.send(to(server), "x", operations(), is_alias=False)
    next(outcomes)
    ahead = len(prepared)
    rest = list(outcomes)

    assert 1 + len(rest) == 2_600
    assert ahead <= 1_000  # one part is under way while the next is prepared, and no more are held
    assert len(server.seen) == 6


# --- Settings ----------------------------------------------------------------------------------------------------


def test_an_address_is_taken_apart():
    found = EngineUrl.parse("https://ada:p%40ss@search.example.org/opens")

    assert found == EngineUrl("https", "search.example.org", 443, "/opens", ("ada", "p@ss"))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SEARCH_URL", "localhost:9200", "search.E001"),
        ("SEARCH_URL", "http://localhost:port", "search.E001"),
        ("SEARCH_FAMILY", "solr", "search.E002"),
        ("SEARCH_PREFIX", "Por*tal", "search.E003"),
        ("SEARCH_CA_FILE", "/nowhere/ca.pem", "search.E004"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, name, value, expected):
    settings.SEARCH_URL = "http://localhost:9200"
    assert check_engine_settings() == []

    setattr(settings, name, value)
    assert [message.id for message in check_engine_settings()] == [expected]
