"""What tests of the whole fleet ask of its schemas, and migrations to try; the fixture `planned` adds these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection
from django_tenants.utils import schema_context

from embedded import locks
from tenants.schemas import inventory
from tests.databases import database_url
from tests.tenants.test_cloning import describe_schema

TEMPLATE = settings.TEMPLATE_SCHEMA
CITIES = ["c_ashford", "c_millbrook", "c_riverton"]

COLUMN = 'AddField("department", "floor", models.IntegerField(default=7, db_index=True))'
PYTHON = """
    RunPython(lambda apps, editor: apps.get_model("plans", "department").objects.update(floor=len(
        editor.connection.schema_name)))
"""
Plan = Callable[..., tuple[str, str]]


def run_sql(text: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, params or None)
        return cursor.fetchall() if cursor.description else []


def create_department(schema: str, name: str = "Public Works") -> None:
    from tenants.plans.models import Department

    with schema_context(schema):
        Department.objects.create(name=name)


def has_column(schema: str, column: str = "floor") -> bool:
    return bool(
        run_sql(
            "SELECT 1 FROM information_schema.columns WHERE table_schema = %s AND column_name = %s",
            schema,
            column,
        )
    )


def assert_all_equal() -> None:
    """Every city's catalog equals the template's, and nothing is left to do."""
    template = describe_schema(TEMPLATE)
    for city in CITIES:
        found = describe_schema(city)
        for part in template:
            if part != "sequences":  # these have counted further in cities that have rows
                assert template[part] ^ found[part] == set(), (city, part)
    assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {}
    assert connection.schema_name == "public"
    assert run_sql("SHOW search_path")[0][0] == "public"


def wait_for_lock_waiter() -> None:
    """Go on as soon as another connection waits for the migrations' lock on this database."""
    waiting = (
        "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
    )
    assert locks.wait_until(lambda: bool(run_sql(waiting)), seconds=20), "Nobody waits."


class OtherConnection:
    """A cursor of a connection of its own."""

    def __enter__(self) -> Any:
        self.connection = psycopg2.connect(database_url(connection.settings_dict["NAME"]))
        return self.connection.cursor()

    def __exit__(self, *_error: object) -> None:
        self.connection.close()
