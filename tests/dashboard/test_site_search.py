"""The search box in the head of a city's pages."""

from __future__ import annotations

import re

import pytest

from tenants.plans.models import Plan
from tests.dashboard.responses import action_codes


@pytest.mark.parametrize("url", ["/", "/plan/", "/plan/actions/t5/", "/data/", "/narrative/", "/contact/"])
def test_every_page_has_a_labeled_form_that_needs_no_script(public_plan, anonymous_client, url):
    page = anonymous_client.get(url).text
    form = re.search(r'<form class="site-search".*?</form>', page, re.DOTALL)[0]
    assert 'action="/#actions"' in form
    assert 'method="get"' in form
    assert '<label class="usa-sr-only" for="site-q">' in form
    assert "hx-" not in form


def test_its_address_lists_the_actions_that_have_the_words(public_plan, anonymous_client):
    page = anonymous_client.get("/", {"q": "eviction help"})
    assert action_codes(page) == ["t5"]
    assert re.search(r'id="site-q"[^>]*value="eviction help"', page.text)


def test_without_a_plan_there_is_nothing_to_search(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        Plan.objects.update(visibility="internal")
    assert "site-search" not in anonymous_client.get("/").text
