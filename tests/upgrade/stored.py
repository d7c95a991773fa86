"""The database of the first version, from its dump: restored, migrated, and copied for each test.

Tests are at the moment of the dump, when its sessions are open, its import can be undone and its jobs are due.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tests import databases

DATA = Path(__file__).parent / "data"
DUMPED = dt.datetime(2026, 11, 24, 15, 10, 26, 434007, tzinfo=dt.UTC)

ALLIANCE, CITY = "portal.localhost", "elm-ford.localhost"
PASSWORD = "a chair for everybody"
COORDINATOR = "ada.lindholm@elmford.example"
# What browsers hold: the session's cookie on each host.
COORDINATOR_AT_THE_CITY = "ra167fz6sxcyj20jcxqj1vgeevfxmzl9"
COORDINATOR_AT_THE_ALLIANCE = "qbkqn69qs4hrumeycezwnevwt3z5gn53"
CURATOR = "80rd9r2kxc95ruyqpm601vfyja0qrn6u"
# The one file that was uploaded. Files are not in a dump.
UPLOADED = ("public/documents/blocked-cards.txt", "Four thousand cards were unblocked at every branch.\n")

# The database's shape, in all schemas but PostgreSQL's own.
_SHAPE = {
    "columns": "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns "
    "WHERE {ours:table_schema}",
    "triggers": "SELECT n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t "
    "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal",
    "functions": "SELECT n.nspname, p.proname, pg_get_functiondef(p.oid) FROM pg_proc p "
    "JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang "
    "WHERE l.lanname IN ('sql', 'plpgsql') AND {ours:n.nspname}",
    "indexes": "SELECT schemaname, tablename, indexname, indexdef FROM pg_indexes WHERE {ours:schemaname}",
    "constraints": "SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k "
    "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = k.connamespace "
    "WHERE k.contype <> 'n' AND {ours:n.nspname}",
    # No row is written without naming these.
    "needed": "SELECT table_schema, table_name, column_name FROM information_schema.columns "
    "WHERE is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER' "
    "AND {ours:table_schema}",
}


def text(name: str) -> str:
    return gzip.decompress((DATA / name).read_bytes()).decode()


def plan_after_undoing() -> dict[str, list[dict[str, Any]]]:
    """The rows of the plan's tables as the first version's own undoing left them."""
    return json.loads(text("import-undone.json.gz"))


def sql(statement: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchall() if cursor.description else []


def shape() -> dict[str, set[tuple[Any, ...]]]:
    """What the database is made of: the columns of all schemas, their triggers, and so on."""

    def ours(match: re.Match[str]) -> str:
        return f"{match[1]} !~ '^pg_' AND {match[1]} <> 'information_schema'"

    return {part: set(sql(re.sub(r"\{ours:([\w.]+)\}", ours, query))) for part, query in _SHAPE.items()}


@contextlib.contextmanager
def database(name: str, *, template: str = "template0") -> Iterator[str]:
    """Django on a new database, which is dropped at the end; its address."""
    before = connection.settings_dict["NAME"]
    with databases.admin_cursor() as cursor:
        connection.close()
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            _point_at(name)
            yield databases.database_url(name)
        finally:
            _point_at(before)
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _point_at(name: str) -> None:
    connection.close()
    connection.set_schema_to_public()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
    ContentType.objects.clear_cache()  # their numbers are another database's
    for cache in caches.all():
        cache.clear()


def name(what: str) -> str:
    """A database's name of this process; one that was killed leaves it to the next run to drop."""
    return f"fresh_{what}_{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


@contextlib.contextmanager
def migrated() -> Iterator[dict[str, Any]]:
    """A database that the first version wrote and `migrate` brought up to date: its name, and its shape before."""
    with database(name("upgraded")) as address:
        restoring = psycopg2.connect(address)
        with restoring, restoring.cursor() as cursor:
            cursor.execute(text("first-version.sql.gz"))
        restoring.close()
        before = shape()
        call_command("migrate", verbosity=0, interactive=False)
        after = shape()
        ContentType.objects.clear_cache()
        connection.close()
        yield {"database": connection.settings_dict["NAME"], "before": before, "after": after}


def browser(host: str, session: str = "") -> Client:
    """A browser that was left open, with the cookie it holds."""
    client = Client(headers={"host": host})
    if session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session
    return client
