"""`manage.py migrate` reaches every schema, skips those that are up to date, and names a city that failed."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import CommandError
from django.core.management.commands.makemigrations import Command as MakeMigrations
from django.db import connection

from tenants.management.commands.migrate import Command
from tenants.models import Jurisdiction
from tenants.schemas import clone, inventory

NOOP = ("wagtailredirects", "0008_add_verbose_name_plural")  # a leaf that changes nothing in the database
COLUMN = ("wagtailusers", "0015_userprofile_keyboard_shortcuts")  # a leaf that adds a column


def delete_record(schema: str, migration: tuple[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {schema}.django_migrations WHERE app = %s AND name = %s", migration)


def test_our_command_wins_and_compares_models_as_makemigrations_does():
    assert get_commands()["migrate"] == "tenants"
    assert Command.autodetector is MakeMigrations.autodetector


@pytest.mark.django_db
class TestInventory:
    def test_public_first_then_the_template_then_the_cities(self):
        assert inventory.all_schemas() == [
            "public",
            settings.TEMPLATE_SCHEMA,
            "c_ashford",
            "c_millbrook",
            "c_riverton",
        ]

    def test_the_number_of_queries_does_not_depend_on_the_number_of_schemas(
        self, django_assert_max_num_queries
    ):
        schemas = inventory.all_schemas()
        with django_assert_max_num_queries(20) as few:
            assert inventory.count_unapplied_migrations(schemas) == {}
        with django_assert_max_num_queries(20) as more:
            assert inventory.count_unapplied_migrations([*schemas, "c_not_there"]).keys() == {"c_not_there"}
        assert len(more) == len(few)

    def test_unapplied_migrations_are_counted(self):
        delete_record("c_ashford", NOOP)
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {"c_ashford": 1}

    def test_a_row_of_code_that_is_gone_does_not_hide_a_missing_one(self):
        delete_record("c_ashford", NOOP)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO c_ashford.django_migrations (app, name, applied) "
                "VALUES ('gone', '0001_gone', now()), ('gone', '0002_gone', now())"
            )
        assert inventory.count_unapplied_migrations(["c_ashford"]) == {"c_ashford": 1}

    def test_check_exits_with_one_only_if_a_migration_is_unapplied(self, capsys):
        call_command("migrate", check_unapplied=True)
        delete_record("c_ashford", NOOP)
        with pytest.raises(SystemExit) as system_exit:
            call_command("migrate", check_unapplied=True)
        assert system_exit.value.code == 1
        assert "c_ashford: 1 migrations to apply" in capsys.readouterr().out

    def test_plan_names_the_unapplied_migrations(self, capsys):
        delete_record("c_ashford", NOOP)
        call_command("migrate", plan=True)
        assert "wagtailredirects.0008_add_verbose_name_plural" in capsys.readouterr().out
        assert inventory.count_unapplied_migrations(["c_ashford"]) == {"c_ashford": 1}

    def test_a_schema_that_is_no_member_is_named(self):
        with pytest.raises(CommandError, match="'c_nowhere'"):
            call_command("migrate", schema="c_nowhere", verbosity=0)


@pytest.mark.usefixtures("committed")
class TestCommitted:
    def test_cities_that_are_up_to_date_are_only_counted(self, capsys):
        call_command("migrate")
        assert capsys.readouterr().out == "Jurisdictions: 3, up to date: 3.\n"

    def test_a_failing_city_is_named_the_others_are_done_and_a_second_run_repairs_it(self, capsys):
        for schema in ("c_millbrook", "c_riverton"):
            delete_record(schema, NOOP)
        delete_record("c_ashford", COLUMN)  # its column exists: adding it again fails

        with pytest.raises(CommandError, match=r"1 of 3 jurisdictions could not be migrated: c_ashford\."):
            call_command("migrate")

        out, err = capsys.readouterr()
        assert "c_ashford failed" in err
        assert "already exists" in err
        assert "c_millbrook: 1 migrations" in out
        assert "The same SQL in 1 more" in out
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {"c_ashford": 1}
        assert connection.schema_name == "public"

        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE c_ashford.wagtailusers_userprofile DROP COLUMN keyboard_shortcuts")
        call_command("migrate", verbosity=0)
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {}

    def test_a_foreign_key_to_public_that_a_migration_added_is_dropped(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE c_riverton.note (user_id bigint REFERENCES public.accounts_user (id))"
            )
        delete_record("c_riverton", NOOP)
        call_command("migrate", verbosity=0)
        assert clone.drop_cross_schema_foreign_keys("c_riverton") == []
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE c_riverton.note")

    def test_a_lost_schema_is_named_and_not_created_empty(self, capsys):
        Jurisdiction.objects.create(name="Lost", short_name="Lost", slug="lost", schema_name="c_lost")
        try:
            with pytest.raises(CommandError, match="c_lost"):
                call_command("migrate", verbosity=0)
            assert "restore it from the backup" in capsys.readouterr().err
            assert not inventory.schema_exists("c_lost")
        finally:
            Jurisdiction.objects.filter(slug="lost").delete()
