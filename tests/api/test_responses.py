"""What every address has in common: problems, methods, other sites, limits, closing slashes; and the reference."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest
import time_machine
from django.core.cache import cache
from django.db import OperationalError

from tests.access.addresses import ALLIANCE, addresses

RESOURCES = [
    a for a in addresses(ALLIANCE) if a.name.startswith("api:") and a.name not in ("api:docs", "api:nowhere")
]
ANY = {"id": "00000000-0000-4000-8000-000000000001", "slug": "nowhere", "key": "nothing"}


def is_problem(answer, status):
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    said = json.loads(answer.content)
    assert said["status"] == status
    assert said["type"].startswith("http://portal.localhost/api/v1/docs#")
    assert said["title"]
    assert said["detail"]
    assert said["instance"].startswith("/api")
    return said


# ---- Problems -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "name", "value", "remedy"),
    [
        ("actions", "colour", "red", "There is no such parameter here. Known: cursor,"),
        ("actions", "status", "finished", "Use one of: not_started, on_track,"),
        ("actions", "page_size", "0", "Write a whole number from 1 to 100."),
        ("actions", "page_size", "101", "Write a whole number from 1 to 100."),
        ("actions", "page_size", "١٠", "Write a whole number from 1 to 100."),
        ("actions", "cursor", "after:x", "Take the whole address from “next”"),
        ("actions", "goal", "7", "Write a UUID, like"),
        ("actions", "jurisdiction", "Marrow Bend", "Write small letters, digits and single hyphens"),
        ("actions", "jurisdiction", "a\x00b", "Write small letters, digits and single hyphens"),
        ("actions", "due_before", "2027-02-30", "Write a day as year, month and day, like 2027-06-30."),
        (
            "actions",
            "updated_since",
            "yesterday",
            "Write a moment with its time zone, like 2027-06-30T17:00:00Z",
        ),
        ("actions", "updated_since", "2027-06-30T17:00:00", "Write a moment with its time zone"),
        ("actions", "updated_since", "2027-06-30T24:00:00Z", "Write a moment with its time zone"),
        ("actions", "updated_since", "2027-06-31T17:00:00Z", "Write a moment with its time zone"),
        ("actions", "format", "xml", "Use one of: json, csv."),
        ("library", "type", "poem", "Use one of: tool, sample_policy,"),
        ("library", "state", "mn", "Write a state by its two capital letters, like MN."),
        (
            "topics",
            "updated_since",
            "2027-06-30T17:00:00Z",
            "There is no such parameter here. Known: cursor, format,",
        ),
        ("search", "page", "101", "Write a whole number from 1 to 100."),
        ("search", "kind", "person", "Use one of: library, plan, outcome, action, narrative."),
        ("search", "exact", "yes", "Write true or false."),
        ("search", "q", "x" * 1_501, "Write at most 1500 characters."),
        ("", "q", "x", "There is no such parameter here. Known: none."),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named_with_its_value_and_what_to_write(
    api, path, name, value, remedy
):
    said = is_problem(api(path, **{name: value}), 400)
    (error,) = said["errors"]
    assert (error["parameter"], error["value"]) == (name, value[:200])
    assert error["detail"].startswith(remedy)
    assert name in said["detail"]
    assert error["detail"] in said["detail"]


def test_all_that_is_wrong_is_named_at_once(api):
    said = is_problem(api("actions", page_size=["1", "2"], status=["on_track", "x", "y"], colour="red"), 400)
    assert [(error["parameter"], error["value"]) for error in said["errors"]] == [
        ("page_size", "2"), ("status", "x"), ("status", "y"), ("colour", "red"),
    ]  # fmt: skip
    assert said["errors"][0]["detail"] == "Give it at most 1 times."


def test_a_plus_that_became_a_space_is_explained(alliance, client_for):
    answer = client_for(alliance).get("/api/v1/actions?updated_since=2027-06-30T17:00:00+02:00")
    assert "a plus sign is %2B in an address" in is_problem(answer, 400)["detail"]
    answer = client_for(alliance).get("/api/v1/actions?updated_since=2027-06-30T17:00:00%2B02:00")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/v2/actions",
        "/api/v1/action",
        "/api/v1/actions/7",
        "/api/v1/x.y",
        "/api/v1/x%0Ay",
    ],
)
def test_what_is_not_there_is_a_problem_by_any_method(alliance, client_for, path):
    client = client_for(alliance)
    for method in ("get", "post", "put", "patch", "delete", "options"):
        said = is_problem(getattr(client, method)(path), 404)
        assert unquote(path) in said["detail"]


@pytest.mark.parametrize("address", RESOURCES, ids=lambda a: a.route)
def test_nothing_can_be_written(address, alliance, client_for, make_user):
    for user in (None, make_user(alliance, "staff_admin")):
        client = client_for(alliance, user)
        for method in ("post", "put", "patch", "delete"):
            answer = getattr(client, method)(address.path(ANY), {"title": "Taken"})
            said = is_problem(answer, 405)
            assert method.upper() in said["detail"]
            assert answer["Allow"] == "GET, HEAD, OPTIONS"


def test_a_format_that_is_not_to_be_had_is_406(api):
    assert "image/png" in is_problem(api("actions", headers={"Accept": "image/png"}), 406)["detail"]
    is_problem(api("search", headers={"Accept": "text/csv"}), 406)
    assert api("actions", headers={"Accept": "image/png"}, format="csv").status_code == 200


def test_a_defect_is_a_problem_that_tells_nothing_of_itself(alliance, client_for, monkeypatch, caplog):
    def broken(*_words):
        raise RuntimeError("xqsecret")

    monkeypatch.setattr("tenants.api.views.statement", broken)
    client = client_for(alliance)
    client.raise_request_exception = False
    said = client.get("/api/v1/plans")
    assert "Try again later" in is_problem(said, 500)["detail"]
    assert "xqsecret" not in said.text
    assert "xqsecret" in caplog.text  # the operator reads it


def test_a_database_that_is_away_is_a_problem_below_api_alone(alliance, client_for, monkeypatch):
    def away(host):
        raise OperationalError("away")

    client = client_for(alliance)
    client.raise_request_exception = False
    monkeypatch.setattr("tenants.web.host_registry.get_jurisdiction", away)
    is_problem(client.get("/api/v1/plans"), 500)
    page = client.get("/progress/")
    assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")


# ---- Methods, other sites, slashes --------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["", "actions", "topics", "search", "schema", "docs", "actions/no"])
def test_an_address_is_the_same_with_a_closing_slash(api, path):
    plain, slashed = api(path), api(f"{path}/") if path else api("").client.get("/api/v1/")
    assert plain.status_code == slashed.status_code == (404 if path.endswith("no") else 200)


def test_head_tells_the_headers_of_get_alone(riverton, publish, alliance, client_for):
    publish(riverton, ["on_track"])
    client = client_for(alliance)
    for path in (
        "/api/v1/actions",
        "/api/v1/search?q=fair",
        "/api/v1/actions?format=csv",
        "/api/v1/actions?x=1",
    ):
        get, head = client.get(path), client.head(path)
        assert head.content == b""
        assert head.status_code == get.status_code
        for name in ("Content-Type", "ETag", "Content-Length", "Vary", "Cache-Control"):
            assert head.headers.get(name) == get.headers.get(name)


def test_pages_of_other_sites_may_read_what_is_public(alliance, client_for, api, make_user, riverton):
    for path in ("actions", "search", "nothing", "schema"):
        assert api(path)["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in api(path)
        assert "ETag" in api(path)["Access-Control-Expose-Headers"]
    asked = {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}
    answer = client_for(alliance).options("/api/v1/actions", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "If-None-Match" in answer["Access-Control-Allow-Headers"]
    member = make_user(riverton, "viewer")
    assert "Access-Control-Allow-Origin" not in api("actions", user=member)
    assert "Access-Control-Allow-Origin" not in client_for(alliance).get("/progress/")


# ---- How often ----------------------------------------------------------------------------------------------
@pytest.fixture
def three_a_minute(settings):
    settings.API_REQUESTS_PER_MINUTE = 3
    with time_machine.travel("2027-04-08T17:00:15Z", tick=False) as clock:
        yield clock


def test_who_asks_too_often_is_told_how_long_to_wait(three_a_minute, api):
    assert [api("topics").status_code for _ in range(3)] == [200] * 3
    refused = api("topics")
    assert "in 45 seconds" in is_problem(refused, 429)["detail"]
    assert refused["Retry-After"] == "45"
    assert api("library").status_code == 429
    three_a_minute.shift(46)
    assert api("topics").status_code == 200


def test_a_304_counts_as_a_request(three_a_minute, api):
    tag = api("topics")["ETag"]
    answers = [api("topics", headers={"If-None-Match": tag}).status_code for _ in range(3)]
    assert answers == [304, 304, 429]


def test_each_address_and_each_person_has_a_count(
    three_a_minute, alliance, client_for, api, make_user, riverton, settings
):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    first = {"X-Forwarded-For": "203.0.113.1"}
    assert [api("topics", headers=first).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert api("topics", headers={"X-Forwarded-For": "203.0.113.2"}).status_code == 200
    # What a visitor writes into the header before the proxy adds the address does not count.
    assert api("topics", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.1"}).status_code == 429
    assert api("topics", headers=first, user=make_user(riverton, "viewer")).status_code == 200


def test_without_a_limit_nothing_is_counted(settings, api, monkeypatch):
    settings.API_REQUESTS_PER_MINUTE = 0
    monkeypatch.setattr(cache, "incr", lambda key: pytest.fail("counted"))
    assert api("topics").status_code == 200


# ---- The reference ------------------------------------------------------------------------------------------
def test_the_description_is_openapi_3_1_as_json_and_yaml(api):
    told = json.loads(api("schema").content)
    assert told["openapi"] == "3.1.0"
    assert api("schema", format="yaml").content.startswith(b"openapi: 3.1.0\n")
    assert api("schema", headers={"Accept": "application/yaml"})["Content-Type"] == "application/yaml"
    assert api("schema", headers={"Accept": "application/json"})["Content-Type"] == "application/json"
    assert "x-spec-enum-id" not in api("schema").text
    names = {path.split("/")[3] for path in told["paths"] if path.count("/") > 2}
    assert names == {"jurisdictions", "plans", "goals", "outcomes", "actions", "library", "topics", "search"}
    ids = [method["operationId"] for path in told["paths"].values() for method in path.values()]
    assert len(set(ids)) == len(ids)
    again = api("schema", headers={"If-None-Match": api("schema")["ETag"]})
    assert again.status_code == 304


def test_the_reference_names_every_address_parameter_and_field(api):
    page, told = api("docs").text, json.loads(api("schema").content)
    for path, methods in told["paths"].items():
        assert f"GET {path}<" in page
        for parameter in methods["get"]["parameters"]:
            if parameter["in"] == "query":
                assert f"<code>{parameter['name']}</code>" in page
    for field in told["components"]["schemas"]["Action"]["properties"]:
        assert f"<code>{field}</code>" in page


def test_a_problem_leads_to_its_words_in_the_reference(api):
    page = api("docs").text
    for answer in (api("nothing"), api("actions", x="1"), api("actions", headers={"Accept": "image/png"})):
        anchor = json.loads(answer.content)["type"].partition("#")[2]
        assert f'id="{anchor}"' in page


def test_the_alliances_pages_and_a_citys_data_page_lead_to_the_reference(
    riverton, alliance, publish, client_for
):
    publish(riverton, ["on_track"])
    assert 'href="/api/v1/docs"' in client_for(alliance).get("/progress/").text
    assert f'href="{alliance.base_url}/api/v1/docs"' in client_for(riverton).get("/data/").text
