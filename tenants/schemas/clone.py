"""Copies the template schema for a new city, by SQL that is written from PostgreSQL's catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

# The advisory lock: exclusive for a migration, shared for a copy of the template.
MIGRATION_LOCK_ID = 7_140_001

SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,41}")
COPY_PLACEHOLDER = "copy_goes_here"
_SOURCE_PLACEHOLDER = "source_goes_here"

# The tables of a schema, by their dependency on it: pg_class has no index by schema, and a scan of it takes longer
# with every city.
_TABLES = """
WITH t AS (
  SELECT c.oid, c.relname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass
    AND d.refobjid = %(schema)s::regnamespace AND c.relkind = 'r')
"""

# Hash of all definitions. Each has its row in one of these catalogs; a row that is changed gets a new xmin.
_DEFINITIONS_HASH = (
    _TABLES
    + """
SELECT current_database(), md5(string_agg(row_version, ',' ORDER BY row_version)) FROM (
  SELECT 't' || c.oid || ':' || c.xmin FROM pg_class c JOIN t USING (oid)
  UNION ALL SELECT 'a' || a.attrelid || '.' || a.attnum || ':' || a.xmin
    FROM pg_attribute a JOIN t ON t.oid = a.attrelid
  UNION ALL SELECT 'd' || d.oid || ':' || d.xmin FROM pg_attrdef d JOIN t ON t.oid = d.adrelid
  UNION ALL SELECT 'k' || k.oid || ':' || k.xmin FROM pg_constraint k JOIN t ON t.oid = k.conrelid
  UNION ALL SELECT 'i' || i.indexrelid || ':' || i.xmin FROM pg_index i JOIN t ON t.oid = i.indrelid
  UNION ALL SELECT 'g' || g.oid || ':' || g.xmin FROM pg_trigger g JOIN t ON t.oid = g.tgrelid
  UNION ALL SELECT 'n' || d.classid || '.' || d.objid FROM pg_depend d
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = %(schema)s::regnamespace
) AS versions(row_version)
"""
)

# Steps: 1 tables, 2 keys and checks, 3 indexes, 4 foreign keys, 5 triggers. Every name is the template's.
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

# Other objects in the schema or attached to a table. A copy would lack them, so they are refused by name.
_UNSUPPORTED = (
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

# The SQL by database, hash of the definitions, and template.
_sql_cache: dict[tuple[str, str, str], str] = {}
_MAX_CACHED = 4


def validate_schema_name(schema: str) -> str:
    """Return `schema`. Raises ValueError unless it is safe in SQL."""
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(
            f"{schema!r} cannot name a schema: lowercase letters, digits and _, at most 42 of them."
        )
    return schema


def create_schema(schema: str) -> None:
    """Create an empty `schema` unless it exists."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {validate_schema_name(schema)}")


@contextmanager
def _qualified_names_cursor() -> Iterator[CursorWrapper]:
    """A cursor in a transaction, for which PostgreSQL writes every name with its schema."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        try:
            yield cursor
        finally:
            # The backend does not know of this change, and SET LOCAL outlives an inner transaction.
            connection.search_path_set_schemas = None


def clone_sql(template: str | None = None) -> str:
    """The statements that copy the template with its rows and sequences; COPY_PLACEHOLDER stands for the copy's name.

    They depend on the template's definitions, not on its rows, and are cached while these do not change.
    Raises ValueError if the template does not exist or contains what cannot be copied, like views or functions.
    """
    template = validate_schema_name(template or settings.TEMPLATE_SCHEMA)
    params = {"schema": template}
    with _qualified_names_cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%(schema)s) IS NOT NULL", params)
        if not cursor.fetchone()[0]:
            raise ValueError(
                f"The template schema {template!r} does not exist. Run `manage.py migrate` first."
            )
        cursor.execute(_DEFINITIONS_HASH, params)
        cache_key = (*cursor.fetchone(), template)
        if cached := _sql_cache.get(cache_key):
            return cached
        cursor.execute(_UNSUPPORTED, params)
        if unsupported := [row[0] for row in cursor.fetchall()]:
            raise ValueError(
                f"Schema {template!r} contains what a copy would lack: {'; '.join(unsupported)}."
            )
        cursor.execute(_DEFINITIONS, params)
        definitions = cursor.fetchall()
        cursor.execute(_COLUMNS, params)
        rows = [
            f'INSERT INTO {template}."{table}" ({columns}) OVERRIDING SYSTEM VALUE '
            f'SELECT {columns} FROM {_SOURCE_PLACEHOLDER}."{table}"'
            for table, columns in cursor.fetchall()
        ]
        cursor.execute(_SEQUENCES, params)
        sequences = [
            f'SELECT setval(\'{template}."{sequence}"\', last_value, is_called) FROM {_SOURCE_PLACEHOLDER}."{sequence}"'
            for (sequence,) in cursor.fetchall()
        ]
    statements = [f"CREATE SCHEMA {template}"]
    statements += [statement for step, _table, _name, statement in definitions if step == 1]
    statements += rows
    statements += [statement for step, _table, _name, statement in definitions if step > 1]
    statements += sequences
    sql = re.sub(rf"\b{template}\b", COPY_PLACEHOLDER, ";\n".join(statements) + ";").replace(
        _SOURCE_PLACEHOLDER, template
    )
    while len(_sql_cache) >= _MAX_CACHED:
        _sql_cache.pop(next(iter(_sql_cache)))
    _sql_cache[cache_key] = sql
    return sql


def clone_schema(schema: str, *, sql: str | None = None) -> None:
    """Create `schema` as a copy of the template, in the caller's transaction or one of its own.

    Waits for a running migration, so that no half-migrated template is copied.
    Raises ValueError for a name that is not safe in SQL, ProgrammingError if the schema exists already.
    """
    validate_schema_name(schema)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [MIGRATION_LOCK_ID])
        sql = (sql or clone_sql()).replace(COPY_PLACEHOLDER, schema)
        with _qualified_names_cursor() as qualified:
            qualified.execute("SET LOCAL client_min_messages = warning")
            qualified.execute(sql)


def drop_cross_schema_foreign_keys(schema: str) -> list[tuple[str, str]]:
    """Drop every foreign-key constraint from `schema` to another schema; returns them as (table, constraint).

    Each such constraint puts triggers on a public table for each city, and locks it while a city is opened.
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
        foreign_keys = cursor.fetchall()
        for table, constraint in foreign_keys:
            cursor.execute(f'ALTER TABLE {schema}."{table}" DROP CONSTRAINT "{constraint}"')
    return foreign_keys


def drop_invalid_indexes(schema: str) -> None:
    """Drop what a killed CREATE INDEX CONCURRENTLY has left, so that the index can be created again."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TABLES
            + """SELECT c.relname FROM t JOIN pg_index i ON i.indrelid = t.oid AND NOT i.indisvalid
                 JOIN pg_class c ON c.oid = i.indexrelid""",
            {"schema": validate_schema_name(schema)},
        )
        for (index,) in cursor.fetchall():
            cursor.execute(f'DROP INDEX {schema}."{index}"')
