"""How readers reach the office: the contact page, the footer, and the doors that lead there."""

from __future__ import annotations

import re
from email.headerregistry import Address
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cms.models import NarrativePage, StandardPage
from tenants.jurisdictions import services
from tenants.jurisdictions.contact import MAX_SUBJECT_LENGTH, mailto_url, phone_url
from tenants.models import Jurisdiction
from tenants.plans.labels import format_subject
from tests.plan_factories import ActionFactory

pytestmark = pytest.mark.django_db

CONTACT = {
    "contact_name": "Office of Racial Equity",
    "contact_email": "equity@riverton.example",
    "contact_phone": "(202) 555-0142 ext. 7",
    "contact_website": "https://www.riverton.example/equity",
}


@pytest.fixture
def city(riverton: Any) -> Any:
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    return Jurisdiction.objects.get(pk=riverton.pk)


def set_contact(jurisdiction: Any, **contact: str) -> None:
    services.change_jurisdiction(jurisdiction, by=None, **(dict.fromkeys(CONTACT, "") | contact))


def reader(client_for: Any, jurisdiction: Any) -> Any:
    return client_for(Jurisdiction.objects.get(pk=jurisdiction.pk))


def asked_email(text: str) -> tuple[str, dict[str, str]]:
    """The address and the fields of the link "Ask about this action"."""
    link = re.search(r'href="([^"]+)"[^>]*>Ask about this action<', text).group(1)
    url = urlsplit(link.replace("&amp;", "&"))
    return url.path, {name: values[0] for name, values in parse_qs(url.query).items()}


def main_of(response: Any) -> str:
    return response.text.partition("<main")[2].partition("</main>")[0]


def test_the_contact_is_on_its_page_with_links_and_in_every_footer(client_for, city, alliance):
    for site in (city, alliance):
        set_contact(site, **CONTACT)
        page = main_of(reader(client_for, site).get("/contact/"))
        assert "Office of Racial Equity" in page
        assert 'href="mailto:equity@riverton.example"' in page
        assert 'href="tel:2025550142;ext=7"' in page
        assert 'href="https://www.riverton.example/equity">riverton.example/equity<' in page
        footer = reader(client_for, site).get("/accessibility/").text.partition("<footer")[2]
        assert 'href="mailto:equity@riverton.example"' in footer
        assert 'href="tel:2025550142;ext=7"' in footer


def test_without_a_contact_the_page_says_so_and_nothing_promises_more(client_for, city, in_city):
    with in_city(city):
        action = ActionFactory(outcome__goal__plan__visibility="public")
        narrative = NarrativePage.objects.get()
        narrative.save_revision().publish()
    client = reader(client_for, city)
    assert "This office has not added contact details yet." in main_of(client.get("/contact/"))
    text = main_of(client.get(f"/plan/actions/{action.code}/"))
    assert "This office has not added contact details yet." in text
    assert "Ask about this action" not in text
    assert "Have a question or a correction? Let us know." not in client.get("/narrative/").text
    assert not re.search(r"mailto:[^?]", client.get("/").text)  # the link to pass the page on names nobody


def test_an_action_is_asked_about_by_email_with_its_name(client_for, city, in_city):
    set_contact(city, contact_email="equity+plan@riverton.example")
    with in_city(city):
        action = ActionFactory(number="4", title="Fines & fees: pay 100% “less”?\nSoon.")
    text = main_of(reader(client_for, city).get(f"/plan/actions/{action.code}/"))
    address, fields = asked_email(text)
    assert Address(addr_spec=address.replace("%2B", "+")).username == "equity+plan"
    assert fields["subject"] == "Action 4: Fines & fees: pay 100% “less”? Soon"
    assert fields["body"].strip() == f"{city.base_url}/plan/actions/{action.code}/"


