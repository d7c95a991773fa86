"""The search in the API: the page's answer, for programs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search import service
from search.types import SearchResults


@pytest.fixture
def everything(library, riverton, publish):
    publish(riverton, ["on_track", None], word="Fair libraries")


def test_a_search_answers_without_a_closing_slash_and_says_what_it_found(everything, api):
    found = api("search", q="library fines", kind="library")
    assert found.status_code == 200
    told = found.json()
    assert told["total"] == len(told["results"]) or told["next"]
    first = told["results"][0]
    assert first["kind"] == "library"
    assert first["url"] == f"http://portal.localhost/library/{first['key']}/"
    assert first["title"]
    assert (
        "<mark>"
        in first["highlight"]["title"] + first["highlight"]["summary"] + first["highlight"]["excerpt"]
    )
    assert api(f"library/{first['key']}").json()["title"] == first["title"]


def test_hits_of_cities_lead_to_their_sites_and_their_rows(everything, api):
    hit = api("search", q="fair", kind="action").json()["results"][0]
    assert hit["key"] is None
    assert hit["url"].startswith("http://riverton.localhost/plan/actions/")
    assert api(f"actions/{hit['id']}").json()["url"] == hit["url"]


def test_facets_count_what_the_page_counts(everything, api):
    told = api("search", q="library", topic="libraries").json()
    answer = service.search("library", audience="public", filters={"topic": ["libraries"]})
    assert told["total"] == answer.total > 0
    counted = {
        name: {value["value"]: value["count"] for value in values} for name, values in told["facets"].items()
    }
    assert counted == {name: dict(counts) for name, counts in answer.facets.items() if counts}
    assert {"value": "libraries", "label": "Libraries"}.items() <= next(
        value.items() for value in told["facets"]["topic"] if value["value"] == "libraries"
    )


def test_pages_follow_each_other_without_gap(everything, api):
    whole = [hit["id"] for hit in api("search", page_size=100).json()["results"]]
    page, found = api("search", page_size=10), []
    while True:
        found += [hit["id"] for hit in page.json()["results"]]
        if not page.json()["next"]:
            break
        page = page.client.get(page.json()["next"])
    assert found == whole
    assert api("search", page_size=10, page=2).json()["previous"].endswith("page_size=10&page=1")


def test_what_was_searched_for_besides_is_said(everything, api):
    assert api("search", q="libary").json()["corrected"] == "library"
    plain = api("search", q="procurement").json()
    exact = api("search", q="procurement", exact="true").json()
    assert "contracting" in plain["also"]
    assert exact["also"] == []
    assert exact["total"] <= plain["total"]


def test_the_newest_come_first_if_asked(everything, api):
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


def test_a_search_that_the_database_answers_for_the_engine_says_so(api, monkeypatch):
    assert api("search").json()["notice"] is None
    standing_in = SearchResults(hits=[], total=0, facets={}, notice="Search is slower than usual.")
    monkeypatch.setattr("search.service.search", lambda *_words, **_asked: standing_in)
    assert api("search").json()["notice"] == "Search is slower than usual."


def test_the_same_answer_is_304(everything, api):
    first = api("search", q="library")
    assert api("search", q="library", headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert api("search", q="libraries", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_search_asks_as_often_for_a_hundred_hits_as_for_ten(everything, api):
    def asked(size):
        api("search", q="library", page_size=size)
        with CaptureQueriesContext(connection) as found:
            api("search", q="library", page_size=size)
        return len(found)

    assert asked(2) == asked(10) == asked(100)
