"""The portal under test: a temporary PostgreSQL, migrated once, and a new database for each benchmark."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from embedded.postgres import server

TEMPLATE_DATABASE = "bench_migrated"


@contextlib.contextmanager
def running_portal() -> Iterator[server.Address]:
    """Django set up on a temporary PostgreSQL whose TEMPLATE_DATABASE has the alliance and the template city."""
    with server.temporary() as address, tempfile.TemporaryDirectory(prefix="portal-bench-") as files:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.base",
            "DATABASE_URL": address.url,
            "SECRET_KEY": "only-for-benchmarks",
            "PORTAL_SCHEME": "http",
            "PORTAL_VAR_DIR": files,
            "LOG_LEVEL": "WARNING",
        }
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        execute(f"CREATE DATABASE {TEMPLATE_DATABASE}")
        use_database(TEMPLATE_DATABASE)
        call_command("migrate", verbosity=1, interactive=False)
        connection.close()
        yield address


@contextlib.contextmanager
def fresh_database(name: str) -> Iterator[None]:
    """Connect Django to a copy of TEMPLATE_DATABASE, which is dropped at the end."""
    from django.db import connection

    connection.close()
    execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE_DATABASE}')
    use_database(name)
    try:
        yield
    finally:
        connection.close()
        execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def fill_with_cities(size: int) -> None:
    """Create cities until there are `size`, each with its schema but without CMS pages, which do not affect the timing."""
    from django.db import connection

    from tenants.jurisdictions import services
    from tenants.models import Jurisdiction
    from tenants.schemas import clone

    for number in range(Jurisdiction.objects.tenants().count() + 1, size + 1):
        slug = f"full-{number}"
        jurisdiction = Jurisdiction.objects.create(
            name=f"City {number}",
            short_name=f"{number}",
            slug=slug,
            schema_name=services.schema_name_for(slug),
        )
        services.register_host(jurisdiction)
        clone.clone_schema(jurisdiction.schema_name)
    connection.close()  # it has cached every table that it created; staff open a city with a new connection


def connect() -> Any:
    """A new psycopg2 connection to the database that Django uses, for floors."""
    import psycopg2
    from django.conf import settings

    database: dict[str, Any] = settings.DATABASES["default"]
    return psycopg2.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
    )


def use_database(name: str) -> None:
    from django.conf import settings
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


def execute(sql: str) -> None:
    """Run a statement on the server's own database, outside any transaction."""
    import psycopg2
    from django.conf import settings

    database: dict[str, Any] = settings.DATABASES["default"]
    admin = psycopg2.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname="postgres",
    )
    admin.autocommit = True
    try:
        admin.cursor().execute(sql)
    finally:
        admin.close()
