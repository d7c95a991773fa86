"""The page of a city's settings."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tenants.jurisdictions import logos, pictures
from tenants.models import AuditEvent, Jurisdiction
from tests.plans.pages import fields_of, url

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


def opened_page(client) -> dict[str, object]:
    """The data of the settings' form as the page of a browser has it, with the values that it was opened with."""
    response = client.get(url("settings"))
    data = fields_of(response.context["form"])
    assert 'name="initial-tagline"' in response.text
    return data | {f"initial-{name}": value for name, value in data.items()}


def test_two_windows_of_the_settings_lose_nothing_of_each_other(
    coordinator_client, client_for, make_user, riverton
):
    first = opened_page(coordinator_client)
    second = opened_page(client_for(riverton, make_user(riverton, "coordinator")))
    saved = coordinator_client.post(
        url("settings"), first | CONTACT | {"tagline": "On the river", "other_languages": ["es"]}
    )
    assert saved.status_code == 302
    assert coordinator_client.post(url("settings"), second | {"brand_color": "#7a1f2b"}).status_code == 302
    riverton.refresh_from_db()
    assert (riverton.brand_color, riverton.tagline) == ("#7a1f2b", "On the river")
    assert riverton.contact_email == CONTACT["contact_email"]
    assert riverton.languages == ["en", "es"]
    cleared = opened_page(coordinator_client) | {"tagline": "", "other_languages": []}
    coordinator_client.post(url("settings"), cleared)
    riverton.refresh_from_db()
    assert (riverton.tagline, riverton.languages) == ("", ["en"])
    assert riverton.contact_email == CONTACT["contact_email"]


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


PICTURE_TEXTS = {"picture_alt": "Mills along the river", "picture_credit": "Photo: Ana Ruiz"}


def photo(size: tuple[int, int] = (2400, 1200)) -> SimpleUploadedFile:
    """A photo that was held upright, with the place and the camera in its metadata."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "CANARY camera"
    exif.get_ifd(0x8825)[1] = "N"
    buffer = io.BytesIO()
    Image.new("RGB", size, "#0d5257").save(buffer, "JPEG", exif=exif)
    return SimpleUploadedFile("CANARY.jpg", buffer.getvalue())


def test_a_picture_is_turned_upright_made_small_and_freed_of_its_metadata(
    coordinator_client, coordinator, riverton, in_city, media_folder, client_for
):
    saved = coordinator_client.post(
        url("settings"), SETTINGS | PICTURE_TEXTS | {"picture": photo((1200, 2400))}
    )
    assert saved.status_code == 302
    riverton.refresh_from_db()
    with in_city(riverton):
        content = riverton.picture.read()
        path = riverton.picture.url
    stored = Image.open(io.BytesIO(content))
    assert (stored.format, stored.size) == ("JPEG", (1280, 640))
    assert not stored.getexif()
    assert b"CANARY" not in content
    assert "CANARY" not in path
    event = AuditEvent.objects.filter(verb="changed").latest("pk")
    assert event.actor == coordinator
    assert event.detail["picture_credit"] == {"from": "", "to": "Photo: Ana Ruiz"}
    page = coordinator_client.get("/").text
    assert 'class="mast mast--pic"' in page
    assert f'<img src="{path}" alt="Mills along the river">' in page
    assert "<figcaption>Photo: Ana Ruiz</figcaption>" in page
    assert coordinator_client.get(path)["Content-Type"] == "image/jpeg"


def test_the_texts_of_a_picture_change_without_a_new_upload_and_go_with_it(
    coordinator_client, riverton, media_folder
):
    coordinator_client.post(url("settings"), SETTINGS | PICTURE_TEXTS | {"picture": photo()})
    riverton.refresh_from_db()
    before = riverton.picture.name
    coordinator_client.post(
        url("settings"), SETTINGS | PICTURE_TEXTS | {"picture_alt": "The river in spring"}
    )
    riverton.refresh_from_db()
    assert (riverton.picture.name, riverton.picture_alt) == (before, "The river in spring")
    refused = coordinator_client.post(url("settings"), SETTINGS | PICTURE_TEXTS | {"picture_credit": " "})
    assert refused.status_code == 422
    assert "Name who made the picture." in refused.text
    coordinator_client.post(url("settings"), SETTINGS | {"remove_picture": "on"})
    riverton.refresh_from_db()
    assert (riverton.picture.name, riverton.picture_alt, riverton.picture_credit) == ("", "", "")
    assert 'class="mast"' in coordinator_client.get("/").text


def test_the_file_of_a_replaced_or_removed_picture_or_logo_is_gone(
    riverton, in_city, media_folder, django_capture_on_commit_callbacks
):
    def change(service, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return service(riverton, by=None, **kwargs)

    def stored() -> set[str]:
        with in_city(riverton):
            return set(default_storage.listdir("brand")[1])

    texts = {"alt": "Mills", "credit": "Ana Ruiz"}
    for size in ((1200, 600), (600, 1200)):
        changed = change(pictures.change_picture, content=photo(size).read(), **texts)
        assert stored() == {Path(changed.picture.name).name}
    change(pictures.change_picture, content=None, **texts | {"alt": "The river"})
    assert stored() == {Path(changed.picture.name).name}
    for size in ((64, 64), (80, 80)):
        logo = change(logos.change_logo, content=photo(size).read()).logo.name
        assert stored() == {Path(changed.picture.name).name, Path(logo).name}
    change(logos.change_logo, content=None)
    change(pictures.remove_picture)
    assert stored() == set()


def test_the_settings_show_the_colors_that_are_saved(coordinator_client, riverton):
    coordinator_client.post(url("settings"), SETTINGS | {"brand_color": "#7a1f2b"})
    page = coordinator_client.get(url("settings")).text
    assert 'class="preview"' in page
    assert "#7a1f2b" in coordinator_client.get("/brand.css").text
    assert 'href="/brand.css"' in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"picture": photo(), "picture_alt": "River"}, "Name who made the picture."),
        ({"picture": photo(), "picture_credit": "Ana Ruiz"}, "Describe the picture"),
        ({"picture": photo((500, 400)), **PICTURE_TEXTS}, "is the least"),
        ({"picture": photo((7000, 800)), **PICTURE_TEXTS}, "is the most"),
        (
            {"picture": SimpleUploadedFile("x.png", b"<svg onload=alert(1)>"), **PICTURE_TEXTS},
            "not a picture",
        ),
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
