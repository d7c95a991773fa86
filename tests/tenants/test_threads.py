"""Persistent connections, many cities, exceptions and rollbacks: no request runs in the wrong city."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from tenants.models import Jurisdiction
from tenants.web import host_registry

CITIES = ("riverton", "ashford", "millbrook")
PATHS = ("/where/", "/where/", "/broken/", "/rolled-back/", "/streamed/", "/nothing/")


@pytest.fixture
def launched(committed, settings):
    settings.ROOT_URLCONF = "tests.tenants.urls"
    settings.PUBLIC_SCHEMA_URLCONF = "tests.tenants.urls_alliance"
    Jurisdiction.objects.tenants().update(site_state=Jurisdiction.SiteState.LAUNCHED)
    host_registry.get_jurisdiction("riverton.localhost")  # under load a thread may use the previous snapshot


def search_path_at(client: Client, slug: str, path: str) -> str | None:
    """The search path of a request, or None where the response does not show it."""
    response = client.get(path, headers={"host": f"{slug}.localhost"})
    if path == "/streamed/":
        return b"".join(response.streaming_content).decode().split("\n")[1]
    return response.json()["search_path"] if path in ("/where/", "/rolled-back/") else None


def test_never_the_wrong_city(launched):
    def wrong_cities(seed: int) -> list[tuple[str, str]]:
        rng, client, wrong = random.Random(seed), Client(raise_request_exception=False), []
        for _number in range(60):
            slug, path = rng.choice(CITIES), rng.choice(PATHS)
            search_path = search_path_at(client, slug, path)
            if search_path not in (None, f"c_{slug}, public"):
                wrong.append((slug, search_path))
        connection.close()
        return wrong

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(wrong_cities, range(6))) == [[]] * 6
