"""Searching in a browser: suggestions and filters in place, and the same by plain forms and links."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import pytest
from playwright.sync_api import expect

from search.indexing.store import add_terms
from tests.browser.axe import NARROW, assert_accessible, assert_accessible_and_responsive
from tests.browser.conftest import Site
from tests.search.factories import DocumentFactory


@pytest.fixture(scope="module")
def library(site: Site, django_db_blocker: Any) -> Site:
    """Twelve items on fines, three of them evaluated, and one for members only."""
    with django_db_blocker.unblock():
        for number in range(12):
            DocumentFactory(
                title=f"Ending library fines {number}",
                summary="Cards were unblocked.",
                evidence="evaluated" if number < 3 else "described",
                origin="Quill Lake",
            )
        DocumentFactory(members=True, title="Fines among members")
        add_terms(["library", "fines"])
    connection = HTTPConnection("127.0.0.1", site.port, timeout=120)
    connection.request("GET", "/search/", headers={"Host": f"portal.localhost:{site.port}"})
    assert connection.getresponse().status == 200
    connection.close()
    return site


def test_results_are_filtered_unfiltered_and_paginated(library: Site, new_page: Any, scripts: bool) -> None:
    page = new_page(scripts=scripts)
    page.goto(library.url("portal", "/search/"))
    page.get_by_role("searchbox").fill("libary fines")
    page.get_by_role("button", name="Search", exact=True).click()
    count = page.locator("#count")
    assert "Showing results for library fines" in page.locator("main").inner_text()
    assert count.inner_text() == "12 results"

    page.get_by_text("Evaluated", exact=True).first.click()
    if not scripts:
        page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**evidence=evaluated**")
    page.get_by_role("heading", name="3 results").wait_for()
    assert page.locator(".result h3").count() == 3

    page.get_by_role("link", name="Remove filter: Evidence: Evaluated").click()
    page.get_by_role("heading", name="12 results").wait_for()
    page.get_by_role("link", name="Next").click()
    page.get_by_text("11 to 12 of 12").wait_for()
    assert "page=2" in page.url
    assert "among members" not in page.content()


def test_ticking_a_filter_keeps_the_focus_and_announces_the_count(library: Site, new_page: Any) -> None:
    page = new_page(viewport=NARROW)
    page.goto(library.url("portal", "/search/?q=fines"))
    page.get_by_text("Narrow down").first.click()

    page.get_by_text("Evaluated", exact=True).first.click()

    page.wait_for_url("**evidence=evaluated**")
    page.get_by_role("heading", name="3 results").wait_for()
    expect(page.locator("#evidence-evaluated")).to_be_focused()
    expect(page.locator("#live-region")).to_have_text("3 results")
    assert_accessible(page)


def test_suggestions_link_to_their_items(library: Site, new_page: Any) -> None:
    page = new_page()
    page.goto(library.url("portal", "/search/"))

    page.get_by_role("searchbox").press_sequentially("endi")

    page.locator(".suggestions a").first.wait_for()
    assert page.locator(".suggestions a").first.inner_text().strip() == "Ending library fines 0"
    assert_accessible_and_responsive(page)
