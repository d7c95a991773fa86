"""The search in the API: the same results as on the page."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search import service
from search.types import SearchResults


@pytest.fixture
def content(library, riverton, publish):
    publish(riverton, ["on_track", None], word="Fair libraries")


def test_a_search_returns_hits_with_highlights(content, api):
    response = api("search", q="library fines", kind="library")
    assert response.status_code == 200
    body = response.json()
    assert body["total"] == len(body["results"]) or body["next"]
    first = body["results"][0]
    assert first["kind"] == "library"
    assert first["url"] == f"http://portal.localhost/library/{first['key']}/"
    assert first["title"]
    assert (
        "<mark>"
        in first["highlight"]["title"] + first["highlight"]["summary"] + first["highlight"]["excerpt"]
    )
    assert api(f"library/{first['key']}").json()["title"] == first["title"]


def test_hits_of_cities_lead_to_their_sites_and_their_rows(content, api):
    hit = api("search", q="fair", kind="action").json()["results"][0]
    assert hit["key"] is None
    assert hit["url"].startswith("http://riverton.localhost/plan/actions/")
    assert api(f"actions/{hit['id']}").json()["url"] == hit["url"]


def test_facets_count_what_the_page_counts(content, api):
    body = api("search", q="library", topic="libraries").json()
    answer = service.search("library", audience="public", filters={"topic": ["libraries"]})
    assert body["total"] == answer.total > 0
    counted = {
        name: {value["value"]: value["count"] for value in values} for name, values in body["facets"].items()
    }
    assert counted == {name: dict(counts) for name, counts in answer.facets.items() if counts}
    assert {"value": "libraries", "label": "Libraries"}.items() <= next(
        value.items() for value in body["facets"]["topic"] if value["value"] == "libraries"
    )


def test_pages_follow_each_other_without_gap(content, api):
    all_ids = [hit["id"] for hit in api("search", page_size=100).json()["results"]]
    page, ids = api("search", page_size=10), []
    while True:
        ids += [hit["id"] for hit in page.json()["results"]]
        if not page.json()["next"]:
            break
        page = page.client.get(page.json()["next"])
    assert ids == all_ids
    assert api("search", page_size=10, page=2).json()["previous"].endswith("page_size=10&page=1")


def test_corrections_and_synonyms_are_returned(content, api):
    assert api("search", q="libary").json()["corrected"] == "library"
    plain = api("search", q="procurement").json()
    exact = api("search", q="procurement", exact="true").json()
    assert "contracting" in plain["also"]
    assert exact["also"] == []
    assert exact["total"] <= plain["total"]


def test_hits_can_be_sorted_newest_first(content, api):
    best, newest = (
        [hit["id"] for hit in api("search", q="library", sort=sort, page_size=100).json()["results"]]
        for sort in ("best", "newest")
    )
    assert sorted(best) == sorted(newest)
    assert best != newest


def test_a_highlight_is_safe_to_show(riverton, publish, api):
    publish(riverton, ["on_track"], word="<script>alert(1)</script> fair")
    hit = api("search", q="fair", kind="action").json()["results"][0]
    assert hit["title"].startswith("<script>")
    assert hit["highlight"]["title"].startswith("&lt;script&gt;alert(1)&lt;/script&gt; <mark>fair</mark>")


def test_a_fallback_to_the_database_is_noted(api, monkeypatch):
    assert api("search").json()["notice"] is None
    fallback_results = SearchResults(hits=[], total=0, facets={}, notice="Search is slower than usual.")
    monkeypatch.setattr("search.service.search", lambda *_args, **_params: fallback_results)
    assert api("search").json()["notice"] == "Search is slower than usual."


def test_an_unchanged_response_is_304(content, api):
    first = api("search", q="library")
    assert api("search", q="library", headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert api("search", q="libraries", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_search_needs_as_many_queries_for_a_hundred_hits_as_for_two(content, api):
    def count_queries(size):
        api("search", q="library", page_size=size)
        with CaptureQueriesContext(connection) as queries:
            api("search", q="library", page_size=size)
        return len(queries)

    assert count_queries(2) == count_queries(10) == count_queries(100)
