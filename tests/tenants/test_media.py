"""Uploaded files are served on the host of their owner and nowhere else."""

from __future__ import annotations

import os

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django_tenants.utils import tenant_context

from tenants.models import Jurisdiction

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _test_urls(settings, media_folder):
    settings.ROOT_URLCONF = "tests.tenants.urls"
    settings.PUBLIC_SCHEMA_URLCONF = "tests.tenants.urls_alliance"


@pytest.fixture
def city(riverton):
    Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched")
    return riverton


@pytest.fixture
def store(city):
    def store_file(name: str, content: bytes = b"x") -> str:
        with tenant_context(city):
            return default_storage.url(default_storage.save(name, ContentFile(content)))

    return store_file


def test_an_image_is_shown_and_may_be_cached(store, city, client_for):
    url = store("images/river.png", b"\x89PNG")
    assert url == "/media/c_riverton/images/river.png"
    response = client_for(city).get(url)
    assert b"".join(response.streaming_content) == b"\x89PNG"
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "attachment" not in response.get("Content-Disposition", "")
    assert "public" in response["Cache-Control"]


@pytest.mark.parametrize(
    "name", ["brand/logo.svg", "images/page.html", "images/notes.pdf", "images/no-extension"]
)
def test_what_is_no_image_is_a_download(store, city, client_for, name):
    response = client_for(city).get(store(name, b"<svg onload=alert(1)>"))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")


def test_a_city_s_file_is_404_on_another_host(store, city, ashford, alliance, client_for):
    url = store("images/river.png")
    Jurisdiction.objects.filter(pk=ashford.pk).update(site_state="launched")
    assert client_for(city).get(url).status_code == 200
    assert client_for(ashford).get(url).status_code == 404
    assert client_for(alliance).get(url).status_code == 404
    assert client_for(ashford).get(url.replace("c_riverton", "c_ashford")).status_code == 404


@pytest.mark.parametrize(
    "tail",
    [
        "../secret.txt",
        "images/../../secret.txt",
        "images/%2e%2e/%2e%2e/secret.txt",
        "images/..%2f..%2fsecret.txt",
        "images/..\\..\\secret.txt",
        "images//river.png",
        "./images/river.png",
        "images/river.png%00.txt",
        "images/river.png/",
        "images",
        "images/",
        "",
        "/etc/passwd",
        "//etc/passwd",
    ],
)
def test_a_path_out_of_the_folder_is_404(store, city, client_for, tmp_path, tail):
    store("images/river.png")
    (tmp_path / "media" / "secret.txt").write_text("secret")
    assert client_for(city).get(f"/media/c_riverton/{tail}").status_code == 404


def test_a_link_out_of_the_folder_is_not_followed(store, city, client_for, tmp_path):
    store("images/river.png")
    (tmp_path / "secret.png").write_text("secret")
    os.symlink(tmp_path / "secret.png", tmp_path / "media" / "c_riverton" / "images" / "link.png")
    assert client_for(city).get("/media/c_riverton/images/link.png").status_code == 404


@pytest.mark.parametrize("name", ["documents/minutes.pdf", "original_images/river.png"])
def test_originals_and_documents_are_for_the_team(store, city, client_for, make_user, name):
    url = store(name)
    assert client_for(city).get(url).status_code == 404
    response = client_for(city, make_user(city, "viewer")).get(url)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


def test_before_the_launch_nothing_is_shown(store, city, client_for):
    url = store("images/river.png")
    Jurisdiction.objects.filter(pk=city.pk).update(site_state="not_launched")
    assert client_for(city).get(url).status_code == 404


def test_files_cannot_be_written(store, city, client_for):
    assert client_for(city).post(store("images/river.png")).status_code == 405
