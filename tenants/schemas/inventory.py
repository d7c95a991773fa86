"""The fleet of schemas: which there are, how far each one's migrations are, and the lock under which they move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from tenants.models import Jurisdiction
from tenants.schemas.clone import MIGRATION_LOCK, validate_schema_name

MigrationKey = tuple[str, str]  # a migration: its app and its name

# Each schema's rows as one number. Rows that stand twice count twice, as nothing forbids them.
_MARKS = """
SELECT schema, count(*) || '/' || sum(hashtextextended(name, hashtext(app))) FROM ({rows}) AS rows GROUP BY schema
"""
_EXPECTED = "SELECT '' AS schema, app, name FROM unnest(%s::text[], %s::text[]) AS expected(app, name)"
_ROWS = "SELECT '{schema}', app, name FROM {schema}.django_migrations"
_AT_ONCE = 500  # schemas in one statement; each takes two of PostgreSQL's locks while it runs

_HAVE_ROWS = """
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = 'django_migrations' AND n.nspname = ANY(%s)
"""
_TABLES = """
SELECT array_agg(c.relname) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass
  AND d.refobjid = %s::regnamespace AND c.relkind = 'r'
"""
_WITH_FEWER = """
WITH held AS MATERIALIZED (
  SELECT relnamespace, array_agg(relname) AS tables FROM pg_class
  WHERE relname = ANY(%(tables)s) AND relkind = 'r' GROUP BY 1)
SELECT n.nspname, array_to_string(ARRAY(
    SELECT unnest(%(tables)s::name[]) EXCEPT SELECT unnest(h.tables) ORDER BY 1), ', ')
FROM pg_namespace n LEFT JOIN held h ON h.relnamespace = n.oid
WHERE n.nspname = ANY(%(schemas)s) AND cardinality(h.tables) IS DISTINCT FROM cardinality(%(tables)s::name[])
"""


@dataclass
class SchemaGroup:
    """Schemas whose django_migrations hold the same rows, and the migrations of the code that these lack."""

    missing: frozenset[MigrationKey]
    schemas: list[str] = field(default_factory=list)
    started: bool = True  # False: there is no such table yet


@contextmanager
def migration_lock(*, when_waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """One migration at a time, and no copy of a template that is half migrated."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATION_LOCK])
        if not cursor.fetchone()[0]:
            when_waiting()
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        yield
    finally:
        if connection.is_usable():  # a connection that broke has let go of it already
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def acquire_shared_migration_lock() -> None:
    """Wait for a migration that is under way, and let none begin before this transaction ends.

    To be called before anything else is touched: a migration must not wait for the tables of one that waits for it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [MIGRATION_LOCK])


def schema_exists(schema: str) -> bool:
    """True if the database has a schema of this name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %s)", [schema])
        return cursor.fetchone()[0]


def city_schemas() -> list[str]:
    """The schemas of all member jurisdictions, by name."""
    return list(Jurisdiction.objects.tenants().order_by("schema_name").values_list("schema_name", flat=True))


def all_schemas() -> list[str]:
    """Every schema that migrations reach, in their order: public, the template, then the cities.

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
    """Every migration there is, but not those that a squashed one replaces."""
    return MigrationLoader(None).graph.nodes


def group_by_migration_state(
    schemas: Iterable[str], *, nodes: Mapping[MigrationKey, Migration] | None = None
) -> list[SchemaGroup]:
    """These schemas by how far they are, the first one's group first; in a group they keep their order.

    One statement reads the rows of all, and one more those of a schema in each group that is not simply up to date.
    `nodes` are the code's migrations, where they are known already.
    """
    wanted = [validate_schema_name(schema) for schema in dict.fromkeys(schemas)]
    nodes = nodes or migrations_in_code()
    # A squashed migration is recorded under its own name and those that it replaces.
    complete = set(nodes).union(*(migration.replaces for migration in nodes.values()))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_HAVE_ROWS, [wanted])
        started = {row[0] for row in cursor.fetchall()}
        # Over many schemas PostgreSQL likes a parallel plan, whose workers read every catalog anew.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        marks: dict[str, str] = {}
        ordered = [schema for schema in wanted if schema in started]
        for first in range(0, max(len(ordered), 1), _AT_ONCE):
            rows = [_ROWS.format(schema=schema) for schema in ordered[first : first + _AT_ONCE]]
            expected = list(zip(*complete, strict=True)) or [(), ()]
            cursor.execute(
                _MARKS.format(rows=" UNION ALL ".join([_EXPECTED, *rows])), [list(part) for part in expected]
            )
            marks.update(cursor.fetchall())
    found = {marks.get(""): SchemaGroup(missing=frozenset())}
    for schema in wanted:
        mark = marks.get(schema)
        if mark not in found:
            missing = frozenset(nodes) - (applied_migrations(schema) if schema in started else set())
            found[mark] = SchemaGroup(missing=missing, started=schema in started)
        found[mark].schemas.append(schema)
    there = [group for group in found.values() if group.schemas]
    return sorted(there, key=lambda group: wanted.index(group.schemas[0]))


def count_unapplied_migrations(schemas: Iterable[str]) -> dict[str, int]:
    """How many of the code's migrations each of these schemas lacks; those that lack none are left out.

    A schema that is not there lacks all.
    """
    wanted = list(dict.fromkeys(schemas))
    missing = {
        schema: len(group.missing) for group in group_by_migration_state(wanted) for schema in group.schemas
    }
    return {schema: missing[schema] for schema in wanted if missing[schema]}


def missing_tables(schemas: Iterable[str], *, like: str) -> dict[str, str]:
    """The tables that `like` has and these lack, as "this, that" for each schema that lacks one.

    A table that a city lacks is looked for in the public schema by PostgreSQL: a migration of the city would
    silently change the alliance's.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [validate_schema_name(like)])
        tables = cursor.fetchone()[0] or []
        cursor.execute(_WITH_FEWER, {"tables": tables, "schemas": list(schemas)})
        return dict(cursor.fetchall())
