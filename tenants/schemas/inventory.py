"""All schemas, the migrations that each one lacks, and the lock of migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from tenants.models import Jurisdiction
from tenants.schemas.clone import MIGRATION_LOCK_ID, validate_schema_name

MigrationKey = tuple[str, str]  # app and name of a migration

# Hash of each schema's migration rows. Duplicate rows count twice, as nothing forbids them.
_HISTORY_HASHES = """
SELECT schema, count(*) || '/' || sum(hashtextextended(name, hashtext(app))) FROM ({rows}) AS rows GROUP BY schema
"""
_EXPECTED_ROWS = "SELECT '' AS schema, app, name FROM unnest(%s::text[], %s::text[]) AS expected(app, name)"
_SCHEMA_ROWS = "SELECT '{schema}', app, name FROM {schema}.django_migrations"
_BATCH_SIZE = 500  # schemas in one statement; each takes two of PostgreSQL's locks while it runs

_WITH_HISTORY = """
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = 'django_migrations' AND n.nspname = ANY(%s)
"""
_TABLES = """
SELECT array_agg(c.relname) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass
  AND d.refobjid = %s::regnamespace AND c.relkind = 'r'
"""
_MISSING_TABLES = """
WITH existing AS MATERIALIZED (
  SELECT relnamespace, array_agg(relname) AS tables FROM pg_class
  WHERE relname = ANY(%(tables)s) AND relkind = 'r' GROUP BY 1)
SELECT n.nspname, array_to_string(ARRAY(
    SELECT unnest(%(tables)s::name[]) EXCEPT SELECT unnest(e.tables) ORDER BY 1), ', ')
FROM pg_namespace n LEFT JOIN existing e ON e.relnamespace = n.oid
WHERE n.nspname = ANY(%(schemas)s) AND cardinality(e.tables) IS DISTINCT FROM cardinality(%(tables)s::name[])
"""


@dataclass
class SchemaGroup:
    """Schemas with the same rows in django_migrations, and the migrations of the code that are missing there."""

    missing: frozenset[MigrationKey]
    schemas: list[str] = field(default_factory=list)
    has_history: bool = True  # False: the table django_migrations does not exist yet


@contextmanager
def migration_lock(*, when_waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the migrations' lock, so that one migration runs at a time and no half-migrated template is copied."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATION_LOCK_ID])
        if not cursor.fetchone()[0]:
            when_waiting()
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK_ID])
    try:
        yield
    finally:
        if connection.is_usable():  # a broken connection has released it already
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK_ID])


def acquire_shared_migration_lock() -> None:
    """Wait for a running migration, and let none start before this transaction ends.

    Call it before the transaction locks anything else: a migration must not wait for a transaction that waits for it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [MIGRATION_LOCK_ID])


def schema_exists(schema: str) -> bool:
    """True if the database has a schema of this name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %s)", [schema])
        return cursor.fetchone()[0]


def city_schemas() -> list[str]:
    """The schemas of all member jurisdictions, by name."""
    return list(Jurisdiction.objects.tenants().order_by("schema_name").values_list("schema_name", flat=True))


def all_schemas() -> list[str]:
    """All schemas in the order of migration: public, the template, then the cities by name.

    Only public, as long as the registry has no table yet.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{Jurisdiction._meta.db_table}"])
        if not cursor.fetchone()[0]:
            return ["public"]
    return ["public", settings.TEMPLATE_SCHEMA, *city_schemas()]


def applied_migrations(schema: str) -> set[MigrationKey]:
    """The migrations that are recorded in a schema."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT app, name FROM {validate_schema_name(schema)}.django_migrations")
        return set(cursor.fetchall())


def migrations_in_code() -> dict[MigrationKey, Migration]:
    """All migrations of the code, without those that a squashed one replaces."""
    return MigrationLoader(None).graph.nodes


def group_by_migration_state(
    schemas: Iterable[str], *, migrations: Mapping[MigrationKey, Migration] | None = None
) -> list[SchemaGroup]:
    """Group schemas with the same applied migrations. Groups and their schemas keep the order of `schemas`.

    One query reads the rows of all, and one more those of a schema in each group that is not up to date.
    `migrations` are the code's, if the caller has loaded them already.
    """
    names = [validate_schema_name(schema) for schema in dict.fromkeys(schemas)]
    migrations = migrations or migrations_in_code()
    # A squashed migration is recorded under its own name and those that it replaces.
    complete = set(migrations).union(*(migration.replaces for migration in migrations.values()))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WITH_HISTORY, [names])
        with_history = {row[0] for row in cursor.fetchall()}
        # For many schemas PostgreSQL prefers a parallel plan, whose workers read every catalog again.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        hashes: dict[str, str] = {}
        ordered = [schema for schema in names if schema in with_history]
        for first in range(0, max(len(ordered), 1), _BATCH_SIZE):
            rows = [_SCHEMA_ROWS.format(schema=schema) for schema in ordered[first : first + _BATCH_SIZE]]
            expected = list(zip(*complete, strict=True)) or [(), ()]
            cursor.execute(
                _HISTORY_HASHES.format(rows=" UNION ALL ".join([_EXPECTED_ROWS, *rows])),
                [list(column) for column in expected],
            )
            hashes.update(cursor.fetchall())
    groups = {hashes.get(""): SchemaGroup(missing=frozenset())}
    for schema in names:
        history_hash = hashes.get(schema)
        if history_hash not in groups:
            applied = applied_migrations(schema) if schema in with_history else set()
            groups[history_hash] = SchemaGroup(
                missing=frozenset(migrations) - applied, has_history=schema in with_history
            )
        groups[history_hash].schemas.append(schema)
    used = [group for group in groups.values() if group.schemas]
    return sorted(used, key=lambda group: names.index(group.schemas[0]))


def count_unapplied_migrations(schemas: Iterable[str]) -> dict[str, int]:
    """Number of the code's migrations that each of these schemas lacks, without those that lack none.

    A schema that does not exist lacks all.
    """
    names = list(dict.fromkeys(schemas))
    counts = {
        schema: len(group.missing) for group in group_by_migration_state(names) for schema in group.schemas
    }
    return {schema: counts[schema] for schema in names if counts[schema]}


def missing_tables(schemas: Iterable[str], *, like: str) -> dict[str, str]:
    """Tables that `like` has and these schemas lack: {"c_riverton": "plans_goal, plans_plan"}.

    PostgreSQL looks for a table that a city lacks in the public schema: a migration of the city would silently change
    the alliance's table.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [validate_schema_name(like)])
        tables = cursor.fetchone()[0] or []
        cursor.execute(_MISSING_TABLES, {"tables": tables, "schemas": list(schemas)})
        return dict(cursor.fetchall())
