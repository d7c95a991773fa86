"""Every test runs on a real PostgreSQL: a database cloned from a template that is built once per set of migrations."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
CITIES = {
    "riverton": ("City of Riverton", "America/Chicago"),
    "ashford": ("City of Ashford", "America/Los_Angeles"),
    "millbrook": ("Millbrook County", "America/New_York"),
}


def fingerprint() -> str:
    """Names what the template database was built from: versions, migrations, app lists and the code that builds it."""
    from django.conf import settings

    found = hashlib.sha256()
    for package in ("django", "wagtail", "django-tenants", "django-taggit", "django-allauth", "django-tasks-db"):
        found.update(f"{package}={importlib.metadata.version(package)}\n".encode())
    built_from = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py"), *ROOT.glob("tenants/*.py")]
    built_from += [*ROOT.glob("*/receivers.py"), *ROOT.glob("*/*/receivers.py"), *ROOT.glob("cms/*.py"), Path(__file__)]
    for file in sorted(built_from):
        found.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    found.update(repr((settings.SHARED_APPS, settings.TENANT_APPS)).encode())
    return found.hexdigest()[:12]


def _admin() -> Any:
    import psycopg2
    from django.conf import settings

    database = settings.DATABASES["default"]
    connection = psycopg2.connect(
        host=database["HOST"], port=database["PORT"], user=database["USER"], password=database["PASSWORD"],
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


def _build(name: str) -> None:
    """Migrate public and template, open three cities: what every test starts from."""
    from django.core.management import call_command
    from django.db import connection

    from tenants import services
    from tenants.models import Jurisdiction

    _point_at(name)
    call_command("migrate", verbosity=0, interactive=False)
    services.set_up_alliance()
    for slug, (full_name, zone) in CITIES.items():
        services.open_jurisdiction(name=full_name, slug=slug, by=None, timezone=zone, state="MN")
        assert Jurisdiction.objects.filter(slug=slug).exists()
    connection.close()


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    template = f"template_{fingerprint()}"
    name = f"test_{worker}_{os.getpid()}"
    with django_db_blocker.unblock():
        admin = _admin()
        cursor = admin.cursor()
        cursor.execute("SELECT pg_advisory_lock(77)")
        try:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template])
            if not cursor.fetchone():
                cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%\\_building'")
                for (left_over,) in cursor.fetchall():
                    cursor.execute(f'DROP DATABASE "{left_over}" WITH (FORCE)')
                cursor.execute(f'CREATE DATABASE "{template}_building"')
                _build(f"{template}_building")
                cursor.execute(f'ALTER DATABASE "{template}_building" RENAME TO "{template}"')
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
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
    from django.core.cache import cache
    from django.db import connection

    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()
    cache.clear()


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
        fields = {"email": f"person{number}@city.example", "first_name": "Person", "last_name": str(number)} | fields
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
