"""What all addresses have in common: problems, methods, CORS, rate limits, trailing slashes; and the reference."""

from __future__ import annotations

import json
from html import unescape
from urllib.parse import unquote

import pytest
import time_machine
from django.core.cache import cache
from django.db import OperationalError

from tests.access.addresses import ALLIANCE, addresses

RESOURCES = [a for a in addresses(ALLIANCE) if a.name.startswith("api:") and a.name != "api:nowhere"]
ANY = {"id": "00000000-0000-4000-8000-000000000001", "slug": "nowhere", "key": "nothing"}


def assert_problem(response, status):
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    problem = json.loads(response.content)
    assert problem["status"] == status
    assert problem["type"].startswith("http://portal.localhost/api/v1/docs#")
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/api")
    return problem


# ---- Problems -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "name", "value", "remedy"),
    [
        ("actions", "colour", "red", "There is no such parameter here. Known: cursor,"),
        ("actions", "status", "finished", "Use one of: not_started, on_track,"),
        ("actions", "page_size", "0", "Write a whole number from 1 to 100."),
        ("actions", "page_size", "101", "Write a whole number from 1 to 100."),
        ("actions", "page_size", "١٠", "Write a whole number from 1 to 100."),
        ("actions", "cursor", "after:x", "Use the whole address from “next”"),
        ("actions", "goal", "7", "Write a UUID, like"),
        ("actions", "jurisdiction", "Marrow Bend", "Write small letters, digits and single hyphens"),
        ("actions", "jurisdiction", "a\x00b", "Write small letters, digits and single hyphens"),
        ("actions", "due_before", "2027-02-30", "Write a date as year, month and day, like 2027-06-30."),
        (
            "actions",
            "updated_since",
            "yesterday",
            "Write a date and time with a time zone, like 2027-06-30T17:00:00Z",
        ),
        ("actions", "updated_since", "2027-06-30T17:00:00", "Write a date and time with a time zone"),
        ("actions", "updated_since", "2027-06-30T24:00:00Z", "Write a date and time with a time zone"),
        ("actions", "updated_since", "2027-06-31T17:00:00Z", "Write a date and time with a time zone"),
        ("actions", "format", "xml", "Use one of: json, csv."),
        ("library", "type", "poem", "Use one of: tool, sample_policy,"),
        ("jurisdictions", "state", "XX", "Write a state’s two capital letters, like MN."),
        ("library", "state", "mn", "Write a state’s two capital letters, like MN."),
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
def test_an_invalid_parameter_is_named_with_its_value_and_what_to_write(api, path, name, value, remedy):
    problem = assert_problem(api(path, **{name: value}), 400)
    (error,) = problem["errors"]
    assert (error["parameter"], error["value"]) == (name, value[:200])
    assert error["detail"].startswith(remedy)
    assert name in problem["detail"]
    assert error["detail"] in problem["detail"]


def test_all_invalid_parameters_are_named_at_once(api):
    problem = assert_problem(
        api("actions", page_size=["1", "2"], status=["on_track", "x", "y"], colour="red"), 400
    )
    assert [(error["parameter"], error["value"]) for error in problem["errors"]] == [
        ("page_size", "2"), ("status", "x"), ("status", "y"), ("colour", "red"),
    ]  # fmt: skip
    assert problem["errors"][0]["detail"] == "Use it once."


def test_an_unescaped_plus_sign_is_explained(alliance, client_for):
    response = client_for(alliance).get("/api/v1/actions?updated_since=2027-06-30T17:00:00+02:00")
    assert "a plus sign is %2B in an address" in assert_problem(response, 400)["detail"]
    response = client_for(alliance).get("/api/v1/actions?updated_since=2027-06-30T17:00:00%2B02:00")
    assert response.status_code == 200


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
def test_an_unknown_address_is_a_problem_for_every_method(alliance, client_for, path):
    client = client_for(alliance)
    for method in ("get", "post", "put", "patch", "delete", "options"):
        problem = assert_problem(getattr(client, method)(path), 404)
        assert unquote(path) in problem["detail"]


@pytest.mark.parametrize("address", RESOURCES, ids=lambda a: a.route)
def test_nothing_can_be_written(address, alliance, client_for, make_user):
    for user in (None, make_user(alliance, "staff_admin")):
        client = client_for(alliance, user)
        for method in ("post", "put", "patch", "delete"):
            response = getattr(client, method)(address.path(ANY), {"title": "Taken"})
            problem = assert_problem(response, 405)
            assert method.upper() in problem["detail"]
            assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_an_unavailable_format_is_406(api):
    assert "image/png" in assert_problem(api("actions", headers={"Accept": "image/png"}), 406)["detail"]
    assert_problem(api("search", headers={"Accept": "text/csv"}), 406)
    assert api("actions", headers={"Accept": "image/png"}, format="csv").status_code == 200


def test_an_empty_accept_header_asks_for_any_format(api):
    assert api("actions", headers={"Accept": ""})["Content-Type"] == "application/json"


def test_an_internal_error_is_a_problem_without_details(alliance, client_for, monkeypatch, caplog):
    def broken(*_words):
        raise RuntimeError("xqsecret")

    monkeypatch.setattr("tenants.api.views.ResourceViewSet.filter_queryset", broken)
    client = client_for(alliance)
    client.raise_request_exception = False
    problem = client.get("/api/v1/plans")
    assert "Try again later" in assert_problem(problem, 500)["detail"]
    assert "xqsecret" not in problem.text
    assert "xqsecret" in caplog.text  # for the operator


def test_a_missing_database_is_a_problem_below_api_only(alliance, client_for, monkeypatch):
    def unavailable(host):
        raise OperationalError("unavailable")

    client = client_for(alliance)
    client.raise_request_exception = False
    monkeypatch.setattr("tenants.web.host_registry.get_jurisdiction", unavailable)
    assert_problem(client.get("/api/v1/plans"), 500)
    page = client.get("/progress/")
    assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")


# ---- Methods, CORS, slashes --------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["", "actions", "topics", "search", "schema", "docs", "actions/no"])
def test_an_address_works_with_a_trailing_slash(api, path):
    plain, slashed = api(path), api(f"{path}/") if path else api("").client.get("/api/v1/")
    assert plain.status_code == slashed.status_code == (404 if path.endswith("no") else 200)


def test_head_returns_only_the_headers_of_get(riverton, publish, alliance, client_for):
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
    headers = {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}
    response = client_for(alliance).options("/api/v1/actions", headers=headers)
    assert (response.status_code, response.content) == (204, b"")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "If-None-Match" in response["Access-Control-Allow-Headers"]
    member = make_user(riverton, "viewer")
    assert "Access-Control-Allow-Origin" not in api("actions", user=member)
    assert "Access-Control-Allow-Origin" not in client_for(alliance).get("/progress/")


# ---- Rate limit ----------------------------------------------------------------------------------------------
@pytest.fixture
def limit_of_three(settings):
    settings.API_REQUESTS_PER_MINUTE = 3
    with time_machine.travel("2027-04-08T17:00:15Z", tick=False) as clock:
        yield clock


def test_a_client_over_the_limit_is_told_how_long_to_wait(limit_of_three, api):
    assert [api("topics").status_code for _ in range(3)] == [200] * 3
    refused = api("topics")
    assert "in 45 seconds" in assert_problem(refused, 429)["detail"]
    assert refused["Retry-After"] == "45"
    assert api("library").status_code == 429
    limit_of_three.shift(46)
    assert api("topics").status_code == 200


def test_a_304_counts_as_a_request(limit_of_three, api):
    tag = api("topics")["ETag"]
    answers = [api("topics", headers={"If-None-Match": tag}).status_code for _ in range(3)]
    assert answers == [304, 304, 429]


def test_each_address_and_each_user_has_a_count(
    limit_of_three, alliance, client_for, api, make_user, riverton, settings
):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    first = {"X-Forwarded-For": "203.0.113.1"}
    assert [api("topics", headers=first).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert api("topics", headers={"X-Forwarded-For": "203.0.113.2"}).status_code == 200
    # Entries before the one that the proxy adds are ignored.
    assert api("topics", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.1"}).status_code == 429
    assert api("topics", headers=first, user=make_user(riverton, "viewer")).status_code == 200


def test_without_a_limit_nothing_is_counted(settings, api, monkeypatch):
    settings.API_REQUESTS_PER_MINUTE = 0
    monkeypatch.setattr(cache, "incr", lambda key: pytest.fail("counted"))
    assert api("topics").status_code == 200


# ---- The reference ------------------------------------------------------------------------------------------
def test_the_description_is_openapi_3_1_as_json_and_yaml(api):
    schema = json.loads(api("schema").content)
    assert schema["openapi"] == "3.1.0"
    assert api("schema", format="yaml").content.startswith(b"openapi: 3.1.0\n")
    assert api("schema", headers={"Accept": "application/yaml"})["Content-Type"] == "application/yaml"
    assert api("schema", headers={"Accept": "application/json"})["Content-Type"] == "application/json"
    assert "x-spec-enum-id" not in api("schema").text
    names = {path.split("/")[3] for path in schema["paths"] if path.count("/") > 2}
    assert names == {"jurisdictions", "plans", "goals", "outcomes", "actions", "library", "topics", "search"}
    ids = [method["operationId"] for path in schema["paths"].values() for method in path.values()]
    assert len(set(ids)) == len(ids)
    again = api("schema", headers={"If-None-Match": api("schema")["ETag"]})
    assert again.status_code == 304


def test_the_reference_names_every_address_parameter_and_field(api):
    page, schema = api("docs").text, json.loads(api("schema").content)
    for path, methods in schema["paths"].items():
        assert f"GET {path}<" in page
        for parameter in methods["get"]["parameters"]:
            if parameter["in"] == "query":
                assert f"<code>{parameter['name']}</code>" in page
    for field in schema["components"]["schemas"]["Action"]["properties"]:
        assert f"<code>{field}</code>" in page


def test_a_problem_links_to_its_description_in_the_reference(api):
    page = api("docs").text
    for response in (api("nothing"), api("actions", x="1"), api("actions", headers={"Accept": "image/png"})):
        anchor = json.loads(response.content)["type"].partition("#")[2]
        assert f'id="{anchor}"' in page


def test_the_alliances_pages_and_a_citys_data_page_link_to_the_reference(
    riverton, alliance, publish, client_for
):
    publish(riverton, ["on_track"])
    assert 'href="/api/v1/docs"' in client_for(alliance).get("/progress/").text
    assert f'href="{alliance.base_url}/api/v1/docs"' in client_for(riverton).get("/data/").text


def test_the_reference_shows_an_answer_that_is_the_one_of_today(riverton, publish, api):
    assert "No plan is public yet, so its list is empty." in api("docs").text
    publish(riverton, ["on_track", "completed"])
    page = unescape(api("docs").text)
    assert 'curl "http' in page
    assert "/api/v1/plans?page_size=1" in page
    shown = json.loads(page.partition("<code>{")[2].partition("</code>")[0].join(["{", ""]))
    answer = json.loads(api("plans", page_size=1).content)
    assert [shown] == answer["results"]


def test_a_row_has_no_second_list_of_fields_in_the_reference(api):
    page = api("docs").text
    assert "Parameters and fields of “Plans”" in page
    assert "Parameters and fields of “One plan”" not in page
    assert "The fields are the same as in a row of the list." in page
