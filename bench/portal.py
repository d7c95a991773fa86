"""A portal to measure: its own PostgreSQL, migrated once, and a fresh database for each benchmark."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from embedded import postgres

MIGRATED = "bench_migrated"


@contextlib.contextmanager
def started() -> Iterator[postgres.Address]:
    """Django set up on a temporary PostgreSQL whose database MIGRATED has the alliance and the template city."""
    with postgres.temporary() as address, tempfile.TemporaryDirectory(prefix="portal-bench-") as files:
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

        execute(f"CREATE DATABASE {MIGRATED}")
        point_at(MIGRATED)
        call_command("migrate", verbosity=1, interactive=False)
        connection.close()
        yield address


@contextlib.contextmanager
def fresh_database(name: str) -> Iterator[None]:
    """The connection leads to a copy of the migrated database, dropped at the end."""
    from django.db import connection

    connection.close()
    execute(f'CREATE DATABASE "{name}" TEMPLATE {MIGRATED}')
    point_at(name)
    try:
        yield
    finally:
        connection.close()
        execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def point_at(name: str) -> None:
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
