"""Every test runs on a real PostgreSQL: a database cloned from a template that is built once per set of migrations."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import databases

pytest_plugins = ["tests.engines"]


def pytest_configure() -> None:
    gc.set_threshold(50_000, 20, 50)  # nothing here lives long enough to be looked for so often


def pytest_unconfigure() -> None:
    gc.freeze()  # nor is it to be looked through once more, only to end


# A long test by itself is begun early, with others of the kind.
TOGETHER = {"tests/browser/test_crash_recovery.py": "tests/browser/test_end_to_end.py"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A browser module's tests stay together, on one worker: each module starts a portal of its own."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return TOGETHER.get(file, file) if file.startswith("tests/browser/") else nodeid

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_{worker}_{os.getpid()}"
    own = contextlib.ExitStack()
    with django_db_blocker.unblock():
        databases.build_templates()
        own.enter_context(databases.temporary_database(name))
    yield
    with django_db_blocker.unblock():
        own.close()


@pytest.fixture(autouse=True)
def _public_schema() -> Iterator[None]:
    """A request leaves its schema on the connection; every test starts and ends in the public one."""
    from django.core.cache import caches
    from django.db import connection

    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def keep_hosts_cached(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """After same_hosts() no request asks again whether a host or a jurisdiction has changed."""
    from tenants.web import host_registry

    def remember() -> None:
        monkeypatch.setattr(host_registry, "_known", None)
        settings.HOST_CACHE_SECONDS = 3600

    return remember


@contextlib.contextmanager
def media_root_at(folder: Path) -> Iterator[Path]:
    """Uploads go to this folder. The storage remembers its folder, so it is told before and after."""
    from django.core.files.storage import default_storage
    from django.test import override_settings

    def forget() -> None:
        default_storage._wrapped.__dict__.pop("relative_media_root", None)

    assert default_storage.location  # the storage is made
    try:
        with override_settings(MEDIA_ROOT=str(folder)):
            forget()
            yield folder
    finally:
        forget()


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
    """`with in_city(riverton):` runs in that city's schema."""
    from django_tenants.utils import tenant_context

    return tenant_context


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    """person(place, "coordinator", …) is somebody with these roles there; person() belongs nowhere."""
    from itertools import count

    from accounts.models import User
    from tenants.jurisdictions import services

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
            services.affiliate(user, jurisdiction, roles=list(roles), by=None)
        return User.objects.get(pk=user.pk)

    return make


@pytest.fixture
def client_for(db: None) -> Callable[..., Any]:
    """visit(place, user=None) is a test client of that place's host; with a user it is signed in there."""
    from django.db import connection
    from django.test import Client
    from django_tenants.utils import tenant_context

    class PlaceClient(Client):
        def request(self, **request: Any) -> Any:
            try:
                return super().request(**request)
            finally:
                if connection.schema_name != "public":  # once more would cost the next query another
                    connection.set_schema_to_public()

    def client(jurisdiction: Any, user: Any = None) -> Any:
        made = PlaceClient(headers={"host": jurisdiction.host})
        if user is not None:
            with tenant_context(jurisdiction):
                made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return made

    return client
