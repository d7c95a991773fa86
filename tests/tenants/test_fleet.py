"""`manage.py migrate` over the whole fleet: its options, nothing to do, and several at the same time."""

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
from tests.tenants.fleets import (
    CITIES,
    COLUMN,
    PYTHON,
    TEMPLATE,
    OtherConnection,
    Plan,
    assert_all_equal,
    has_column,
    run_sql,
    wait_for_lock_waiter,
)
from tests.tenants.test_cloning import describe_schema


class TestOptions:
    def test_one_schema_and_no_other(self, planned):
        planned(COLUMN)
        call_command("migrate", schema="c_riverton", verbosity=0)
        assert [has_column(schema) for schema in [TEMPLATE, *CITIES]] == [False, False, False, True]

    def test_tenant_and_shared(self, planned):
        planned(COLUMN)
        call_command("migrate", shared=True, verbosity=0)
        assert set(inventory.count_unapplied_migrations(inventory.all_schemas())) == {TEMPLATE, *CITIES}
        call_command("migrate", tenant=True, verbosity=0)
        assert_all_equal()

    def test_fake_records_and_runs_nothing(self, planned):
        planned(COLUMN)
        planned(PYTHON)
        call_command("migrate", fake=True, verbosity=0)
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {}
        assert not any(has_column(schema) for schema in [TEMPLATE, *CITIES])

    def test_back_and_forth(self, planned):
        before = describe_schema("c_riverton")
        node = planned(COLUMN)
        call_command("migrate", verbosity=0)
        back = max(
            name for app, name in inventory.applied_migrations(TEMPLATE) if app == "plans" and name < node[1]
        )
        call_command("migrate", "plans", back, verbosity=0)
        after = describe_schema("c_riverton")
        assert [part for part in before if before[part] != after[part]] == ["sequences"]
        assert all(node not in inventory.applied_migrations(schema) for schema in inventory.all_schemas())
        call_command("migrate", "plans", node[1], verbosity=0)
        assert_all_equal()

    def test_plan_and_check_change_nothing(self, planned, capsys):
        node = planned(COLUMN)
        call_command("migrate", plan=True)
        assert ".".join(node) in capsys.readouterr().out
        with pytest.raises(SystemExit):
            call_command("migrate", check_unapplied=True, verbosity=0)
        assert not has_column("c_riverton")


class TestNothingToDo:
    def statements(self) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            call_command("migrate", verbosity=0)
        return [query["sql"] for query in captured]

    def test_one_query_looks_at_all_schemas(self, fresh):
        self.statements()  # the first one may still put the registry in order
        looked = [text for text in self.statements() if ".django_migrations" in text]
        assert len(looked) == 1
        assert all(schema in looked[0] for schema in inventory.all_schemas())

    def test_more_cities_do_not_make_more_queries(self, fresh):
        self.statements()
        few = self.statements()
        for number in range(3):
            services.open_jurisdiction(name=f"City {number}", slug=f"city-{number}", by=None)
        self.statements()
        assert len(self.statements()) == len(few)

    def test_a_row_that_stands_twice_does_not_hide_one_that_lacks(self, planned):
        node = planned(COLUMN)
        call_command("migrate", verbosity=0)
        run_sql("DELETE FROM c_ashford.django_migrations WHERE name = %s", node[1])
        run_sql(
            "INSERT INTO c_ashford.django_migrations (app, name, applied) "
            "SELECT app, name, applied FROM c_ashford.django_migrations LIMIT 1"
        )
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {"c_ashford": 1}

    def test_a_city_with_rows_of_its_own_is_looked_at_by_itself(self, fresh):
        run_sql("INSERT INTO c_ashford.django_migrations (app, name, applied) VALUES ('gone', '0001', now())")
        assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {}


def migrate_and_stop_in_the_middle(there: Any) -> None:
    plain = migration_replay.replay

    def stopping(schema: str, steps: Any) -> None:
        if schema == "c_millbrook":
            there.send("in the middle")
            time.sleep(600)
        plain(schema, steps)

    migration_replay.replay = stopping
    call_command("migrate")


