"""The first pages of a city's site and of the alliance's."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from wagtail.models import Page, Site

from cms.models import AlliancePage, HomePage, NarrativePage, StandardPage
from cms.site_setup import set_up_alliance_site, set_up_city_site
from tenants.jurisdictions import services

pytestmark = pytest.mark.django_db


def test_a_new_city_has_a_site_with_its_pages_at_its_own_host(in_city: Any) -> None:
    jurisdiction = services.open_jurisdiction(name="City of Testwick", slug="testwick", by=None)

    with in_city(jurisdiction):
        site = Site.objects.get()
        assert site.hostname == jurisdiction.host
        assert site.root_page.specific == HomePage.objects.get()
        assert HomePage.objects.get().title == "City of Testwick"
        assert set(StandardPage.objects.live().values_list("slug", flat=True)) == {
            "contact",
            "accessibility",
            "privacy",
        }
        assert not NarrativePage.objects.get(slug="narrative").live
        assert not Page.objects.filter(title__startswith="Welcome").exists()


def test_the_migration_that_removes_wagtails_welcome_page_leaves_sites_unchanged(
    riverton: Any, in_city: Any
) -> None:
    (operation,) = import_module("cms.migrations.0003_no_welcome_page").Migration.operations
    with in_city(riverton), connection.cursor() as cursor:
        before = [*Page.objects.order_by("pk").values(), *Site.objects.values()]
        for statement in operation.sql:
            cursor.execute(statement)
        assert [*Page.objects.order_by("pk").values(), *Site.objects.values()] == before


def test_no_two_cities_share_a_translation_key(riverton: Any, ashford: Any, in_city: Any) -> None:
    keys = []
    for jurisdiction in (riverton, ashford):
        with in_city(jurisdiction):
            keys += Page.objects.values_list("translation_key", flat=True)
    assert len(keys) == len(set(keys)) >= 12


def test_setting_up_a_site_again_changes_no_page(riverton: Any, in_city: Any) -> None:
    with in_city(riverton):
        HomePage.objects.update(lead="Our own words")
        before = list(Page.objects.order_by("pk").values_list("pk", "title", "path"))
        set_up_city_site(riverton)
        assert list(Page.objects.order_by("pk").values_list("pk", "title", "path")) == before
        assert HomePage.objects.get().lead == "Our own words"


def test_the_alliances_words_are_for_every_kind_of_member(alliance: Any, client_for: Any) -> None:
    home = set_up_alliance_site()
    client = client_for(alliance)
    headings = [settings.ALLIANCE_TAGLINE, home.title, home.headline]
    pages = [client.get("/").text, client.get("/jurisdictions/").text]
    for page in pages:
        assert settings.ALLIANCE_TAGLINE in page
        headings += re.findall(r"<title>(.*?)</title>|<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
        assert "cities, counties, tribes and other governments." in page
    assert len(headings) == 7
    for words in headings:
        assert not re.search(r"\b(cit(y|ies)|count(y|ies)|towns?)\b", str(words), re.IGNORECASE), words


def test_setting_up_the_alliances_site_twice_creates_one_home_page(alliance: Any) -> None:
    first = set_up_alliance_site()
    second = set_up_alliance_site()
    call_command("set_up_site", verbosity=0)

    assert first.pk == second.pk == AlliancePage.objects.get().pk
    assert Site.objects.get().hostname == alliance.host
    assert not NarrativePage.objects.exists()
    assert set(first.get_children().values_list("slug", flat=True)) == {
        "joining",
        "contact",
        "accessibility",
        "privacy",
    }
