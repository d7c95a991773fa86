"""Requests to each family of engines; every call ends within its timeout, whatever the server does."""

from __future__ import annotations

import base64
import json
import logging.config
import threading
import time

import pytest

from search.backends.engine.circuit_breaker import CircuitBreaker
from search.backends.engine.client import DeadlineClient, EngineUrl, Rejected, Unavailable
from search.backends.engine.elasticsearch import Elasticsearch
from search.backends.engine.opensearch import OpenSearch
from search.checks import check_engine_settings
from search.indexing import bulk
from search.indexing.bulk import Operation
from tests.search.fault_proxy import FAULTS, fault_proxy

FAMILIES = [OpenSearch, Elasticsearch]
PRODUCT = {"x-elastic-product": "Elasticsearch"}  # header of a real Elasticsearch


@pytest.fixture
def server():
    with fault_proxy() as server:
        yield server


def client_of(server, family=OpenSearch, login=""):
    return family(EngineUrl.parse(server.url.replace("://", f"://{login}")))


def reply_with(body, **headers):
    return lambda handler, _request: handler.reply(json.dumps(body).encode(), headers=PRODUCT | headers)


@pytest.mark.parametrize("family", FAMILIES)
def test_both_families_get_the_same_request(server, family):
    server.fault = reply_with({"acknowledged": True})
    body = {"query": {"match": {"title": "café"}}, "size": 3}

    response = client_of(server, family, "ada:p%40ss@").request(
        "POST", "/portal/_search", body, {"refresh": "true"}
    )

    (request,) = server.requests
    assert response == {"acknowledged": True}
    assert (request.method, request.path) == ("POST", "/portal/_search?refresh=true")
    assert json.loads(request.body) == body
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"ada:p@ss"


def test_each_family_gets_the_headers_of_its_own_client(server):
    server.fault = reply_with({})
    for family in FAMILIES:
        client_of(server, family).request("POST", "/a/_search", {"size": 1})
        client_of(server, family).request("GET", "/_alias/a")
        client_of(server, family).request("POST", "/a/_bulk", b'{"index":{"_id":"1"}}\n{"a":1}\n')

    opensearch, elasticsearch = server.requests[:3], server.requests[3:]
    assert [request.headers.get("content-type") for request in opensearch] == [
        "application/json", "application/json", "application/x-ndjson",
    ]  # fmt: skip
    compatible = "application/vnd.elasticsearch+{}; compatible-with=8"
    assert [request.headers.get("content-type") for request in elasticsearch] == [
        compatible.format("json"), None, compatible.format("x-ndjson"),
    ]  # fmt: skip
    assert {request.headers["accept"] for request in elasticsearch} == {compatible.format("json")}
    assert all(request.headers["x-elastic-client-meta"].startswith("es=8") for request in elasticsearch)
    assert all("elastic" not in repr(request.headers) for request in opensearch)
    assert opensearch[2].body == elasticsearch[2].body


def test_the_client_of_elasticsearch_refuses_another_server(server):
    server.fault = "other JSON"

    with pytest.raises(Unavailable, match="not Elasticsearch"):
        client_of(server, Elasticsearch).request("GET", "/")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rejected_request_is_no_failure_of_the_engine(server, family):
    def reply_not_found(handler, _request):
        body = {"error": {"type": "index_not_found_exception"}, "status": 404}
        handler.reply(json.dumps(body).encode(), status=404, headers=PRODUCT)

    server.fault = reply_not_found
    with pytest.raises(Rejected) as caught:
        client_of(server, family).request("GET", "/a/_count")
    assert caught.value.status == 404
    assert len(server.requests) == 1


FAILURES = ["hang", "drip", "drip headers", "drip without length", "truncated", "reset", "500", "503 page", "429",
            "page", "no JSON", "no bytes", "not UTF-8", "a list", "null"]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fault", FAILURES)
