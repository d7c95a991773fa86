"""Tests run on a real PostgreSQL, each process in a copy of a template database built once per set of migrations."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import databases

pytest_plugins = ["tests.engines", "tests.full", "tests.coverage_of_the_suite"]


def pytest_configure() -> None:
    gc.set_threshold(50_000, 20, 50)  # tests make few cycles: collect less often


def pytest_unconfigure() -> None:
    gc.freeze()  # skip the last collection at exit


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_{worker}_{os.getpid()}"
    exit_stack = contextlib.ExitStack()
    with django_db_blocker.unblock():
        databases.build_templates()
        exit_stack.enter_context(databases.temporary_database(name))
    yield
    with django_db_blocker.unblock():
        exit_stack.close()


@pytest.fixture(autouse=True)
def _public_schema() -> Iterator[None]:
    """Start and end every test in the public schema (a request leaves its own active), with empty caches."""
    from django.core.cache import caches
    from django.db import connection

    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def keep_hosts_cached(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """After keep_hosts_cached() no request checks again whether hosts or jurisdictions have changed."""
    from tenants.web import host_registry

    def remember() -> None:
        monkeypatch.setattr(host_registry, "_snapshot", None)
        settings.HOST_CACHE_SECONDS = 3600

    return remember


@contextlib.contextmanager
def media_root_at(folder: Path) -> Iterator[Path]:
    """Store uploads in this folder. The storage caches its path, which is cleared before and after."""
    from django.core.files.storage import storages
    from django.test import override_settings

    def clear_cached_path() -> None:
        vars(storages["default"]).pop("relative_media_root", None)

    try:
        with override_settings(MEDIA_ROOT=str(folder)):
            clear_cached_path()
            yield folder
    finally:
        clear_cached_path()


@pytest.fixture
def media_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder for this test's uploads."""
    with media_root_at(tmp_path / "media") as folder:
        yield folder


@pytest.fixture
def alliance(db: None) -> Any:
    from tenants.models import Jurisdiction

    return Jurisdiction.objects.get(schema_name="public")


def _city(slug: str) -> Callable[..., Any]:
    def city(db: None) -> Any:
        from tenants.models import Jurisdiction

        return Jurisdiction.objects.get(slug=slug)

    return pytest.fixture(name=slug)(city)


riverton = _city("riverton")
ashford = _city("ashford")
millbrook = _city("millbrook")


@pytest.fixture
def in_city() -> Callable[[Any], Any]:
    """`with in_city(riverton):` runs in the city's schema."""
    from django_tenants.utils import tenant_context

    return tenant_context


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    """make_user(riverton, "coordinator", …) is a user with these roles there; make_user() has no affiliation."""
    from itertools import count

    from accounts.models import User
    from tenants.people import affiliations

    numbers = count(1)

    def make(jurisdiction: Any = None, *roles: str, **fields: Any) -> Any:
        number = next(numbers)
        fields = {
            "email": f"person{number}@city.example",
            "first_name": "Person",
            "last_name": str(number),
        } | fields
        user = User.objects.create_user(password="a long enough phrase", **fields)
        if jurisdiction is not None:
            affiliations.affiliate(user, jurisdiction, roles=list(roles), by=None)
        return User.objects.get(pk=user.pk)

    return make


@pytest.fixture
def client_for(db: None) -> Callable[..., Any]:
    """client_for(riverton, user=None) is a test client of that jurisdiction's host, signed in as `user`."""
    from django.db import connection
    from django.test import Client
    from django_tenants.utils import tenant_context

    class JurisdictionClient(Client):
        def request(self, **request: Any) -> Any:
            try:
                return super().request(**request)
            finally:
                if connection.schema_name != "public":  # setting it again would cost an extra query
                    connection.set_schema_to_public()

    def make(jurisdiction: Any, user: Any = None) -> Any:
        client = JurisdictionClient(headers={"host": jurisdiction.host})
        if user is not None:
            with tenant_context(jurisdiction):
                client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make
