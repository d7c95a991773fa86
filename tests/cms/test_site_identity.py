"""Wagtail's pages bear the name and logo of the site that is edited, and lead back to where it is run."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms.models import HomePage, NarrativePage
from tenants.models import Jurisdiction

pytestmark = pytest.mark.django_db


@pytest.fixture
def editors(riverton: Any, alliance: Any, make_user: Any, client_for: Any) -> dict[str, Any]:
    return {
        "city": client_for(riverton, make_user(riverton, "contributor")),
        "alliance": client_for(alliance, make_user(alliance, "library_curator")),
    }


def test_a_citys_editor_bears_the_citys_name_and_the_alliances_its_own(editors: Any, riverton: Any) -> None:
    city, alliance = (editors[name].get("/cms/").text for name in ("city", "alliance"))
    assert re.search(r"<h1[^>]*>\s*City of Riverton\s*</h1>", city)
    main = city.partition("<main")[2]
    assert "editor guide" not in main
    assert "City of Riverton" in main
    assert "Common Table" not in main
    assert re.search(r"<title>\s*[^<]*City of Riverton\s*</title>", city)
    assert re.search(r"<h1[^>]*>\s*Common Table\s*</h1>", alliance)
    assert str(settings.WAGTAIL_SITE_NAME) == "Common Table"


def test_the_menu_has_the_sites_logo_or_its_initials(editors: Any, riverton: Any) -> None:
    def branding(name: str) -> str:
        text = editors[name].get("/cms/").text
        return text.partition("data-wagtail-sidebar-branding-logo>")[2].partition("</template>")[0]

    assert ">R<" in branding("city")
    Jurisdiction.objects.filter(pk=riverton.pk).update(logo="brand/logo.png")
    assert "brand/logo.png" in branding("city")
    assert "img/mark.svg" in branding("alliance")


def test_the_editor_leads_back(editors: Any) -> None:
    assert '"/workspace/"' in editors["city"].get("/cms/").text
    assert "Back to workspace" in editors["city"].get("/cms/").text
    assert "Back to my account" in editors["alliance"].get("/cms/").text
    assert '"/workspace/"' not in editors["alliance"].get("/cms/").text


def test_the_narrative_opens_in_the_editor_directly(editors: Any, riverton: Any, in_city: Any) -> None:
    with in_city(riverton):
        page = NarrativePage.objects.get()
    response = editors["city"].get("/cms/narrative/")
    assert response["Location"] == f"/cms/pages/{page.pk}/edit/"
    assert editors["city"].get(response["Location"]).status_code == 200


def test_without_a_narrative_the_form_that_adds_it_opens(editors: Any, riverton: Any, in_city: Any) -> None:
    with in_city(riverton):
        NarrativePage.objects.get().delete()
        home = HomePage.objects.get()
    response = editors["city"].get("/cms/narrative/")
    assert response["Location"] == f"/cms/pages/add/cms/narrativepage/{home.pk}/"
    assert editors["city"].get(response["Location"]).status_code == 200
    with in_city(riverton):
        assert not NarrativePage.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "department_lead", "member"])
def test_who_may_not_write_finds_no_editor_of_the_narrative(
    riverton: Any, make_user: Any, client_for: Any, role: str
) -> None:
    assert client_for(riverton, make_user(riverton, role)).get("/cms/narrative/").status_code == 404


def test_the_editors_front_page_needs_no_query_for_the_name(editors: Any) -> None:
    editors["city"].get("/cms/")
    with CaptureQueriesContext(connection) as queries:
        str(settings.WAGTAIL_SITE_NAME)
    assert len(queries) == 0