def test_every_failure_raises_unavailable_after_one_request_and_within_the_timeout(server, family, fault):
    server.fault = fault
    before = time.monotonic()

    with pytest.raises(Unavailable):
        client_of(server, family).request("POST", "/a/_search", {"size": 1}, timeout=0.4)

    assert time.monotonic() - before < 1.2  # without a working timeout it would be 30 seconds
    assert len(server.requests) == 1


def test_an_aborted_call_leaves_no_running_thread(server):
    server.fault = "drip without length"
    client = client_of(server)
    for _attempt in range(3):
        with pytest.raises(Unavailable):
            client.request("GET", "/a", timeout=0.2)
    server.fault = reply_with({"ok": True})

    assert client.request("GET", "/a") == {"ok": True}
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("search")]
    assert len(threads) <= 3  # an idle thread is reused: if the first were still reading, there would be four


@pytest.mark.parametrize("family", FAMILIES)
def test_a_server_that_does_not_run_is_unavailable(family):
    with fault_proxy() as server:
        client = client_of(server, family)
    with pytest.raises(Unavailable):
        client.request("GET", "/")


@pytest.mark.parametrize("fault", ["failed shard", "timed out", "other JSON", "malformed hits"])
def test_an_incomplete_response_counts_as_none(server, fault):
    server.fault = fault

    with pytest.raises(Unavailable):
        DeadlineClient(client_of(server), 5).request("POST", "/a/_search", {"size": 1})


def test_a_response_without_the_requested_aggregations_counts_as_none(server):
    server.fault = reply_with({"timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": []}})
    DeadlineClient(client_of(server), 5).request("POST", "/a/_search", {"size": 1})

    with pytest.raises(Unavailable):
        DeadlineClient(client_of(server), 5).request("POST", "/a/_search", {"size": 1, "aggs": {"n": {}}})


def test_several_requests_share_one_deadline(server):
    server.fault = "hang"
    client = DeadlineClient(client_of(server), 0.3)
    before = time.monotonic()
    for _request in range(3):
        with pytest.raises(Unavailable):
            client.request("POST", "/a/_search", {})

    assert time.monotonic() - before < 1
    assert len(server.requests) == 1


def test_after_a_failure_no_request_is_allowed_for_a_while_and_then_one():
    breaker = CircuitBreaker()
    assert breaker.allows_request()
    breaker.record_failure()
    assert not breaker.allows_request()

    breaker._open_until = 0
    # One caller tries, the others wait for its outcome.
    assert [breaker.allows_request(), breaker.allows_request()] == [True, False]
    breaker.record_success()
    assert [breaker.allows_request(), breaker.allows_request()] == [True, True]


def test_the_pause_doubles_with_every_failure_up_to_a_limit():
    breaker, pauses = CircuitBreaker(), []
    for _failure in range(6):
        breaker.record_failure()
        pauses.append(round(breaker._open_until - time.monotonic()))

    assert pauses == [3, 6, 12, 15, 15, 15]


@pytest.mark.parametrize("family", FAMILIES)
def test_queries_are_not_logged(server, family, capfd, settings):
    server.fault = reply_with({})
    logging.config.dictConfig(settings.LOGGING)

    client_of(server, family).request("POST", "/a/_search", {"query": "a private query"})

    assert "private" not in "".join(capfd.readouterr())


# --- Bulk requests --------- --------------------------------------------------------------------------------------


def items(*answers):
    return reply_with({"errors": True, "items": [{"index": answer} for answer in answers]})


def test_a_bulk_request_holds_versions_and_removals(server):
    server.fault = items({"_id": "a", "status": 201}, {"_id": "b", "status": 404})

    outcomes = list(
        bulk.send(
            client_of(server), "alias", [Operation("a", 7, {"title": "é"}), Operation("b", 8)], is_alias=True
        )
    )

    (request,) = server.requests
    assert request.path == "/alias/_bulk?require_alias=true"
    assert [json.loads(line) for line in request.body.splitlines()] == [
        {"index": {"_id": "a", "version": 7, "version_type": "external_gte"}},
        {"title": "é"},
        {"delete": {"_id": "b", "version": 8, "version_type": "external_gte"}},
    ]
    assert [(outcome.superseded, outcome.error) for outcome in outcomes] == [(False, ""), (False, "")]


