"""The page of a city's settings."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tenants.models import AuditEvent, Jurisdiction
from tests.plans.pages import url

SETTINGS = {
    "short_name": "Riverton",
    "tagline": "On the river",
    "brand_color": "#0d5257",
    "accent_color": "#f2b632",
    "timezone": "America/Denver",
    "languages": "en",
    "other_languages": ["es"],
    "fiscal_year_start_month": "10",
}


def picture(kind: str = "JPEG", size: tuple[int, int] = (900, 300)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "#0d5257").save(buffer, kind)
    return buffer.getvalue()


def test_settings_are_saved_and_the_logo_becomes_a_small_png(
    coordinator_client, riverton, in_city, media_folder
):
    saved = coordinator_client.post(
        url("settings"), SETTINGS | {"logo": SimpleUploadedFile("x.jpg", picture())}
    )
    assert saved.status_code == 302
    riverton.refresh_from_db()
    assert (riverton.tagline, riverton.fiscal_year_start_month) == ("On the river", 10)
    with in_city(riverton):
        logo = Image.open(riverton.logo)
        assert (logo.format, logo.size) == ("PNG", (512, 171))
    coordinator_client.post(url("settings"), SETTINGS | {"remove_logo": "on"})
    riverton.refresh_from_db()
    assert not riverton.logo


CONTACT = {
    "contact_name": "Office of Racial Equity",
    "contact_email": "equity@riverton.example",
    "contact_phone": "(555) 010-0142 ext. 7",
    "contact_website": "www.riverton.example/equity",
}


def test_the_contact_is_saved_and_logged(coordinator_client, riverton, coordinator):
    saved = coordinator_client.post(url("settings"), SETTINGS | CONTACT)
    assert saved.status_code == 302
    riverton.refresh_from_db()
    assert {name: getattr(riverton, name) for name in CONTACT} == CONTACT | {
        "contact_website": "https://www.riverton.example/equity"
    }
    event = AuditEvent.objects.get(verb="changed")
    assert event.actor == coordinator
    assert event.detail["contact_phone"] == {"from": "", "to": "(555) 010-0142 ext. 7"}


def test_time_zone_and_languages_are_lists_that_keep_what_the_city_has(coordinator_client, riverton):
    Jurisdiction.objects.filter(pk=riverton.pk).update(
        timezone="America/Boise", languages=["es", "xx", "en", "hmn"]
    )
    form = coordinator_client.get(url("settings")).context["form"]
    assert ("America/Boise", "America/Boise") in form.fields["timezone"].choices
    assert (form["languages"].value(), form["other_languages"].value()) == ("es", ["xx", "en", "hmn"])
    coordinator_client.post(
        url("settings"),
        SETTINGS
        | {"timezone": "America/Boise", "languages": "en", "other_languages": ["so", "es", "xx", "en"]},
    )
    riverton.refresh_from_db()
    assert (riverton.timezone, riverton.languages) == ("America/Boise", ["en", "es", "xx", "so"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"brand_color": "#ffcc00"}, "Choose a darker color"),
        ({"brand_color": "red;}"}, "is not a color"),
        ({"fiscal_year_start_month": "13"}, "Select a valid choice"),
        ({"timezone": "America/Nowhere"}, "Select a valid choice"),
        ({"languages": "english!"}, "Select a valid choice"),
        ({"contact_email": "equity office"}, "valid email"),
        ({"contact_phone": "call us"}, "is not a phone number"),
        ({"contact_website": "javascript:alert(1)"}, "Website"),
        ({"logo": SimpleUploadedFile("x.png", b"<svg onload=alert(1)>")}, "not a picture"),
        ({"logo": SimpleUploadedFile("x.png", picture("PNG", (7000, 10)))}, "is the most"),
    ],
)
def test_invalid_settings_are_refused_and_change_nothing(coordinator_client, riverton, change, message):
    before = Jurisdiction.objects.filter(pk=riverton.pk).values().get()
    response = coordinator_client.post(url("settings"), SETTINGS | change)
    assert response.status_code == 422
    assert message in response.text
    assert Jurisdiction.objects.filter(pk=riverton.pk).values().get() == before
