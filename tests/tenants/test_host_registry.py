"""A host name leads to the right jurisdiction, also after errors and changes."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test import Client

from tenants.jurisdictions import services
from tenants.models import Domain, Jurisdiction
from tenants.web import host_registry

pytestmark = pytest.mark.django_db

CITIES = {"riverton": "America/Chicago", "ashford": "America/Los_Angeles", "millbrook": "America/New_York"}


@pytest.fixture(autouse=True)
def _test_urls(settings):
    settings.ROOT_URLCONF = "tests.tenants.urls"
    settings.PUBLIC_SCHEMA_URLCONF = "tests.tenants.urls_alliance"


@pytest.fixture
def launched(db):
    Jurisdiction.objects.tenants().update(site_state=Jurisdiction.SiteState.LAUNCHED)


def get(host, path="/where/", **headers):
    return Client(raise_request_exception=False).get(path, headers={"host": host, **headers})


@pytest.mark.parametrize("slug", CITIES)
def test_a_host_is_served_from_its_own_schema_in_its_own_time(slug, launched):
    assert get(f"{slug}.localhost").json() == {
        "jurisdiction": f"c_{slug}",
        "schema": f"c_{slug}",
        "search_path": f"c_{slug}, public",
        "time_zone": CITIES[slug],
        "language": "en-us",
    }
    assert connection.schema_name == "public"


def test_the_alliance_has_its_test_urls(db):
    assert get(django_settings.ALLIANCE_HOST).json()["search_path"] == "public"


@pytest.mark.parametrize("host", ["riverton.localhost:8000", "riverton.localhost:1"])
def test_the_port_does_not_matter(host, launched):
    assert get(host).json()["jurisdiction"] == "c_riverton"


@pytest.mark.parametrize(
    "host",
    [
        "nowhere.localhost",
        "localhost",
        "RIVERTON.localhost",
        "Riverton.Localhost",
        "riverton.localhost.",
        "www.riverton.localhost",
        "riverton.localhost.evil.example",
        "evil-riverton.localhost",
        "127.0.0.1",
        "127.0.0.1:8000",
        "[::1]",
        "[::1]:8000",
        "c_riverton",
        "template.localhost",
        "public.localhost",
        "alliance.localhost",
    ],
)
def test_a_host_that_is_not_registered_letter_for_letter_is_404(host, launched):
    assert get(host).status_code in (400, 404)


@pytest.mark.parametrize(
    "host",
    [
        "riverton.localhost:abc",
        "riverton.localhost:",
        "a b",
        "river/ton.localhost",
        "riverton.localhost@evil",
        "",
    ],
)
def test_an_invalid_host_name_is_refused(host, launched):
    assert get(host).status_code in (400, 404)


def test_a_forwarded_host_is_ignored(launched):
    response = get(
        "riverton.localhost",
        **{"x-forwarded-host": "ashford.localhost", "forwarded": "host=ashford.localhost"},
    )
    assert response.json()["jurisdiction"] == "c_riverton"


def test_no_query_within_the_cache_time(launched, settings, django_assert_num_queries):
    settings.HOST_CACHE_SECONDS = 60
    host_registry.get_jurisdiction("riverton.localhost")
    with django_assert_num_queries(0):
        assert host_registry.get_jurisdiction("riverton.localhost").schema_name == "c_riverton"
        assert host_registry.get_jurisdiction("ashford.localhost").schema_name == "c_ashford"
        assert host_registry.get_jurisdiction("nowhere.localhost") is None


def test_a_check_without_a_change_is_one_query(launched, django_assert_num_queries):
    host_registry.get_jurisdiction("riverton.localhost")
    with django_assert_num_queries(1):
        host_registry.get_jurisdiction("riverton.localhost")


def test_every_kind_of_change_is_seen(db):
    def current():
        return host_registry.get_jurisdiction("riverton.localhost")

    Jurisdiction.objects.filter(slug="riverton").update(short_name="One")
    assert current().short_name == "One"
    Jurisdiction.objects.filter(slug="riverton").update(short_name="Two")  # twice in one transaction
    assert current().short_name == "Two"
    with transaction.atomic():
        Jurisdiction.objects.filter(slug="riverton").update(short_name="Three")
        assert current().short_name == "Three"
        transaction.set_rollback(True)
    assert current().short_name == "Two"
    Domain.objects.create(domain="equity.riverton.example", tenant=current(), is_primary=False)
    assert host_registry.get_jurisdiction("equity.riverton.example").slug == "riverton"
    Domain.objects.filter(domain="equity.riverton.example").delete()
    assert host_registry.get_jurisdiction("equity.riverton.example") is None


def test_a_city_is_served_as_soon_as_it_is_opened(db):
    assert get("newtown.localhost").status_code == 404
    jurisdiction = services.open_jurisdiction(name="Newtown", slug="newtown", by=None)
    Jurisdiction.objects.filter(pk=jurisdiction.pk).update(site_state="launched")
    assert get("newtown.localhost").json()["schema"] == "c_newtown"


def test_what_one_request_writes_on_its_jurisdiction_no_other_sees(launched):
    assert get("riverton.localhost", "/modify-tenant/").content == b"done"
    jurisdiction = host_registry.get_jurisdiction("riverton.localhost")
    assert jurisdiction.name == "City of Riverton"
    assert jurisdiction.languages == []


def test_after_an_exception_the_connection_is_back_in_public(launched):
    assert get("riverton.localhost", "/broken/").status_code == 500
    assert connection.schema_name == "public"
    assert get("ashford.localhost").json()["search_path"] == "c_ashford, public"


def test_after_a_rollback_the_city_is_still_active(launched):
    assert get("riverton.localhost", "/rolled-back/").json()["search_path"] == "c_riverton, public"


def test_a_streaming_response_is_made_in_the_city(launched):
    response = get("riverton.localhost", "/streamed/")
    assert connection.schema_name == "public"
    assert b"".join(response.streaming_content) == b"c_riverton, public\n" * 3
    assert connection.schema_name == "public"


def test_languages_are_those_the_city_offers(launched, settings):
    settings.LANGUAGES = [("en-us", "English"), ("es", "Spanish")]

    def language(**headers):
        return get("riverton.localhost", **headers).json()["language"]

    assert language(**{"accept-language": "es"}) == "es"
    Jurisdiction.objects.filter(slug="riverton").update(languages=["en"])
    assert language(**{"accept-language": "es"}) == "en-us"
    Jurisdiction.objects.filter(slug="riverton").update(languages=["es", "so"])
    assert language(**{"accept-language": "de"}) == "es"
