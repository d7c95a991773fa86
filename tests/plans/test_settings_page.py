"""The page of a city's settings."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tenants.models import Jurisdiction
from tests.plans.pages import url

SETTINGS = {
    "short_name": "Riverton",
    "tagline": "On the river",
    "brand_color": "#0d5257",
    "accent_color": "#f2b632",
    "timezone": "America/Denver",
    "languages": "en, es",
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"brand_color": "#ffcc00"}, "Choose a darker color"),
        ({"brand_color": "red;}"}, "is not a color"),
        ({"fiscal_year_start_month": "13"}, "Select a valid choice"),
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
