"""The portal under test: a temporary PostgreSQL, migrated once, and a new database for each benchmark."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any

from embedded import postgres

TEMPLATE_DATABASE = "bench_migrated"


@contextlib.contextmanager
def running_portal() -> Iterator[postgres.Address]:
    """Django set up on a temporary PostgreSQL whose TEMPLATE_DATABASE has the alliance and the template city."""
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


@contextlib.contextmanager
def running_server() -> Iterator[int]:
    """A web server on the database that Django uses and the static files that were collected; yields its port."""
    from django.conf import settings

    port, database = free_port(), settings.DATABASES["default"]["NAME"]
    environment = os.environ | {
        "DATABASE_URL": f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{database}",
        "PORTAL_PORT": str(port),
    }
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "config.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--log-level",
        "warning",
    ]
    command += ["--worker-class", "gthread", "--threads", "8", "--workers", "1"]
    with subprocess.Popen(command, env=environment) as server:
        try:
            wait_until_ready(port, server)
            yield port
        finally:
            server.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server has answered: gunicorn accepts connections before the portal is imported."""
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/accounts/login/", headers={"Host": f"portal.localhost:{port}"})
            connection.getresponse().read()
            return
        time.sleep(0.2)
    raise RuntimeError(f"The server did not answer on port {port}.")


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
