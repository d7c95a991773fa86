"""The fleet of schemas: which there are, and which lag behind the code's migrations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from tenants.cloning import MIGRATION_LOCK, check_name
from tenants.models import Jurisdiction

_PROGRESS = """
WITH expected AS (SELECT unnest(%s::text[]) AS node),
counted AS ({counts})
SELECT schema, known FROM counted
"""
_COUNT = (
    "SELECT '{schema}' AS schema, (SELECT count(DISTINCT e.node) FROM \"{schema}\".django_migrations m "
    "JOIN expected e ON e.node = m.app || '.' || m.name) AS known"
)


@contextmanager
def being_migrated() -> Iterator[None]:
    """One migration at a time, and no copy of a template that is half migrated."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def is_there(schema: str) -> bool:
    """True if the database has a schema of this name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %s)", [schema])
        return cursor.fetchone()[0]


def city_schemas() -> list[str]:
    """The schemas of all member jurisdictions, by name."""
    return list(Jurisdiction.objects.places().order_by("schema_name").values_list("schema_name", flat=True))


def schemas_behind(schemas: Iterable[str]) -> dict[str, int]:
    """How many of the code's migrations each of these schemas lacks; those that lack none are left out.

    One question to the database, however many schemas there are. A schema that is not there lacks all.
    """
    expected = [f"{app}.{name}" for app, name in MigrationLoader(connection).graph.nodes]
    wanted = list(dict.fromkeys(schemas))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relname = 'django_migrations' AND n.nspname = ANY(%s)",
            [wanted],
        )
        started = [check_name(row[0]) for row in cursor.fetchall()]
        known: dict[str, int] = {}
        if started:
            # Over many schemas PostgreSQL likes a parallel plan, whose workers read every catalog anew.
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            counts = " UNION ALL ".join(_COUNT.format(schema=schema) for schema in started)
            cursor.execute(_PROGRESS.format(counts=counts), [expected])
            known = dict(cursor.fetchall())
    lacking = {schema: len(expected) - known.get(schema, 0) for schema in wanted}
    return {schema: count for schema, count in lacking.items() if count}


def fleet() -> list[str]:
    """Every schema that migrations reach, in their order: public, the template, then the cities."""
    return ["public", settings.TEMPLATE_SCHEMA, *city_schemas()]
