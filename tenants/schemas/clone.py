"""A new schema as an exact copy of the template: SQL written from PostgreSQL's own catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

# Held alone by a migration, shared by those who copy the template.
MIGRATION_LOCK = 7_140_001

SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,41}")
COPY_PLACEHOLDER = "copy_goes_here"
_SOURCE = "source_goes_here"

# The tables of a schema, found by their dependency on it: pg_class has no index by schema, and a scan of it
# would take longer with every city.
_TABLES = """
WITH t AS (
  SELECT c.oid, c.relname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass
    AND d.refobjid = %(schema)s::regnamespace AND c.relkind = 'r')
"""

# Every definition has its row in one of these; a row that is changed gets a new xmin.
_STATE = (
    _TABLES
    + """
SELECT current_database(), md5(string_agg(part, ',' ORDER BY part)) FROM (
  SELECT 't' || c.oid || ':' || c.xmin FROM pg_class c JOIN t USING (oid)
  UNION ALL SELECT 'a' || a.attrelid || '.' || a.attnum || ':' || a.xmin
    FROM pg_attribute a JOIN t ON t.oid = a.attrelid
  UNION ALL SELECT 'd' || d.oid || ':' || d.xmin FROM pg_attrdef d JOIN t ON t.oid = d.adrelid
  UNION ALL SELECT 'k' || k.oid || ':' || k.xmin FROM pg_constraint k JOIN t ON t.oid = k.conrelid
  UNION ALL SELECT 'i' || i.indexrelid || ':' || i.xmin FROM pg_index i JOIN t ON t.oid = i.indrelid
  UNION ALL SELECT 'g' || g.oid || ':' || g.xmin FROM pg_trigger g JOIN t ON t.oid = g.tgrelid
  UNION ALL SELECT 'n' || d.classid || '.' || d.objid FROM pg_depend d
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = %(schema)s::regnamespace
) AS parts(part)
"""
)

# 1 tables, 2 keys and checks, 3 indexes, 4 foreign keys, 5 triggers; every name is the template's.
_DEFINITIONS = (
    _TABLES
    + """
SELECT 1 AS step, t.relname, '' AS name, format('CREATE TABLE %%I.%%I (%%s)', %(schema)s, t.relname, (
    SELECT string_agg(format('%%I %%s%%s%%s%%s', a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attcollation <> ty.typcollation AND a.attcollation <> 0
           THEN ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname) ELSE '' END,
      CASE WHEN a.attidentity IN ('a', 'd') THEN format(' GENERATED %%s AS IDENTITY (SEQUENCE NAME %%I.%%I)',
             CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, %(schema)s, (
             SELECT sc.relname FROM pg_depend dp JOIN pg_class sc ON sc.oid = dp.objid
             WHERE dp.refclassid = 'pg_class'::regclass AND dp.refobjid = t.oid AND dp.refobjsubid = a.attnum
               AND dp.classid = 'pg_class'::regclass AND sc.relkind = 'S' AND dp.deptype = 'i'))
           WHEN a.attgenerated = 's'
             THEN ' GENERATED ALWAYS AS (' || pg_get_expr(ad.adbin, ad.adrelid) || ') STORED'
           WHEN ad.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(ad.adbin, ad.adrelid) ELSE '' END,
      CASE WHEN a.attnotnull THEN coalesce((
             SELECT ' CONSTRAINT ' || quote_ident(k.conname) FROM pg_constraint k
             WHERE k.conrelid = t.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]), '') || ' NOT NULL'
           ELSE '' END), ', ' ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type ty ON ty.oid = a.atttypid
    LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
    LEFT JOIN pg_collation co ON co.oid = a.attcollation
    LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
    WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped)) AS sql FROM t
UNION ALL
SELECT CASE k.contype WHEN 'f' THEN 4 ELSE 2 END, t.relname, k.conname,
    format('ALTER TABLE %%I.%%I ADD CONSTRAINT %%I %%s',
           %(schema)s, t.relname, k.conname, pg_get_constraintdef(k.oid))
  FROM t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'c', 'x', 'f')
UNION ALL
SELECT 3, t.relname, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
  FROM t JOIN pg_index i ON i.indrelid = t.oid
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = t.oid
                  AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 5, t.relname, g.tgname, pg_get_triggerdef(g.oid)
  FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal
ORDER BY 1, 2, 3
"""
)

# What else may stand in a schema or hang on a table. A copy would miss it, so it is refused by name.
_NOT_COPIED = (
    _TABLES
    + """
SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
  WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = %(schema)s::regnamespace
    AND c.relkind IS DISTINCT FROM 'r'
    AND NOT (c.relkind IS NOT DISTINCT FROM 'S' AND EXISTS (
      SELECT 1 FROM pg_depend o
      WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.deptype = 'i'))
UNION ALL
SELECT pg_describe_object('pg_trigger'::regclass, g.oid, 0) || ' (disabled)'
  FROM pg_trigger g JOIN t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal AND g.tgenabled <> 'O'
UNION ALL
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0)
    || ' (partitioned, inherited, secured by row or with options)'
  FROM pg_class c JOIN t USING (oid)
  WHERE c.relispartition OR c.relhassubclass OR c.relrowsecurity OR c.reloptions IS NOT NULL
    OR c.relpersistence <> 'p'