def test_a_rejected_document_does_not_stop_the_others(server):
    server.fault = items(
        {"_id": "a", "status": 400, "error": {"type": "mapper_parsing_exception", "reason": "bad"}},
        {"_id": "b", "status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "old"}},
        {"_id": "c", "status": 201},
    )

    outcomes = list(
        bulk.send(client_of(server), "x", [Operation(key, 1, {}) for key in "abc"], is_alias=False)
    )

    assert [outcome.error for outcome in outcomes] == ["mapper_parsing_exception: bad", "", ""]
    assert [outcome.superseded for outcome in outcomes] == [False, True, False]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"status": 404, "error": {"type": "index_not_found_exception", "reason": "no"}}, Rejected),
        ({"status": 429, "error": {"type": "rejected_execution_exception", "reason": "busy"}}, Unavailable),
        ({"status": 503, "error": {"type": "unavailable_shards_exception", "reason": "no"}}, Unavailable),
    ],
)
def test_an_error_that_concerns_all_documents_is_raised(server, error, expected):
    server.fault = items({"_id": "a"} | error)

    with pytest.raises(expected):
        list(bulk.send(client_of(server), "x", [Operation("a", 1, {})], is_alias=True))


@pytest.mark.parametrize("scope", ["request", "item"])
def test_a_batch_is_retried_if_the_engine_is_overloaded(server, scope):
    overloaded_item = items(
        {"_id": "a", "status": 429, "error": {"type": "rejected_execution_exception", "reason": "full"}}
    )
    written = items({"_id": "a", "status": 201})

    overloaded = FAULTS["429"] if scope == "request" else overloaded_item

    def overloaded_twice(handler, request):
        (written if len(server.requests) > 2 else overloaded)(handler, request)

    server.fault = overloaded_twice
    (outcome,) = bulk.send(
        client_of(server), "x", [Operation("a", 1, {})], is_alias=False, retry_delays=[0.01, 0.01]
    )

    assert outcome.error == ""
    assert len({request.body for request in server.requests}) == 1


@pytest.mark.parametrize(
    "response", [{}, {"items": []}, {"items": [7]}, {"items": [{"index": {"_id": "other", "status": 201}}]}]
)
def test_a_response_to_another_bulk_request_counts_as_none(server, response):
    server.fault = reply_with(response)

    with pytest.raises(Unavailable):
        list(bulk.send(client_of(server), "x", [Operation("a", 1, {})], is_alias=True))


def test_many_documents_are_sent_in_batches_and_read_one_batch_ahead(server):
    def accept(handler, request):
        ids = [json.loads(line)["index"]["_id"] for line in request.body.splitlines()[::2]]
        body = {"items": [{"index": {"_id": key, "status": 201}} for key in ids]}
        handler.reply(json.dumps(body).encode())

    server.fault = accept
    prepared = []

    def operations():
        for number in range(2_600):
            prepared.append(number)
            yield Operation(str(number), 1, {"n": number})

    outcomes = bulk.send(client_of(server), "x", operations(), is_alias=False)
    next(outcomes)
    prepared_at_first = len(prepared)

    assert 1 + len(list(outcomes)) == 2_600
    assert prepared_at_first <= 1_000  # one batch is being sent while the next one is prepared
    assert len(server.requests) == 6


# --- Settings ----------------------------------------------------------------------------------------------------


def test_an_engine_url_is_parsed():
    url = EngineUrl.parse("https://ada:p%40ss@search.example.org/opens")

    assert url == EngineUrl("https", "search.example.org", 443, "/opens", ("ada", "p@ss"))


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
def test_invalid_settings_are_reported(settings, name, value, expected):
    settings.SEARCH_URL = "http://localhost:9200"
    assert check_engine_settings() == []

    setattr(settings, name, value)
    assert [message.id for message in check_engine_settings()] == [expected]
