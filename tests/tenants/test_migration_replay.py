"""A schema that replays the SQL of another one ends as if Django had migrated it; what cannot be replayed is reported."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tenants.schemas import inventory, migration_replay
from tests.tenants.schema_helpers import (
    CITIES,
    COLUMN,
    PYTHON,
    TEMPLATE,
    OtherConnection,
    PlanMigration,
    assert_all_equal,
    create_department,
    describe_schema,
    has_column,
    run_sql,
)


class TestEqual:
    """The replay leaves the same schema as Django."""

    @pytest.fixture(autouse=True)
    def _plan_migration(self, plan_migration: PlanMigration) -> None:
        self.plan_migration = plan_migration

    def migrate(self, capsys: Any) -> str:
        call_command("migrate", schema="c_ashford", verbosity=0)  # alone, so with Django
        call_command("migrate")
        return capsys.readouterr().out

    def test_a_column_with_index_and_foreign_keys_within_and_out_of_the_city(self, capsys):
        create_department("c_millbrook")
        noop = self.plan_migration("RunPython(RunPython.noop)")
        column = self.plan_migration(
            f"""
            {COLUMN},
            AddField("department", "head", models.ForeignKey("accounts.User", models.CASCADE, null=True)),
            AddField("department", "within", models.ForeignKey("plans.Department", models.CASCADE, null=True)),
            AddIndex("department", models.Index(fields=["floor", "head"], name="department_floor_head")),
            AddConstraint("department", models.CheckConstraint(condition=models.Q(floor__gte=0), name="no_cellar")),
            """
        )
        out = self.migrate(capsys)

        assert "The same SQL in 2 more" in out
        assert_all_equal()
        assert run_sql("SELECT floor FROM c_millbrook.plans_department") == [(7,)]
        foreign_keys = run_sql(
            "SELECT k.conname FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid "
            "WHERE k.contype = 'f' AND k.connamespace <> r.relnamespace"
        )
        assert foreign_keys == []
        for city in CITIES:
            assert inventory.applied_migrations(city) == inventory.applied_migrations(TEMPLATE)
            last = run_sql(
                "SELECT app, name, now() - applied BETWEEN interval '0' AND interval '5 minutes' "
                f"FROM {city}.django_migrations ORDER BY id DESC LIMIT 2"
            )
            assert last == [(*column, True), (*noop, True)]

    def test_a_model_with_many_to_many_and_its_removal(self, capsys):
        self.plan_migration(
            """
            CreateModel("Floor", fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=9, unique=True, db_collation="C", db_comment="its name")),
                ("departments", models.ManyToManyField("plans.department")),
            ]),
            """
        )
        self.plan_migration('RenameField("floor", "name", "title"), RemoveField("floor", "departments")')
        self.plan_migration('AlterField("floor", "title", models.TextField(null=True))')
        assert "The same SQL in 2 more" in self.migrate(capsys)
        assert has_column("c_riverton", "title")
        assert_all_equal()

    def test_sql_that_reads_rows_reads_each_city_s_own(self, capsys):
        create_department("c_riverton", "Parks")
        create_department("c_millbrook", "Public Works")
        self.plan_migration(
            f"""
            {COLUMN},
            RunSQL("UPDATE plans_department SET floor = length(name) WHERE name LIKE 'P%' -- 100% of them"),
            RunSQL([("UPDATE plans_department SET floor = floor + %s", [100])]),
            RunSQL("SELECT 1; ; DO $$ BEGIN UPDATE plans_department SET floor = floor + 1; END $$;"),
            """
        )
        # The deferred checks of the updated rows would keep this one from altering the table.
        self.plan_migration(
            'AlterField("department", "floor", models.BigIntegerField(default=7, db_index=True))'
        )
        assert "The same SQL in 2 more" in self.migrate(capsys)
        assert run_sql("SELECT floor FROM c_riverton.plans_department") == [(106,)]
        assert run_sql("SELECT floor FROM c_millbrook.plans_department") == [(113,)]
        assert_all_equal()

    def test_python_runs_in_each_city_and_the_rest_is_replayed_in_order(self, capsys):
        for city in CITIES:
            create_department(city)
        self.plan_migration(COLUMN)
        _app, python = self.plan_migration(PYTHON)
        self.plan_migration('AlterField("department", "floor", models.IntegerField(unique=True))')
        out = self.migrate(capsys)

        assert f"plans.{python} runs Python: Django runs it in each jurisdiction, one by one." in out
        assert "The same SQL" not in out
        assert [run_sql(f"SELECT floor FROM {city}.plans_department") for city in CITIES] == [
            [(len("c_ashford"),)],
            [(len("c_millbrook"),)],
            [(len("c_riverton"),)],
        ]
        assert_all_equal()

    def test_a_random_default_differs_from_city_to_city(self, capsys):
        for city in CITIES:
            create_department(city)
        self.plan_migration('AddField("department", "key", models.UUIDField(default=uuid.uuid4))')
        assert "may differ between jurisdictions" in self.migrate(capsys)
        keys = {run_sql(f"SELECT key FROM {city}.plans_department")[0] for city in CITIES}
        assert len(keys) == 3
        assert_all_equal()

    def test_an_index_is_created_concurrently_in_each_city(self, capsys):
        self.plan_migration(
            'AddIndexConcurrently("department", models.Index(fields=["name"], name="department_name"))',
            atomic=False,
        )
        assert "is not one transaction" in self.migrate(capsys)
        assert_all_equal()


def test_an_invalid_concurrent_index_is_created_again(plan_migration, capsys):
    plan_migration(
        'AddIndexConcurrently("department", models.Index(fields=["name"], name="department_name"))',
        atomic=False,
    )
    for city in ("c_ashford", "c_riverton"):  # Django migrates the first, the second repeats it
        run_sql(f"CREATE INDEX department_name ON {city}.plans_department (name)")
        run_sql(
            f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{city}.department_name'::regclass"
        )
    call_command("migrate", verbosity=0)
    assert_all_equal()
    assert run_sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]


def test_a_city_changed_by_hand_is_named_the_others_are_done_and_a_second_run_repairs_it(
    plan_migration, capsys
):
    key = plan_migration(COLUMN)
    run_sql("ALTER TABLE c_millbrook.plans_department ADD COLUMN floor text")
    with pytest.raises(
        CommandError, match=r"1 of 3 jurisdictions could not be migrated: c_millbrook\. The others"
    ):
        call_command("migrate")
    out, err = capsys.readouterr()
    assert "c_millbrook failed" in err
    assert "already exists" in err
    assert "The same SQL in 2 more" in out
    assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {"c_millbrook": 1}
    assert key not in inventory.applied_migrations("c_millbrook")

    run_sql("ALTER TABLE c_millbrook.plans_department DROP COLUMN floor")
    call_command("migrate", verbosity=0)
    assert_all_equal()


def test_where_the_first_of_several_fails_the_next_one_is_recorded(plan_migration, capsys):
    plan_migration(COLUMN)
    call_command("migrate", schema=TEMPLATE, verbosity=0)
    run_sql("ALTER TABLE c_ashford.plans_department ADD COLUMN floor text")
    with pytest.raises(CommandError, match=r"1 of 3 jurisdictions could not be migrated: c_ashford\."):
        call_command("migrate")
    assert "The same SQL in 1 more" in capsys.readouterr().out
    assert inventory.count_unapplied_migrations(inventory.all_schemas()) == {"c_ashford": 1}


def test_a_city_whose_table_is_locked_is_named_after_a_while_and_done_later(
    plan_migration, monkeypatch, capsys
):
    monkeypatch.setattr(migration_replay, "LOCK_TIMEOUT", "200ms")
    plan_migration(COLUMN)
    with OtherConnection() as cursor:
        cursor.execute("LOCK TABLE c_millbrook.plans_department IN ACCESS SHARE MODE")
        with pytest.raises(CommandError, match=r"could not be migrated: c_millbrook\."):
            call_command("migrate", verbosity=0)
        assert "lock timeout" in capsys.readouterr().err
    assert run_sql("SHOW lock_timeout") == [("0",)]
    call_command("migrate", verbosity=0)
    assert_all_equal()


def test_a_city_that_is_further_behind_is_migrated_by_itself(plan_migration, capsys):
    first, second = plan_migration(COLUMN), plan_migration('RenameField("department", "floor", "storey")')
    call_command("migrate", "plans", first[1], verbosity=0)
    run_sql("DELETE FROM c_riverton.django_migrations WHERE name = %s", first[1])
    run_sql("ALTER TABLE c_riverton.plans_department DROP COLUMN floor")
    assert inventory.count_unapplied_migrations(inventory.all_schemas())["c_riverton"] == 2
    call_command("migrate")
    out = capsys.readouterr().out
    assert "c_riverton: 2 migrations" in out
    assert "The same SQL in 2 more" in out
    assert_all_equal()
    assert second in inventory.applied_migrations("c_riverton")


def test_where_the_sql_does_not_fit_django_migrates_the_city(plan_migration, capsys):
    run_sql("ALTER TABLE c_millbrook.plans_plan RENAME CONSTRAINT plans_plan_uuid_key TO renamed_by_hand")
    plan_migration('AlterField("plan", "uuid", models.UUIDField(default=uuid.uuid4, editable=False))')
    unique = describe_schema("c_millbrook")["constraints"]
    assert any(name == "renamed_by_hand" for _table, name, *_more in unique)
    call_command("migrate")
    assert_all_equal()


def test_a_lost_table_is_named_before_the_alliance_s_own_is_changed(plan_migration, capsys):
    plan_migration('RunSQL("ALTER TABLE django_session ADD COLUMN seen int")')
    run_sql("DROP TABLE c_millbrook.django_session")
    with pytest.raises(CommandError, match=r"1 of 3 jurisdictions could not be migrated: c_millbrook\."):
        call_command("migrate", verbosity=0)
    assert "tables are lost: django_session; restore them" in capsys.readouterr().err
    assert has_column("c_riverton", "seen")
    assert not has_column("public", "seen")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE c_riverton.plans_department SET name = ''", "names the schema c_riverton"),
        (f'UPDATE "{TEMPLATE}"."plans_department" SET name = \'\'', f"names the schema {TEMPLATE}"),
        ("SET search_path = public", "changes the search path"),
        ("SELECT set_config('search_path', 'public', false)", "changes the search path"),
    ],
)
def test_sql_that_names_a_city_is_refused_before_anything_is_done(plan_migration, sql, message):
    plan_migration(COLUMN)
    _app, refused = plan_migration(f"RunSQL({sql!r})")
    unapplied = inventory.count_unapplied_migrations(inventory.all_schemas())
    with pytest.raises(CommandError, match=rf"Nothing was migrated: plans\.{refused} {message}"):
        call_command("migrate", verbosity=0)
    assert inventory.count_unapplied_migrations(inventory.all_schemas()) == unapplied
    assert not has_column(TEMPLATE)


class TestRenamedModel:
    """Django adds the rename of the content type to a migration that renames a model."""

    RENAME = 'AlterModelTable("department", "plans_department"), RenameModel("department", "Bureau")'

    def content_types(self) -> dict[str, int]:
        return dict(
            run_sql(
                "SELECT model, id FROM public.django_content_type "
                "WHERE app_label = 'plans' AND model IN ('department', 'bureau')"
            )
        )

    def test_it_is_replayed_without_any_change_of_the_tables(self, plan_migration, capsys):
        before = describe_schema("c_riverton")
        plan_migration(self.RENAME)
        call_command("migrate")
        out = capsys.readouterr().out
        assert "The same SQL in 3 more" in out
        assert "one by one" not in out
        after = describe_schema("c_riverton")
        assert [kind for kind in before if before[kind] != after[kind]] == ["sequences"]
        assert_all_equal()

    def test_its_content_type_is_the_same_row_there_and_back(self, plan_migration):
        before = self.content_types()["department"]
        previous = plan_migration("RunPython(RunPython.noop)")
        _app, name = plan_migration(self.RENAME)
        call_command("migrate", verbosity=0)
        assert self.content_types()["bureau"] == before

        # The code of this test still has the former model, for which Django creates a content type.
        run_sql("UPDATE public.django_content_type SET model = 'other' WHERE model = 'department'")
        call_command("migrate", *previous, verbosity=0)
        assert self.content_types() == {"department": before}
        call_command("migrate", "plans", name, verbosity=0)
        assert self.content_types()["bureau"] == before

    def test_python_of_a_city_s_migration_still_runs_in_cities_alone(self, plan_migration, capsys):
        plan_migration(self.RENAME)
        plan_migration(
            """
            RunPython(lambda apps, editor: apps.get_model("plans", "bureau").objects.create(
                name=editor.connection.schema_name))
            """
        )
        call_command("migrate")
        assert (
            "plans.9002_more runs Python: Django runs it in each jurisdiction, one by one."
            in capsys.readouterr().out
        )
        for city in CITIES:
            assert run_sql(f"SELECT name FROM {city}.plans_department WHERE name = %s", city) == [(city,)]
        assert_all_equal()