LIMIT 5
"""
)

_COLUMNS = (
    _TABLES
    + """
SELECT t.relname, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                   WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '')
FROM t ORDER BY 1
"""
)

_SEQUENCES = (
    _TABLES
    + """
SELECT s.relname FROM t
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
    AND d.classid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' ORDER BY 1
"""
)

# One process copies many cities from one template; its SQL is written once for each state of the template.
_written: dict[tuple[str, str, str], str] = {}
_KEPT = 4


def validate_schema_name(schema: str) -> str:
    """`schema` itself. Raises ValueError unless it is safe to stand in SQL."""
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} cannot name a schema: small letters, digits and _, at most 42 of them.")
    return schema


def create_schema(schema: str) -> None:
    """Make `schema` if it is not there yet, with nothing in it."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {validate_schema_name(schema)}")


@contextmanager
def _catalog_names() -> Iterator[CursorWrapper]:
    """A cursor to which PostgreSQL writes every name with its schema, in a transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        try:
            yield cursor
        finally:
            # The backend believes its own search path still stands; SET LOCAL outlives an inner transaction.
            connection.search_path_set_schemas = None


def clone_sql(template: str | None = None) -> str:
    """The statements that make a copy of the template, its rows and its sequences; `clone` names the copy.

    They depend on the template's definitions, not on its rows, and are kept while these stay as they are.
    Raises ValueError if the template is not there or holds what would not be copied, like views or functions.
    """
    template = validate_schema_name(template or settings.TEMPLATE_SCHEMA)
    name = {"schema": template}
    with _catalog_names() as cursor:
        cursor.execute("SELECT to_regnamespace(%(schema)s) IS NOT NULL", name)
        if not cursor.fetchone()[0]:
            raise ValueError(f"The template schema {template!r} is not there. Run `manage.py migrate` first.")
        cursor.execute(_STATE, name)
        database, state = cursor.fetchone()
        known = _written.get((database, template, state))
        if known:
            return known
        cursor.execute(_NOT_COPIED, name)
        if surplus := [row[0] for row in cursor.fetchall()]:
            raise ValueError(f"Schema {template!r} holds what a copy would miss: {'; '.join(surplus)}.")
        cursor.execute(_DEFINITIONS, name)
        definitions = cursor.fetchall()
        cursor.execute(_COLUMNS, name)
        rows = [
            f'INSERT INTO {template}."{table}" ({columns}) OVERRIDING SYSTEM VALUE '
            f'SELECT {columns} FROM {_SOURCE}."{table}"'
            for table, columns in cursor.fetchall()
        ]
        cursor.execute(_SEQUENCES, name)
        sequences = [
            f'SELECT setval(\'{template}."{sequence}"\', last_value, is_called) FROM {_SOURCE}."{sequence}"'
            for (sequence,) in cursor.fetchall()
        ]
    parts = [f"CREATE SCHEMA {template}"]
    parts += [sql for step, _table, _name, sql in definitions if step == 1]
    parts += rows
    parts += [sql for step, _table, _name, sql in definitions if step > 1]
    parts += sequences
    text = re.sub(rf"\b{template}\b", COPY_PLACEHOLDER, ";\n".join(parts) + ";").replace(_SOURCE, template)
    while len(_written) >= _KEPT:
        _written.pop(next(iter(_written)))
    _written[database, template, state] = text
    return text


def clone_schema(schema: str, *, sql: str | None = None) -> None:
    """Make `schema` as a copy of the template, in the caller's transaction or one of its own.

    Waits for a migration that is under way, so that no half-migrated template is copied.
    Raises ValueError for a name that cannot stand in SQL, ProgrammingError if the schema is there already.
    """
    validate_schema_name(schema)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [MIGRATION_LOCK])
        text = (sql or clone_sql()).replace(COPY_PLACEHOLDER, schema)
        with _catalog_names() as inner:
            inner.execute("SET LOCAL client_min_messages = warning")
            inner.execute(text)


def drop_cross_schema_foreign_keys(schema: str) -> list[tuple[str, str]]:
    """Drop every foreign-key constraint from `schema` to another schema; returns them as (table, constraint).

    Such constraints put triggers on the public tables for each city, and lock them while a city is made.
    """
    validate_schema_name(schema)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _TABLES
            + """SELECT t.relname, k.conname FROM t JOIN pg_constraint k ON k.conrelid = t.oid
                 JOIN pg_class r ON r.oid = k.confrelid
                 WHERE k.contype = 'f' AND r.relnamespace <> %(schema)s::regnamespace""",
            {"schema": schema},
        )
        links = cursor.fetchall()
        for table, constraint in links:
            cursor.execute(f'ALTER TABLE {schema}."{table}" DROP CONSTRAINT "{constraint}"')
    return links


def drop_invalid_indexes(schema: str) -> None:
    """Drop what a killed CREATE INDEX CONCURRENTLY has left, so that the index can be made anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TABLES
            + """SELECT c.relname FROM t JOIN pg_index i ON i.indrelid = t.oid AND NOT i.indisvalid
                 JOIN pg_class c ON c.oid = i.indexrelid""",
            {"schema": validate_schema_name(schema)},
        )
        for (index,) in cursor.fetchall():
            cursor.execute(f'DROP INDEX {schema}."{index}"')