class TestAtTheSameTime:
    @pytest.fixture
    def pausing(self, planned: Plan, monkeypatch: Any) -> Iterator[Any]:
        """A migration in a thread of its own, which has got to the middle of the fleet and waits there for another."""
        planned(COLUMN)
        plain, here = migration_replay.replay, threading.Event()

        def pause(schema: str, steps: Any) -> None:
            if schema == "c_millbrook":
                here.set()
                wait_for_lock_waiter()
            plain(schema, steps)

        def migrate() -> None:
            try:
                call_command("migrate", verbosity=0)
            finally:
                connection.close()

        monkeypatch.setattr(migration_replay, "replay", pause)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(migrate)
            assert here.wait(60)
            yield running
            running.result()
        assert_all_equal()

    def test_a_second_one_waits_for_the_first_and_finds_nothing_to_do(self, pausing, capsys):
        call_command("migrate")
        pausing.result(timeout=10)
        assert capsys.readouterr().out == (
            "Another migration is running. Waiting for its end …\nCities: 3, of them up to date: 3.\n"
        )

    def test_a_city_that_is_opened_meanwhile_is_up_to_date(self, pausing):
        services.open_jurisdiction(name="City of Newtown", slug="newtown", by=None)
        assert has_column("c_newtown")
        assert inventory.count_unapplied_migrations(["c_newtown"]) == {}

    def test_an_opening_that_waits_keeps_no_table_from_the_migration(self, fresh):
        def open_it() -> None:
            try:
                services.open_jurisdiction(name="City of Newtown", slug="newtown", by=None)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            with inventory.migration_lock():
                waiting = pool.submit(open_it)
                wait_for_lock_waiter()
                run_sql("SET lock_timeout = '500ms'")
                for table in ("tenants_jurisdiction", "tenants_domain", "tenants_auditevent"):
                    run_sql(f"ALTER TABLE public.{table} ADD COLUMN more int")
                    run_sql(f"ALTER TABLE public.{table} DROP COLUMN more")
            waiting.result(timeout=20)
        assert inventory.schema_exists("c_newtown")

    def test_one_that_is_just_being_opened_is_waited_for_and_migrated(self, planned):
        planned(COLUMN)
        opened = threading.Event()

        def open_slowly() -> None:
            try:
                with transaction.atomic():
                    services.open_jurisdiction(name="City of Newtown", slug="newtown", by=None)
                    opened.set()
                    wait_for_lock_waiter()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            opening = pool.submit(open_slowly)
            assert opened.wait(20)
            call_command("migrate", verbosity=0)
            opening.result()
        assert has_column("c_newtown")
        assert_all_equal()

    def test_killed_in_the_middle_the_next_run_heals(self, planned):
        planned(COLUMN)
        here, there = pipe()
        with forked_process(migrate_and_stop_in_the_middle, there) as process:
            assert here.poll(60)
            kill(process)
        assert inventory.count_unapplied_migrations(inventory.all_schemas()).keys() == {
            "c_millbrook",
            "c_riverton",
        }
        call_command("migrate", verbosity=0)
        assert_all_equal()

    def test_a_connection_that_breaks_ends_the_run_in_words(self, planned, monkeypatch):
        planned(COLUMN)
        plain = migration_replay.replay

        def breaking(schema: str, steps: Any) -> None:
            if schema == "c_millbrook":
                with OtherConnection() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid]
                    )
            plain(schema, steps)

        with monkeypatch.context() as patch:
            patch.setattr(migration_replay, "replay", breaking)
            with pytest.raises(CommandError, match="connection to the database broke while c_millbrook"):
                call_command("migrate", verbosity=0)
        connection.close()
        assert inventory.count_unapplied_migrations(inventory.all_schemas()).keys() == {
            "c_millbrook",
            "c_riverton",
        }
        call_command("migrate", verbosity=0)
        assert_all_equal()
