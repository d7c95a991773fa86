"""Every test runs on a real PostgreSQL: a database cloned from a template that is built once per set of migrations."""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["tests.engines"]

ROOT = Path(__file__).resolve().parents[1]
CITIES = {
    "riverton": ("City of Riverton", "America/Chicago"),
    "ashford": ("City of Ashford", "America/Los_Angeles"),
    "millbrook": ("Millbrook County", "America/New_York"),
}


def pytest_configure() -> None:
    gc.set_threshold(50_000, 20, 50)  # nothing here lives long enough to be looked for so often


# A long test by itself is begun early, with others of the kind.
TOGETHER = {"tests/browser/test_killed.py": "tests/browser/test_the_walk.py"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A browser module's tests stay together, on one worker: each module starts a portal of its own."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return TOGETHER.get(file, file) if file.startswith("tests/browser/") else nodeid

    return Scheduling(config, log)


def _hash(files: list[Path], *more: str) -> str:
    found = hashlib.sha256("\n".join(more).encode())
    for file in sorted(files):
        found.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return found.hexdigest()[:12]


def migrations_fingerprint() -> str:
    """Names what the migrated database was built from: versions, migrations and app lists."""
    from django.conf import settings

    packages = ("django", "wagtail", "django-tenants", "django-taggit", "django-allauth", "django-tasks-db")
    versions = [f"{package}={importlib.metadata.version(package)}" for package in packages]
    files = [
        *ROOT.glob("*/migrations/*.py"),
        *ROOT.glob("*/*/migrations/*.py"),
        ROOT / "tenants" / "cloning.py",
    ]
    return _hash(files, *versions, repr((settings.SHARED_APPS, settings.TENANT_APPS)))


@functools.cache
def fingerprint() -> str:
    """Names what the cities of the test database were built from: the migrations, and the code that opens a city.

    As it was when the tests began: whoever goes on writing code meanwhile does not break them.
    """
    code = [*ROOT.glob("tenants/*.py"), *ROOT.glob("*/receivers.py"), *ROOT.glob("*/*/receivers.py")]
    code += [*ROOT.glob("cms/*.py"), *ROOT.glob("tenants/plans/*.py"), Path(__file__)]
    return _hash(code, migrations_fingerprint())


def _admin() -> Any:
    import psycopg2
    from django.conf import settings

    database = settings.DATABASES["default"]
    connection = psycopg2.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname="postgres",
    )
    connection.autocommit = True
    return connection


def _point_at(name: str) -> None:
    from django.conf import settings
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def _open_cities() -> None:
    """The alliance and three cities: what every test starts from."""
    from tenants import services

    services.set_up_alliance()
    for slug, (full_name, zone) in CITIES.items():
        services.open_jurisdiction(name=full_name, slug=slug, by=None, timezone=zone, state="MN")


def _template(cursor: Any, name: str, *, source: str, build: Callable[[], None]) -> str:
    """The database `name`, built on a copy of `source` unless it is there; a build that was cut off is done again."""
    from django.db import connection

    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    if not cursor.fetchone():
        draft = f"{name}_building"
        cursor.execute(f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{draft}" TEMPLATE "{source}"')
        _point_at(draft)
        build()
        connection.close()
        cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    return name


def _drop_old(cursor: Any) -> None:
    """Keep the eight newest templates; a copy of one is cheap, but its files are not."""
    cursor.execute(
        "SELECT datname FROM pg_database WHERE datname ~ '^(migrated|template)_[0-9a-f]{12}$' ORDER BY oid DESC"
    )
    for (old,) in cursor.fetchall()[8:]:
        cursor.execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"test_{worker}_{os.getpid()}"
    with django_db_blocker.unblock():
        admin = _admin()
        cursor = admin.cursor()
        cursor.execute("SELECT pg_advisory_lock(77)")
        try:
            _drop_old(cursor)
            migrated = _template(
                cursor, f"migrated_{migrations_fingerprint()}", source="template0", build=_migrate
            )
            ready = _template(cursor, f"template_{fingerprint()}", source=migrated, build=_open_cities)
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{ready}"')
        finally:
            cursor.execute("SELECT pg_advisory_unlock(77)")
        _point_at(name)
    yield
    with django_db_blocker.unblock():
        from django.db import connection

        connection.close()
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        admin.close()


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
def own_media(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """An empty folder for this test's uploads. The storage remembers its folder, so it is told before and after."""
    from django.core.files.storage import default_storage

    def forget() -> None:
        default_storage._wrapped.__dict__.pop("relative_media_root", None)

    assert default_storage.location  # the storage is made
    settings.MEDIA_ROOT = str(tmp_path / "media")
    forget()
    yield tmp_path / "media"
    forget()


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
def person(db: None) -> Callable[..., Any]:
    """person(place, "coordinator", …) is somebody with these roles there; person() belongs nowhere."""
    from itertools import count

    from accounts.models import User
    from tenants import services

    numbers = count(1)

    def make(place: Any = None, *roles: str, **fields: Any) -> Any:
        number = next(numbers)
        fields = {
            "email": f"person{number}@city.example",
            "first_name": "Person",
            "last_name": str(number),
        } | fields
        user = User.objects.create_user(password="a long enough phrase", **fields)
        if place is not None:
            services.affiliate(user, place, roles=list(roles), by=None)
        return User.objects.get(pk=user.pk)

    return make


@pytest.fixture
def visit(db: None) -> Callable[..., Any]:
    """visit(place, user=None) is a test client of that place's host; with a user it is signed in there."""
    from django.db import connection
    from django.test import Client
    from django_tenants.utils import tenant_context

    class PlaceClient(Client):
        def request(self, **request: Any) -> Any:
            try:
                return super().request(**request)
            finally:
                connection.set_schema_to_public()

    def client(place: Any, user: Any = None) -> Any:
        made = PlaceClient(headers={"host": place.host})
        if user is not None:
            with tenant_context(place):
                made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return made

    return client
