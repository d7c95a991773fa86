"""`manage.py migrate` over all schemas: its options, no migration to apply, and several commands at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tenants.jurisdictions import services
from tenants.schemas import inventory, migration_replay
from tests.forks import forked_process, kill, pipe
from tests.tenants.schema_helpers import (
    CITIES,
    COLUMN,
    PYTHON,
    TEMPLATE,
    OtherConnection,
    PlanMigration,
    assert_all_equal,
    describe_schema,
    has_column,
    run_sql,
    wait_for_lock_waiter,
)


class TestOptions:
    def test_one_schema_and_no_other(self, plan_migration):
        plan_migration(COLUMN)
        call_command("migrate", schema="c_riverton", verbosity=0)
        assert [has_column(schema) for schema in [TEMPLATE, *CITIES]] == [False, False, False, True]

    def test_tenant_and_shared(self, plan_migration):
        plan_migration(COLUMN)
        call_command("migrate", shared=True, verbosity=0)
        assert set(inventory.count_unapplied_migrations(inventory.all_schemas())) == {TEMPLATE, *CITIES}
        call_command("migrate", tenant=True, verbosity=0)
        assert_all_equal()

    def test_fake_records_and_runs_nothing(self, plan_migration):
        plan_migration(COLUMN)
        plan_migration(PYTHON)
        call_command("migrate", fake=True, verbosity=0)
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {}
        assert not any(has_column(schema) for schema in [TEMPLATE, *CITIES])

    def test_back_and_forth(self, plan_migration):
        before = describe_schema("c_riverton")
        key = plan_migration(COLUMN)
        call_command("migrate", verbosity=0)
        previous = max(
            name for app, name in inventory.applied_migrations(TEMPLATE) if app == "plans" and name < key[1]
        )
        call_command("migrate", "plans", previous, verbosity=0)
        after = describe_schema("c_riverton")
        assert [kind for kind in before if before[kind] != after[kind]] == ["sequences"]
        assert all(key not in inventory.applied_migrations(schema) for schema in inventory.all_schemas())
        call_command("migrate", "plans", key[1], verbosity=0)
        assert_all_equal()

    def test_plan_and_check_change_nothing(self, plan_migration, capsys):
        key = plan_migration(COLUMN)
        call_command("migrate", plan=True)
        assert ".".join(key) in capsys.readouterr().out
        with pytest.raises(SystemExit):
            call_command("migrate", check_unapplied=True, verbosity=0)
        assert not has_column("c_riverton")


class TestUpToDate:
    def migrate(self) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            call_command("migrate", verbosity=0)
        return [query["sql"] for query in captured]

    def test_one_query_reads_all_schemas(self, fresh):
        self.migrate()  # the first one may still update the registry
        queries = [text for text in self.migrate() if ".django_migrations" in text]
        assert len(queries) == 1
        assert all(schema in queries[0] for schema in inventory.all_schemas())

    def test_more_cities_do_not_make_more_queries(self, fresh):
        self.migrate()
        before = self.migrate()
        for number in range(3):
            services.open_jurisdiction(name=f"City {number}", slug=f"city-{number}", by=None)
        self.migrate()
        assert len(self.migrate()) == len(before)

    def test_a_duplicate_row_does_not_hide_a_missing_one(self, plan_migration):
        key = plan_migration(COLUMN)
        call_command("migrate", verbosity=0)
        run_sql("DELETE FROM c_ashford.django_migrations WHERE name = %s", key[1])
        run_sql(
            "INSERT INTO c_ashford.django_migrations (app, name, applied) "
            "SELECT app, name, applied FROM c_ashford.django_migrations LIMIT 1"
        )
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {"c_ashford": 1}

    def test_a_city_with_rows_of_its_own_is_up_to_date_too(self, fresh):
        run_sql("INSERT INTO c_ashford.django_migrations (app, name, applied) VALUES ('gone', '0001', now())")
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {}


def migrate_and_stop_in_the_middle(sender: Any) -> None:
    replay = migration_replay.replay

    def replay_or_stop(schema: str, migrations: Any) -> None:
        if schema == "c_millbrook":
            sender.send("in the middle")
            time.sleep(600)
        replay(schema, migrations)

    migration_replay.replay = replay_or_stop
    call_command("migrate")


class TestAtTheSameTime:
    @pytest.fixture
    def paused_migration(self, plan_migration: PlanMigration, monkeypatch: Any) -> Iterator[Any]:
        """A migration in another thread, which pauses at the second city until another connection waits for its lock."""
        plan_migration(COLUMN)
        replay, is_paused = migration_replay.replay, threading.Event()

        def replay_or_pause(schema: str, migrations: Any) -> None:
            if schema == "c_millbrook":
                is_paused.set()
                wait_for_lock_waiter()
            replay(schema, migrations)

        def migrate() -> None:
            try:
                call_command("migrate", verbosity=0)
            finally:
                connection.close()

        monkeypatch.setattr(migration_replay, "replay", replay_or_pause)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(migrate)
            assert is_paused.wait(60)
            yield future
            future.result()
        assert_all_equal()

    def test_a_second_command_waits_for_the_first_and_has_nothing_to_do(self, paused_migration, capsys):
        call_command("migrate")
        paused_migration.result(timeout=10)
        assert capsys.readouterr().out == (
            "Another migration is running. Waiting for it to finish …\nJurisdictions: 3, up to date: 3.\n"
        )

    def test_a_city_that_is_opened_during_a_migration_is_up_to_date(self, paused_migration):
        services.open_jurisdiction(name="City of Newtown", slug="newtown", by=None)
        assert has_column("c_newtown")
        assert inventory.count_unapplied_migrations(["c_newtown"]) == {}

    def test_an_opening_that_waits_for_a_migration_locks_none_of_its_tables(self, fresh):
        def open_city() -> None:
            try:
                services.open_jurisdiction(name="City of Newtown", slug="newtown", by=None)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            with inventory.migration_lock():
                future = pool.submit(open_city)
                wait_for_lock_waiter()
                run_sql("SET lock_timeout = '500ms'")
                for table in ("tenants_jurisdiction", "tenants_domain", "tenants_auditevent"):
                    run_sql(f"ALTER TABLE public.{table} ADD COLUMN more int")
                    run_sql(f"ALTER TABLE public.{table} DROP COLUMN more")
            future.result(timeout=20)
        assert inventory.schema_exists("c_newtown")

    def test_a_migration_waits_for_a_city_that_is_being_opened_and_migrates_it(self, plan_migration):
        plan_migration(COLUMN)
        is_open = threading.Event()

        def open_slowly() -> None:
            try:
                with transaction.atomic():
                    services.open_jurisdiction(name="City of Newtown", slug="newtown", by=None)
                    is_open.set()
                    wait_for_lock_waiter()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(open_slowly)
            assert is_open.wait(20)
            call_command("migrate", verbosity=0)
            future.result()
        assert has_column("c_newtown")
        assert_all_equal()

    def test_after_a_migration_that_was_killed_the_next_one_does_the_rest(self, plan_migration):
        plan_migration(COLUMN)
        receiver, sender = pipe()
        with forked_process(migrate_and_stop_in_the_middle, sender) as process:
            assert receiver.poll(60)
            kill(process)
        assert inventory.count_unapplied_migrations(inventory.all_schemas()).keys() == {
            "c_millbrook",
            "c_riverton",
        }
        call_command("migrate", verbosity=0)
        assert_all_equal()

    def test_a_connection_that_breaks_ends_the_run_with_an_explanation(self, plan_migration, monkeypatch):
        plan_migration(COLUMN)
        replay = migration_replay.replay

        def break_connection(schema: str, migrations: Any) -> None:
            if schema == "c_millbrook":
                with OtherConnection() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid]
                    )
            replay(schema, migrations)

        with monkeypatch.context() as patch:
            patch.setattr(migration_replay, "replay", break_connection)
            with pytest.raises(CommandError, match="connection to the database broke while c_millbrook"):
                call_command("migrate", verbosity=0)
        connection.close()
        assert inventory.count_unapplied_migrations(inventory.all_schemas()).keys() == {
            "c_millbrook",
            "c_riverton",
        }
        call_command("migrate", verbosity=0)
        assert_all_equal()
