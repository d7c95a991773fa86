"""A new city's schema is an exact copy of the template."""

from __future__ import annotations

import functools
import re
from typing import Any

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection

from tenants.schemas import clone

TEMPLATE = settings.TEMPLATE_SCHEMA

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
    """The whole schema as its catalog rows, with the schema's own name and re-printed casts evened out."""
    found = {}
    with connection.cursor() as cursor:
        for part, sql in CATALOG.items():
            cursor.execute(sql, [schema])
            found[part] = {tuple(even(value, schema) for value in row) for row in cursor.fetchall()}
    return found


@functools.cache
def even(value: Any, schema: str) -> Any:
    if not isinstance(value, str):
        return value
    # PostgreSQL prints a list of texts as a cast of the whole, or of each: ('a'::varchar)::text, (ARRAY[…])::text[].
    text = re.sub(r"::(character varying|text)(\(\d+\))?(\[\])?", "", value.replace(schema, "SCHEMA"))
    return re.sub(r"[()]", "", text)


def rows(schema: str, table: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" t ORDER BY 1')
        return cursor.fetchall()


def tables(schema: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema])
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.django_db
def test_a_copy_equals_the_template_in_every_definition_and_row():
    clone.clone_schema("c_copy")

    template, copy = describe_schema(TEMPLATE), describe_schema("c_copy")
    for part, found in template.items():
        assert found ^ copy[part] == set(), part
    assert template["triggers"]
    assert len(tables(TEMPLATE)) > 40
    assert tables("c_copy") == tables(TEMPLATE)
    for table in tables(TEMPLATE):
        assert rows("c_copy", table) == rows(TEMPLATE, table), table
    assert rows("c_copy", "wagtailcore_page")


@pytest.mark.django_db
def test_the_copy_counts_on_where_the_template_stopped():
    clone.clone_schema("c_copy")
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM c_copy.wagtailcore_page")
        highest = cursor.fetchone()[0]
        cursor.execute("SELECT nextval('c_copy.wagtailcore_page_id_seq')")
        assert cursor.fetchone()[0] > highest


@pytest.mark.django_db
def test_no_table_of_any_city_is_tied_to_another_schema(riverton):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT n.nspname, c.relname, k.conname FROM pg_constraint k
               JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_class r ON r.oid = k.confrelid
               WHERE k.contype = 'f' AND r.relnamespace <> c.relnamespace"""
        )
        assert cursor.fetchall() == []
        cursor.execute(
            """SELECT count(*) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
               JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'f' AND n.nspname = 'c_riverton'"""
        )
        assert cursor.fetchone()[0] > 20  # within a city they are kept


@pytest.mark.django_db
def test_a_link_to_the_public_schema_is_cut(riverton):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE c_riverton.note (user_id bigint REFERENCES public.accounts_user (id))")
    assert clone.drop_cross_schema_foreign_keys("c_riverton") == [("note", "note_user_id_fkey")]
    assert clone.drop_cross_schema_foreign_keys("c_riverton") == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("surplus", "named"),
    [
        (f"CREATE VIEW {TEMPLATE}.seen AS SELECT 1 AS one", "view"),
        (f"CREATE SEQUENCE {TEMPLATE}.lonely", "sequence"),
        (f"CREATE TYPE {TEMPLATE}.mood AS ENUM ('fine')", "type"),
        (f"CREATE TABLE {TEMPLATE}.parted (at date) PARTITION BY RANGE (at)", "parted"),
        (f"ALTER TABLE {TEMPLATE}.wagtailcore_page ENABLE ROW LEVEL SECURITY", "wagtailcore_page"),
        (
            f"ALTER TABLE {TEMPLATE}.wagtailcore_page DISABLE TRIGGER page_stamp",
            "trigger page_stamp .*disabled",
        ),
    ],
)
def test_what_a_copy_would_miss_is_refused_by_name(surplus, named):
    with connection.cursor() as cursor:
        cursor.execute(surplus)
    with pytest.raises(ValueError, match=named):
        clone.clone_sql()


@pytest.mark.django_db
def test_the_statements_are_written_anew_only_when_the_template_changes(django_assert_num_queries):
    before = clone.clone_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TEMPLATE}.taggit_tag (name, slug) VALUES ('a row', 'is no definition')")
    assert clone.clone_sql() is before
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TEMPLATE}.taggit_tag ALTER slug SET DEFAULT 'x'")
    assert "DEFAULT 'x'" in clone.clone_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TEMPLATE}.brand_new (id bigint)")
    assert "brand_new" in clone.clone_sql()


@pytest.mark.django_db
def test_the_search_path_is_as_before(riverton, in_city):
    with in_city(riverton):
        clone.clone_schema("c_copy")
        with connection.cursor() as cursor:
            cursor.execute("SHOW search_path")
            assert cursor.fetchone()[0] == "c_riverton, public"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["public; DROP SCHEMA public", 'c_"x', "C_Big", "", "c-a", "c_" + "x" * 41, "c_a\n", "1c", "pg catalog"],
)
def test_a_name_that_is_sql_is_refused(name):
    with pytest.raises(ValueError, match="cannot name a schema"):
        clone.clone_schema(name)


@pytest.mark.django_db
def test_a_schema_that_is_there_is_not_touched(riverton):
    with pytest.raises(ProgrammingError, match="already exists"):
        clone.clone_schema("c_riverton")


@pytest.mark.django_db
def test_without_a_template_the_remedy_is_named():
    with pytest.raises(ValueError, match=r"manage\.py migrate"):
        clone.clone_sql("not_there")
