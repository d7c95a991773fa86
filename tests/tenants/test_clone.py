"""A new city's schema is an exact copy of the template."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection

from tenants.schemas import clone
from tests.tenants.schema_helpers import describe_schema

TEMPLATE = settings.TEMPLATE_SCHEMA


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
    for kind, catalog_rows in template.items():
        assert catalog_rows ^ copy[kind] == set(), kind
    assert template["triggers"]
    assert len(tables(TEMPLATE)) > 40
    assert tables("c_copy") == tables(TEMPLATE)
    for table in tables(TEMPLATE):
        assert rows("c_copy", table) == rows(TEMPLATE, table), table
    assert rows("c_copy", "wagtailcore_page")


@pytest.mark.django_db
def test_the_copy_s_sequences_continue_the_template_s():
    clone.clone_schema("c_copy")
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM c_copy.wagtailcore_page")
        highest = cursor.fetchone()[0]
        cursor.execute("SELECT nextval('c_copy.wagtailcore_page_id_seq')")
        assert cursor.fetchone()[0] > highest


@pytest.mark.django_db
def test_no_table_of_any_city_has_a_foreign_key_to_another_schema(riverton):
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
        assert cursor.fetchone()[0] > 20  # those within a city stay


@pytest.mark.django_db
def test_a_foreign_key_to_the_public_schema_is_dropped(riverton):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE c_riverton.note (user_id bigint REFERENCES public.accounts_user (id))")
    assert clone.drop_cross_schema_foreign_keys("c_riverton") == [("note", "note_user_id_fkey")]
    assert clone.drop_cross_schema_foreign_keys("c_riverton") == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (f"CREATE VIEW {TEMPLATE}.seen AS SELECT 1 AS number", "view"),
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
def test_what_a_copy_would_lack_is_refused_by_name(statement, message):
    with connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(ValueError, match=message):
        clone.clone_sql()


@pytest.mark.django_db
def test_the_statements_are_written_again_only_when_the_template_changes(django_assert_num_queries):
    before = clone.clone_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TEMPLATE}.taggit_tag (name, slug) VALUES ('a row', 'is-no-definition')")
    assert clone.clone_sql() is before
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TEMPLATE}.taggit_tag ALTER slug SET DEFAULT 'x'")
    assert "DEFAULT 'x'" in clone.clone_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TEMPLATE}.brand_new (id bigint)")
    assert "brand_new" in clone.clone_sql()


@pytest.mark.django_db
def test_the_search_path_stays(riverton, in_city):
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
def test_a_schema_that_exists_is_not_changed(riverton):
    with pytest.raises(ProgrammingError, match="already exists"):
        clone.clone_schema("c_riverton")


@pytest.mark.django_db
def test_without_a_template_the_message_says_what_to_do():
    with pytest.raises(ValueError, match=r"manage\.py migrate"):
        clone.clone_sql("not_there")
