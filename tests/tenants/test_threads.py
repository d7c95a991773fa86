"""Persistent connections, many cities, exceptions and rollbacks: never the wrong city."""

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
    settings.ROOT_URLCONF = settings.PUBLIC_SCHEMA_URLCONF = "tests.tenants.urls"
    Jurisdiction.objects.tenants().update(site_state=Jurisdiction.SiteState.LAUNCHED)
    host_registry.get_jurisdiction(
        "riverton.localhost"
    )  # under load a thread may go on with what was known a moment ago


def search_path_at(client: Client, slug: str, path: str) -> str | None:
    """The search path that a visit had, or None where the answer does not tell it."""
    answer = client.get(path, headers={"host": f"{slug}.localhost"})
    if path == "/streamed/":
        return b"".join(answer.streaming_content).decode().split("\n")[1]
    return answer.json()["search_path"] if path in ("/where/", "/rolled-back/") else None


def test_never_the_wrong_city(launched):
    def wrong_ones(seed: int) -> list[tuple[str, str]]:
        chance, client, wrong = random.Random(seed), Client(raise_request_exception=False), []
        for _number in range(60):
            slug, path = chance.choice(CITIES), chance.choice(PATHS)
            found = search_path_at(client, slug, path)
            if found not in (None, f"c_{slug}, public"):
                wrong.append((slug, found))
        connection.close()
        return wrong

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(wrong_ones, range(6))) == [[]] * 6
