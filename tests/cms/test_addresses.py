"""A page cannot take an address at which the portal itself answers, and Wagtail's own addresses keep their names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.urls import clear_url_caches, include, path
from wagtail.models import Page
from wagtail.test.utils.form_data import inline_formset, nested_form_data, streamfield

from accounts.models import User
from cms.models import AlliancePage, HomePage, NarrativePage, StandardPage
from cms.urls import BLOCKED_ADMIN_NAMES, PREVIEW_NAMES
from tenants.web.urlconf import get_top_level_names
from tests.access.addresses import ALLIANCE, CITY, addresses

pytestmark = pytest.mark.django_db


def top_level_names(urlconf: str) -> set[str]:
    """The first segment of every URL pattern, read from its whole route."""
    segments = {re.split(r"[/<(]", address.route.lstrip("^"))[0] for address in addresses(urlconf)}
    return segments - {""}


SHOWS_A_PAGE = {"contact"}  # the view there shows the page of this slug
CASES = [(host, name) for host, urlconf in (("riverton", CITY), ("alliance", ALLIANCE))
         for name in sorted((top_level_names(urlconf) | {"static"}) - SHOWS_A_PAGE)]  # fmt: skip


@pytest.fixture
def editor(client_for: Any) -> Any:
    """editor(jurisdiction) is a browser of somebody who may edit there."""
    operator = User.objects.create_superuser(
        email="operator@alliance.example", password="a long enough phrase"
    )
    return lambda jurisdiction: client_for(jurisdiction, operator)


def home_page(jurisdiction: Any, in_city: Any) -> Page:
    with in_city(jurisdiction):
        return (HomePage if jurisdiction.is_tenant else AlliancePage).objects.get()


def page_form(**changes: Any) -> dict[str, str]:
    fields = {"title": "A page", "slug": "a-page", "lead": "", "body": streamfield([]), "seo_title": ""}
    fields |= {"search_description": "", "go_live_at": "", "expire_at": "", "comments": inline_formset([])}
    return nested_form_data(fields | {"subscribe_to_comments": False} | changes)


def slugs(jurisdiction: Any, in_city: Any) -> list[str]:
    with in_city(jurisdiction):
        return sorted(Page.objects.values_list("slug", flat=True))


def test_the_names_are_those_of_the_urlconf() -> None:
    for urlconf in (CITY, ALLIANCE):
        assert get_top_level_names(urlconf) == top_level_names(urlconf)
    assert {"plan", "workspace", "narrative", "media"} <= get_top_level_names(CITY)
    assert {"demo", "api", "staff", "accounts", "documents"} <= get_top_level_names(ALLIANCE)


@pytest.mark.parametrize("action", [{}, {"action-publish": "Publish"}], ids=["draft", "published"])
@pytest.mark.parametrize(("host", "name"), CASES)
def test_the_form_of_a_new_page_refuses_the_name_at_its_slug(
    request: pytest.FixtureRequest, in_city: Any, editor: Any, host: str, name: str, action: dict[str, str]
) -> None:
    jurisdiction = request.getfixturevalue(host)
    home = home_page(jurisdiction, in_city)
    with in_city(jurisdiction):
        NarrativePage.objects.all().delete()
    before = slugs(jurisdiction, in_city)

    response = editor(jurisdiction).post(
        f"/cms/pages/add/cms/standardpage/{home.pk}/", page_form(slug=name) | action
    )

    assert response.status_code == 200
    errors = response.context["form"].errors["slug"]
    assert len(errors) == 1
    if re.fullmatch(r"[\w-]+", name):  # otherwise it is no slug at all
        assert errors == [f"The portal itself uses “/{name}/”. Choose another address."]
        assert errors[0] in response.text
    assert slugs(jurisdiction, in_city) == before


def test_a_page_below_another_page_may_have_any_slug(riverton: Any, in_city: Any, editor: Any) -> None:
    with in_city(riverton):
        contact = StandardPage.objects.get(slug="contact")
    client = editor(riverton)
    added = client.post(f"/cms/pages/add/cms/standardpage/{contact.pk}/", page_form(slug="data"))
    assert added.status_code == 302
    with in_city(riverton):
        page = StandardPage.objects.get(slug="data")
    assert client.post(f"/cms/pages/{page.pk}/edit/", page_form(slug="plan")).status_code == 302


@pytest.mark.parametrize(("host", "name"), [("riverton", "plan"), ("alliance", "demo")])
def test_a_page_cannot_be_renamed_moved_or_copied_to_the_name(
    request: pytest.FixtureRequest, in_city: Any, editor: Any, host: str, name: str
) -> None:
    jurisdiction = request.getfixturevalue(host)
    home, client = home_page(jurisdiction, in_city), editor(jurisdiction)
    with in_city(jurisdiction):
        contact = StandardPage.objects.get(slug="contact")
        below = contact.add_child(instance=StandardPage(title="Below", slug=name))
    before = slugs(jurisdiction, in_city)
    sentence = f"The portal itself uses “/{name}/”. Choose another address."

    renamed = client.post(f"/cms/pages/{contact.pk}/edit/", page_form(slug=name))
    assert renamed.context["form"].errors["slug"] == [sentence]

    moved = client.post(f"/cms/pages/{below.pk}/move/{home.pk}/confirm/", follow=True)
    assert sentence in moved.text

    bulk = f"/cms/bulk/wagtailcore/page/move/?next=%2Fcms%2F&id={below.pk}"
    assert sentence in client.post(bulk, {"chooser": home.pk}, follow=True).text

    form = {"new_title": "Copy", "new_slug": name, "new_parent_page": home.pk}
    for changes in ({}, {"publish_copies": "on"}, {"alias": "on"}):
        copied = client.post(f"/cms/pages/{below.pk}/copy/", form | changes)
        assert copied.context["form"].errors["new_slug"] == [sentence]

    with in_city(jurisdiction):
        assert slugs(jurisdiction, in_city) == before
        assert StandardPage.objects.get(pk=below.pk).get_parent().pk == contact.pk
        copy = client.post(
            f"/cms/pages/{below.pk}/copy/", form | {"new_parent_page": contact.pk, "new_slug": "api"}
        )
        assert copy.status_code == 302


@pytest.mark.parametrize("live", [True, False])
def test_no_page_is_written_at_such_an_address(riverton: Any, in_city: Any, live: bool) -> None:
    with in_city(riverton):
        home = HomePage.objects.get()
        with pytest.raises(ValidationError, match="The portal itself uses “/plan/”"):
            home.add_child(instance=StandardPage(title="Plan", slug="plan", live=live))
        assert not StandardPage.objects.filter(slug="plan").exists()


# ---- A route added later -----------------------------------------------------------------------------------

urlpatterns = [
    path("", include([path("budget", include([path("/<int:year>/", lambda request, year: None)]))])),
    path("", include("config.urls_city")),
]


def test_a_route_that_is_added_is_refused_at_once(
    riverton: Any, in_city: Any, editor: Any, settings: Any
) -> None:
    home, client = home_page(riverton, in_city), editor(riverton)
    address, form = f"/cms/pages/add/cms/standardpage/{home.pk}/", page_form(title="Budget", slug="budget")
    settings.ROOT_URLCONF = __name__
    clear_url_caches()
    assert "“/budget/”" in client.post(address, form).context["form"].errors["slug"][0]
    settings.ROOT_URLCONF = CITY
    clear_url_caches()
    assert client.post(address, form).status_code == 302


# ---- Names of Wagtail's own URLconf ------------------------------------------------------------------------


def test_the_names_of_blocked_and_previewing_routes_exist() -> None:
    names = {address.name for address in addresses(CITY) if address.route.startswith("cms/")}
    for start in BLOCKED_ADMIN_NAMES:
        assert any(name.startswith(start) for name in names), start
    for part in PREVIEW_NAMES:
        assert any(part in name for name in names), part
    assert connection.schema_name == "public"