def test_without_an_email_address_the_contact_page_names_the_action(client_for, city, in_city):
    set_contact(city, contact_phone="(202) 555-0142")
    with in_city(city):
        action = ActionFactory(number="4", title="Eviction help")
    client = reader(client_for, city)
    text = main_of(client.get(f"/plan/actions/{action.code}/"))
    assert f'href="/contact/?action={action.code}"' in text
    page = main_of(client.get(f"/contact/?action={action.code}"))
    assert f'<a href="/plan/actions/{action.code}/">4 Eviction help</a>' in page
    assert "tel:2025550142" in page


@pytest.mark.parametrize("code", ["nothing", "\0", "a" * 300, "<script>"])
def test_an_unknown_action_is_not_named(client_for, city, code):
    response = reader(client_for, city).get("/contact/", {"action": code})
    assert response.status_code == 200
    assert "Ask about this action" not in response.text


def test_an_action_that_the_reader_may_not_see_is_not_named(client_for, city, in_city, make_user):
    with in_city(city):
        hidden = ActionFactory(title="A secret step", outcome__goal__plan__visibility="internal")
    path = f"/contact/?action={hidden.code}"
    assert "A secret step" not in reader(client_for, city).get(path).text
    assert "A secret step" in client_for(city, make_user(city, "viewer")).get(path).text


def test_a_site_without_a_page_of_its_own_still_has_a_contact_page(client_for, city, in_city):
    set_contact(city, **CONTACT)
    with in_city(city):
        StandardPage.objects.get(slug="contact").unpublish()
    response = reader(client_for, city).get("/contact/")
    assert response.status_code == 200
    assert "<h1>Contact</h1>" in response.text
    assert "mailto:equity@riverton.example" in main_of(response)


def test_pages_that_ask_to_write_lead_to_the_contact(client_for, city, alliance):
    set_contact(city, **CONTACT)
    set_contact(alliance, **CONTACT)
    for site, path in ((city, "/accessibility/"), (alliance, "/accessibility/"), (alliance, "/joining/")):
        page = main_of(reader(client_for, site).get(path))
        assert '<a href="/contact/">contact page</a>' in page, path
        assert "mailto:equity@riverton.example" in page, path
    for site in (city, alliance):
        assert 'href="/contact/"' in main_of(reader(client_for, site).get("/no-such-page/"))


def test_the_alliances_contact_is_changed_by_its_administrator_alone(client_for, alliance, make_user):
    client = client_for(alliance, make_user(alliance, "staff_admin"))
    assert "The alliance’s contact" in client.get("/staff/").text
    assert client.post("/staff/contact/", CONTACT).status_code == 302
    alliance.refresh_from_db()
    assert alliance.contact_email == "equity@riverton.example"
    onboarding = client_for(alliance, make_user(alliance, "staff_onboarding"))
    assert "The alliance’s contact" not in onboarding.get("/staff/").text
    refused = onboarding.post("/staff/contact/", {"contact_email": "other@riverton.example"})
    assert refused.status_code == 404
    wrong = client.post("/staff/contact/", {"contact_phone": "call us"})
    assert wrong.status_code == 422
    assert "is not a phone number" in wrong.text
    alliance.refresh_from_db()
    assert alliance.contact_email == "equity@riverton.example"


def test_links_are_encoded() -> None:
    assert mailto_url("a b@x.example", subject="50% & more\n?", body="1\n2") == (
        "mailto:a%20b@x.example?subject=50%25%20%26%20more%20%3F&body=1%0D%0A2"
    )
    long = parse_qs(urlsplit(mailto_url("a@x.example", subject="word " * 100)).query)["subject"][0]
    assert len(long) <= MAX_SUBJECT_LENGTH
    assert long.endswith("…")
    assert phone_url("+1 (202) 555-0142") == "tel:+12025550142"
    assert phone_url("202.555.0142, x12") == "tel:2025550142;ext=12"


def test_the_subject_of_an_action_without_a_number_has_no_number() -> None:
    assert format_subject(ActionFactory.build(number="", title="Help.", outcome=None)) == "Action: Help"
