"""Helpers for tests of all schemas, and migrations for the fixture `plan_migration`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection
from django_tenants.utils import schema_context

from embedded import locks
from tenants.schemas import inventory
from tests.databases import database_url

TEMPLATE = settings.TEMPLATE_SCHEMA
CITIES = ["c_ashford", "c_millbrook", "c_riverton"]

COLUMN = 'AddField("department", "floor", models.IntegerField(default=7, db_index=True))'
PYTHON = """
    RunPython(lambda apps, editor: apps.get_model("plans", "department").objects.update(floor=len(
        editor.connection.schema_name)))
"""
PlanMigration = Callable[..., tuple[str, str]]

CATALOG = {
    "columns": """
        SELECT table_name, column_name, row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position),
               column_default, is_nullable, data_type, udt_name,
               character_maximum_length, numeric_precision, numeric_scale, collation_name, is_identity,
               identity_generation, identity_start, identity_increment, identity_maximum, is_generated,
               generation_expression
        FROM information_schema.columns WHERE table_schema = %s""",
    "constraints": """
        SELECT c.relname, k.conname, k.contype, k.condeferrable, k.condeferred, k.convalidated,
               pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %s""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %s",
    "sequences": """
        SELECT sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, last_value
        FROM pg_sequences WHERE schemaname = %s""",
    "triggers": """
        SELECT c.relname, g.tgname, pg_get_triggerdef(g.oid) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT g.tgisinternal AND n.nspname = %s""",
    "comments": """
        SELECT c.relname, d.objsubid, d.description FROM pg_description d
        JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s""",
}


def describe_schema(schema: str) -> dict[str, set[tuple[Any, ...]]]:
    """All catalog rows of a schema by kind of object, without the schema's own name and re-printed casts."""
    catalog_rows = {}
    with connection.cursor() as cursor:
        for kind, sql in CATALOG.items():
            cursor.execute(sql, [schema])
            catalog_rows[kind] = {
                tuple(normalize(value, schema) for value in row) for row in cursor.fetchall()
            }
    return catalog_rows


@functools.cache
def normalize(value: Any, schema: str) -> Any:
    if not isinstance(value, str):
        return value
    # PostgreSQL prints a list of texts as one cast, or as a cast of each: ('a'::varchar)::text, (ARRAY[…])::text[].
    text = re.sub(r"::(character varying|text)(\(\d+\))?(\[\])?", "", value.replace(schema, "SCHEMA"))
    return re.sub(r"[()]", "", text)


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
        copy = describe_schema(city)
        for kind in template:
            if kind != "sequences":  # these have counted further in cities that have rows
                assert template[kind] ^ copy[kind] == set(), (city, kind)
    assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {}
    assert connection.schema_name == "public"
    assert run_sql("SHOW search_path")[0][0] == "public"


def wait_for_lock_waiter() -> None:
    """Wait until another connection waits for an advisory lock of this database."""
    query = (
        "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
    )
    assert locks.wait_until(lambda: bool(run_sql(query)), seconds=20), "Nobody waits."


class OtherConnection:
    """A cursor of another connection."""

    def __enter__(self) -> Any:
        self.connection = psycopg2.connect(database_url(connection.settings_dict["NAME"]))
        return self.connection.cursor()

    def __exit__(self, *_error: object) -> None:
        self.connection.close()
