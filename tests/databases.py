"""Template databases of the tests: built once for each set of migrations, then copied.

python -m tests.databases     builds them in advance
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CITIES = {
    "riverton": ("City of Riverton", "America/Chicago"),
    "ashford": ("City of Ashford", "America/Los_Angeles"),
    "millbrook": ("Millbrook County", "America/New_York"),
}


def _hash(files: list[Path], *more: str) -> str:
    digest = hashlib.sha256("\n".join(more).encode())
    for file in sorted(files):
        digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def migrations_fingerprint() -> str:
    """Hash of what the migrated template is built from: versions of packages, migrations and app lists."""
    from django.conf import settings

    packages = ("django", "wagtail", "django-tenants", "django-taggit", "django-allauth", "django-tasks-db")
    versions = [f"{package}={importlib.metadata.version(package)}" for package in packages]
    files = [
        *ROOT.glob("*/migrations/*.py"),
        *ROOT.glob("*/*/migrations/*.py"),
        ROOT / "tenants" / "schemas" / "clone.py",
    ]
    return _hash(files, *versions, repr((settings.SHARED_APPS, settings.TENANT_APPS)))


@functools.cache
def fingerprint() -> str:
    """Hash of what the template with cities is built from: the migrations and the code that opens a city.

    Cached at the start of a run, so that edits during the run do not matter.
    """
    code = [*ROOT.glob("tenants/**/*.py"), *ROOT.glob("*/signal_handlers.py")]
    code += [*ROOT.glob("cms/*.py"), Path(__file__)]
    return _hash(code, migrations_fingerprint())


def database_url(name: str) -> str:
    """URL of a database on the test server."""
    return os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"


@contextlib.contextmanager
def admin_cursor() -> Iterator[Any]:
    """A cursor in autocommit mode on the maintenance database, which is never copied or dropped."""
    import psycopg2

    connection = psycopg2.connect(database_url("postgres"))
    connection.autocommit = True
    try:
        yield connection.cursor()
    finally:
        connection.close()


def _point_at(name: str) -> None:
    from django.conf import settings
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name


@contextlib.contextmanager
def temporary_database(name: str) -> Iterator[str]:
    """Connect Django to a new database `name` with the three cities; yields its URL. Dropped at the end."""
    from django.conf import settings

    before = settings.DATABASES["default"]["NAME"]
    with admin_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "template_{fingerprint()}" STRATEGY file_copy')
        _point_at(name)
        try:
            yield database_url(name)
        finally:
            _point_at(before)
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def _open_cities() -> None:
    """Set up the alliance with its site, and open the three cities that every test starts with."""
    from cms.site_setup import set_up_alliance_site
    from tenants.jurisdictions import services

    services.set_up_alliance()
    set_up_alliance_site()
    for slug, (full_name, zone) in CITIES.items():
        services.open_jurisdiction(name=full_name, slug=slug, by=None, timezone=zone, state="MN")


def _template(cursor: Any, name: str, *, source: str, build: Callable[[], None]) -> str:
    """Build the database `name` on a copy of `source` if it does not exist; an interrupted build is repeated."""
    from django.db import connection

    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    if not cursor.fetchone():
        draft = f"{name}_building"
        cursor.execute(f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{draft}" TEMPLATE "{source}" STRATEGY file_copy')
        _point_at(draft)
        build()
        connection.close()
        cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    return name


# Databases of one run: their names have the process id and maybe the worker's name.
_RUN_DATABASE = re.compile(r"(?:test|browser|committed|fresh)_(?:[a-z]\w*_)?(\d+)(?:_\w+)?")


def _drop_old(cursor: Any) -> None:
    """Drop all but the eight newest templates, and the databases of killed runs."""
    cursor.execute("SELECT datname FROM pg_database ORDER BY oid DESC")
    names = [name for (name,) in cursor.fetchall()]
    old = [name for name in names if re.fullmatch("(migrated|template)_[0-9a-f]{12}", name)][8:]
    for name in names:
        match = _RUN_DATABASE.fullmatch(name)
        if match and not Path(f"/proc/{match[1]}").exists():
            old.append(name)
    for name in old:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def build_templates() -> None:
    """Build the template databases that do not exist yet; other processes wait for them."""
    with admin_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(77)")
        _drop_old(cursor)
        migrated = _template(
            cursor, f"migrated_{migrations_fingerprint()}", source="template0", build=_migrate
        )
        _template(cursor, f"template_{fingerprint()}", source=migrated, build=_open_cities)


if __name__ == "__main__":
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    django.setup()
    build_templates()
