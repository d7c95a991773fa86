"""A new schema as an exact copy of the template: SQL written from PostgreSQL's own catalog."""

from __future__ import annotations

import re

from django.conf import settings
from django.db import connection, transaction

SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_PLACEHOLDER = "new_schema_goes_here"

# 1 tables, 3 keys and checks, 4 indexes, 5 foreign keys; names are those of the template.
_DEFINITIONS = """
WITH t AS (
  SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r')
SELECT 1 AS step, t.relname, format('CREATE TABLE %%I.%%I (%%s)', %(schema)s, t.relname, (
    SELECT string_agg(format('%%I %%s%%s%%s%%s', a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attcollation <> ty.typcollation AND a.attcollation <> 0
           THEN ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname) ELSE '' END,
      CASE WHEN a.attidentity IN ('a', 'd') THEN format(' GENERATED %%s AS IDENTITY (SEQUENCE NAME %%I.%%I)',
             CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, %(schema)s, (
             SELECT sc.relname FROM pg_depend dp JOIN pg_class sc ON sc.oid = dp.objid
             WHERE dp.refobjid = t.oid AND dp.refobjsubid = a.attnum AND dp.classid = 'pg_class'::regclass
               AND sc.relkind = 'S' AND dp.deptype = 'i'))
           WHEN a.attgenerated = 's' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(ad.adbin, ad.adrelid) || ') STORED'
           WHEN ad.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(ad.adbin, ad.adrelid) ELSE '' END,
      CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END), ', ' ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type ty ON ty.oid = a.atttypid
    LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
    LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
    WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped)) AS sql FROM t
UNION ALL
SELECT 3, t.relname, format('ALTER TABLE %%I.%%I ADD CONSTRAINT %%I %%s', %(schema)s, t.relname, k.conname,
    pg_get_constraintdef(k.oid))
  FROM t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'c', 'x')
UNION ALL
SELECT 4, t.relname, pg_get_indexdef(i.indexrelid) FROM t JOIN pg_index i ON i.indrelid = t.oid
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = t.oid
                  AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 5, t.relname, format('ALTER TABLE %%I.%%I ADD CONSTRAINT %%I %%s', %(schema)s, t.relname, k.conname,
    pg_get_constraintdef(k.oid))
  FROM t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
ORDER BY 1, 2, 3
"""

_NOT_COPIED = """
SELECT count(*) FILTER (WHERE c.relkind IN ('v', 'm', 'f', 'p'))
     + (SELECT count(*) FROM pg_trigger g JOIN pg_class tc ON tc.oid = g.tgrelid
        WHERE tc.relnamespace = %(schema)s::regnamespace AND NOT g.tgisinternal)
FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace
"""

_COLUMNS = """
SELECT c.relname, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
                   WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '')
FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' ORDER BY 1
"""


def check_name(schema: str) -> str:
    """`schema` itself. Raises ValueError unless it is safe to stand in SQL."""
    if not SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"{schema!r} cannot name a schema: small letters, digits and _, at most 41 of them.")
    return schema


def make_empty(schema: str) -> None:
    """Make `schema` if it is not there yet, with nothing in it."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {check_name(schema)}")


def clone_sql(template: str | None = None) -> str:
    """The statements that make a copy of the template, its rows and its sequences; `render` names the copy.

    Raises ValueError if the template holds what would not be copied: views, partitions, triggers.
    """
    template = check_name(template or settings.TEMPLATE_SCHEMA)
    name = {"schema": template}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")  # so that every name comes out with its schema
        cursor.execute(_NOT_COPIED, name)
        if cursor.fetchone()[0]:
            raise ValueError(f"Schema {template!r} has views, partitions or triggers, which a copy would miss.")
        cursor.execute(_DEFINITIONS, name)
        definitions = cursor.fetchall()
        cursor.execute(_COLUMNS, name)
        tables = cursor.fetchall()
        filled = []
        for table, columns in tables:
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM {template}."{table}")')
            if cursor.fetchone()[0]:
                filled.append(f'INSERT INTO {template}."{table}" ({columns}) SELECT {columns} FROM @SOURCE@."{table}"')
        cursor.execute(
            "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = %s AND last_value IS NOT NULL",
            [template],
        )
        sequences = [f"SELECT setval('{template}.\"{name}\"', {value})" for name, value in cursor.fetchall()]
    connection.search_path_set_schemas = None
    parts = [f"CREATE SCHEMA {template}"]
    parts += [sql for step, _table, sql in definitions if step == 1]
    parts += filled
    parts += [sql for step, _table, sql in definitions if step > 1]
    parts += sequences
    text = ";\n".join(parts) + ";"
    return re.sub(rf"\b{template}\b", _PLACEHOLDER, text).replace("@SOURCE@", template)


def clone(schema: str, *, sql: str | None = None) -> None:
    """Make `schema` as a copy of the template, in the caller's transaction or one of its own."""
    check_name(schema)
    text = (sql or clone_sql()).replace(_PLACEHOLDER, schema)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        cursor.execute("SET LOCAL client_min_messages = warning")
        cursor.execute(text)
    connection.search_path_set_schemas = None


def drop_links_to_public(schema: str) -> int:
    """Drop every foreign-key constraint from `schema` to another schema; returns how many there were.

    Such constraints would put triggers on the public tables for each city, and lock them while a city is made.
    """
    check_name(schema)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """SELECT format('ALTER TABLE %%I.%%I DROP CONSTRAINT %%I', n.nspname, c.relname, k.conname)
               FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_class r ON r.oid = k.confrelid
               WHERE k.contype = 'f' AND n.nspname = %s AND r.relnamespace <> c.relnamespace""",
            [schema],
        )
        statements = [row[0] for row in cursor.fetchall()]
        for statement in statements:
            cursor.execute(statement)
    return len(statements)
