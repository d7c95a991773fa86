"""sitemap.xml: what an anonymous visitor may see, and nothing else."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import Page, PageViewRestriction, Site

from cms.models import HomePage, NarrativePage, StandardPage
from config import sitemap
from resources import services as library
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tenants.plans import services as plans
from tenants.plans.models import Action, Plan
from tenants.signals import plan_published
from tests.access.canaries import plant_canaries
from tests.dashboard.sample import write_plan
from tests.plan_factories import ActionFactory
from tests.resources.factories import LibraryItemFactory

pytestmark = pytest.mark.django_db

LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
LASTMOD = "{http://www.sitemaps.org/schemas/sitemap/0.9}lastmod"


@pytest.fixture
def city(riverton: Any, in_city: Any) -> Any:
    """A launched city with a public plan: t1 to t8, and t9, which is retired."""
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    plan = write_plan(riverton, visibility=Visibility.PUBLIC)
    with in_city(riverton):
        Plan.objects.exclude(pk=plan.pk).delete()
        plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
    return Jurisdiction.objects.get(pk=riverton.pk)


@pytest.fixture
def get(client_for: Any) -> Callable[..., Any]:
    return lambda jurisdiction, path, user=None: client_for(jurisdiction, user).get(path)


def entries(response: Any) -> dict[str, str | None]:
    """{absolute address: date of change} of a sitemap, in its order."""
    assert response.status_code == 200, response.status_code
    assert response["Content-Type"] == "application/xml"
    urls = list(ElementTree.fromstring(response.content))  # noqa: S314 - our own response
    locations = [url.findtext(LOC) for url in urls]
    assert len(set(locations)) == len(locations)
    return {str(url.findtext(LOC)): url.findtext(LASTMOD) for url in urls}


def paths(jurisdiction: Any, response: Any) -> list[str]:
    locations = list(entries(response))
    assert all(location.startswith(jurisdiction.base_url + "/") for location in locations)
    return [location.removeprefix(jurisdiction.base_url) for location in locations]


def test_a_citys_sitemap_lists_its_pages_its_plan_and_its_actions(city: Any, get: Any, in_city: Any) -> None:
    with in_city(city):
        NarrativePage.objects.get().save_revision().publish()
        contact = StandardPage.objects.get(slug="contact")
        contact.add_child(instance=StandardPage(title="Who answers", slug="who-answers-é"))
    listed = paths(city, get(city, "/sitemap.xml"))
    assert sorted(listed) == sorted(
        [
            *(
                "/",
                "/narrative/",
                "/contact/",
                "/contact/who-answers-%C3%A9/",
                "/accessibility/",
                "/privacy/",
            ),
            *("/plan/", "/data/", *(f"/plan/actions/t{number}/" for number in range(1, 9))),
        ]
    )
    assert {path: get(city, path).status_code for path in listed} == dict.fromkeys(listed, 200)


def test_the_alliances_sitemap_lists_its_pages_and_the_public_library(
    alliance: Any, city: Any, get: Any
) -> None:
    LibraryItemFactory(key="for-all")
    LibraryItemFactory(key="for-members", members=True)
    LibraryItemFactory(key="a-draft", draft=True)
    listed = paths(alliance, get(alliance, "/sitemap.xml"))
    assert sorted(listed) == sorted(
        [
            *("/", "/contact/", "/accessibility/", "/privacy/", "/joining/", "/jurisdictions/", "/progress/"),
            *("/library/", "/api/v1/docs", "/library/for-all/"),
        ]
    )
    assert {path: get(alliance, path).status_code for path in listed} == dict.fromkeys(listed, 200)


def test_a_sitemap_is_the_same_for_everybody(
    city: Any, alliance: Any, get: Any, make_user: Any, in_city: Any
) -> None:
    LibraryItemFactory(members=True)
    users = (make_user(city, "coordinator"), make_user(alliance, "staff_admin"), make_user(city, "member"))
    with in_city(city):
        Plan.objects.update(visibility=Visibility.COHORT)
    for host in (city, alliance):
        anonymous = get(host, "/sitemap.xml").content
        assert {get(host, "/sitemap.xml", user).content for user in users} == {anonymous}


@pytest.mark.parametrize("visibility", [Visibility.INTERNAL, Visibility.COHORT])
def test_a_plan_that_is_not_public_is_not_in_the_sitemap(
    city: Any, get: Any, in_city: Any, visibility: str
) -> None:
    with in_city(city):
        Plan.objects.update(visibility=visibility)
    response = get(city, "/sitemap.xml")
    assert "/" in paths(city, response)
    assert not [path for path in paths(city, response) if path.startswith(("/plan", "/data"))]


def test_drafts_private_pages_and_other_sites_are_not_in_the_sitemap(
    city: Any, get: Any, in_city: Any
) -> None:
    with in_city(city):
        home, contact = HomePage.objects.get(), StandardPage.objects.get(slug="contact")
        home.add_child(instance=StandardPage(title="Draft", slug="canary-draft", live=False))
        contact.add_child(instance=StandardPage(title="Below", slug="canary-below"))
        PageViewRestriction.objects.create(page=contact, restriction_type="login")
        elsewhere = Page.objects.get(depth=1).add_child(instance=Page(title="Else", slug="canary-elsewhere"))
        elsewhere.add_child(instance=StandardPage(title="Page", slug="canary-page"))
        assert Site.objects.count() == 1
    response = get(city, "/sitemap.xml")
    assert "/privacy/" in paths(city, response)
    assert "/contact/" not in paths(city, response)
    assert "canary" not in response.text


def test_a_sitemap_holds_nothing_of_another_host(city: Any, ashford: Any, alliance: Any, get: Any) -> None:
    for jurisdiction in (city, ashford):
        plant_canaries(jurisdiction)  # also into the codes of actions, which are in their addresses
    assert set(re.findall("xq[a-z]{3}|ashford", get(city, "/sitemap.xml").text)) == {"xqriv"}
    assert re.findall("xq[a-z]{3}|ashford|riverton", get(alliance, "/sitemap.xml").text) == []


@pytest.fixture
def dates(get: Any) -> Callable[[Any], dict[str, str | None]]:
    """dates(jurisdiction) is {path: date of change} of its sitemap."""

    def dates(host: Any) -> dict[str, str | None]:
        listed = entries(get(host, "/sitemap.xml"))
        return {url.removeprefix(host.base_url): changed_on for url, changed_on in listed.items()}

    return dates


def days_ahead(days: int) -> Any:
    return time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=days))


def test_what_is_published_changes_the_date(city: Any, alliance: Any, dates: Any, in_city: Any) -> None:
    before = dates(city)
    assert before["/privacy/"] is None  # not known
    with days_ahead(10):
        with in_city(city):
            plans.edit_action(
                Action.objects.get(code="t2"), by=None, reason="Clearer.", title="Unblock all cards"
            )
            StandardPage.objects.get(slug="contact").save_revision().publish()
        library.publish(LibraryItemFactory(key="an-item"), by=None)
        that_day = timezone.localdate().isoformat()
    changed = {path for path, changed_on in dates(city).items() if changed_on != before[path]}
    assert changed == {"/", "/plan/", "/data/", "/plan/actions/t2/", "/contact/"}
    assert {dates(city)[path] for path in changed} == {that_day}
    of_alliance = dates(alliance)
    assert (of_alliance["/library/an-item/"], of_alliance["/"]) == (that_day, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"measures": [{"kind": "how_much", "text": "Cards unblocked"}]},
        {
            "milestones": [
                {"title": "The first thousand", "due_date": dt.date(2027, 1, 1), "due_precision": "day"}
            ]
        },
        {"support": ["Finance"]},
        {"owner_vacant_since": dt.date(2026, 1, 1)},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_only_the_actions_page_shows_changes_its_date(
    city: Any, dates: Any, in_city: Any, fields: dict[str, Any]
) -> None:
    with days_ahead(10), in_city(city):
        plans.edit_action(Action.objects.get(code="t2"), by=None, reason="To count.", **fields)
        that_day = timezone.localdate().isoformat()
    assert [path for path, changed_on in dates(city).items() if changed_on == that_day] == [
        "/plan/actions/t2/"
    ]


def test_an_internal_note_or_a_draft_changes_no_date(
    city: Any, alliance: Any, dates: Any, in_city: Any
) -> None:
    item = library.publish(LibraryItemFactory(), by=None)
    before = dates(city), dates(alliance)
    with days_ahead(10):
        with in_city(city):
            plans.edit_action(Action.objects.get(code="t2"), by=None, resources="Two clerks, 40,000 dollars")
            StandardPage.objects.get(slug="contact").save_revision()
        item.save_revision()
    assert (dates(city), dates(alliance)) == before


def test_the_number_of_queries_does_not_grow(city: Any, alliance: Any, client_for: Any, in_city: Any) -> None:
    def count_queries(host: Any) -> tuple[int, int]:
        client = client_for(host)
        client.get("/sitemap.xml")
        with CaptureQueriesContext(connection) as queries:
            response = client.get("/sitemap.xml")
        return len(queries), len(entries(response))

    before = [count_queries(host) for host in (city, alliance)]
    LibraryItemFactory.create_batch(20)
    with in_city(city):
        outcome = Action.objects.get(code="t1").outcome
        ActionFactory.create_batch(20, outcome=outcome)
        contact = StandardPage.objects.get(slug="contact")
        for number in range(10):
            contact.add_child(instance=StandardPage(title=f"Page {number}", slug=f"page-{number}"))
    after = [count_queries(host) for host in (city, alliance)]
    assert after == [(before[0][0], before[0][1] + 30), (before[1][0], before[1][1] + 20)]
    assert max(count for count, _entries in after) < 14


def test_a_long_sitemap_is_an_index_of_its_parts(
    city: Any, get: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(entries(get(city, "/sitemap.xml")))
    monkeypatch.setattr(sitemap.HostSitemap, "limit", 5)
    parts = list(entries(get(city, "/sitemap.xml")))
    assert parts == [f"{city.base_url}/sitemap.xml?p={number}" for number in range(1, len(parts) + 1)]
    assert len(parts) == -(-len(whole) // 5)
    listed = [url for part in parts for url in entries(get(city, part.removeprefix(city.base_url)))]
    assert listed == whole
    for query in ("p=99", "p=x", "p=0", "p="):
        assert get(city, f"/sitemap.xml?{query}").status_code == 404


@pytest.mark.parametrize("host", ["city", "alliance"])
def test_head_is_answered_as_get_is(request: Any, client_for: Any, host: str) -> None:
    """That it is in the cache of pages: tests/speed/test_page_cache.py."""
    client = client_for(request.getfixturevalue(host))
    head, whole = client.head("/sitemap.xml"), client.get("/sitemap.xml")
    assert (head.status_code, head.content, head["Content-Type"]) == (200, b"", whole["Content-Type"])
