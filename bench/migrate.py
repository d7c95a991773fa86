"""`manage.py migrate` over many cities: one field in 200, and nothing to do in 300.

Ours is the whole command in a running process: finding the unapplied migrations, the alliance and the template by
Django, the cities by recorded SQL. The floor of a field is psycopg2 running the same statements and recording the
migration, a transaction for each schema, without checks. The floor of nothing to do is one query of each schema's
django_migrations. Both start with a new connection.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import portal
from bench.measure import PairedTimes, Result, time_call, time_pairs

CITIES, MANY = 200, 300
NODE = ("plans", "9999_bench")
FIELDS = {
    "column": ("a column", "models.BooleanField(default=True)"),
    "link": (
        "a foreign key with its index",
        'models.ForeignKey("plans.Department", models.CASCADE, null=True)',
    ),
}
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [{after!r}]
    operations = [migrations.AddField("goal", "bench", {field})]
"""


def run() -> list[Result]:
    portal.fill_with_cities(CITIES)
    results = [benchmark_migration(name, *field) for name, field in FIELDS.items()]
    portal.fill_with_cities(MANY)
    nothing = time_pairs(migrate, one_query_for_each_schema, count=9, warm_up=2)
    return [
        *results,
        Result(
            name="migrate.nothing",
            what=f"Nothing to migrate where there are {MANY} cities (floor: one query for each schema)",
            ratio=nothing.ratio,
            spread=nothing.spread,
            limit=1,
            seconds=nothing.seconds,
            seconds_limit=1,
        ),
    ]


def migrate() -> None:
    from django.core.management import call_command
    from django.db import connection

    connection.close()
    call_command("migrate", verbosity=0)


def one_query_for_each_schema() -> None:
    from tenants.schemas import inventory

    connection = portal.connect()
    cursor = connection.cursor()
    for schema in inventory.all_schemas():
        cursor.execute(f"SELECT app, name FROM {schema}.django_migrations")
        cursor.fetchall()
    connection.close()


def benchmark_migration(name: str, label: str, field: str) -> Result:
    """Time one more migration of the plans app, reverted before each run."""
    from django.conf import settings

    from tenants.schemas import inventory

    with tempfile.TemporaryDirectory() as folder:
        settings.MIGRATION_MODULES = {"plans": write_migration_package(Path(folder), f"plans_{name}", field)}
        statements = record_statements()
        times = PairedTimes([], [])
        implementations: list[tuple[Callable[[], None], list[float]]] = [
            (migrate, times.ours),
            (lambda: alter_each(statements), times.floor),
        ]
        for number in range(-1, 5):
            for work, seconds_list in implementations if number % 2 else implementations[::-1]:
                revert_migration()
                elapsed = time_call(work)
                if unapplied := inventory.count_unapplied_migrations(inventory.all_schemas()):
                    raise AssertionError(f"Not migrated: {unapplied}.")
                if number >= 0:
                    seconds_list.append(elapsed)
        revert_migration()
        settings.MIGRATION_MODULES = {}
        sys.path.remove(folder)
    return Result(
        name=f"migrate.{name}",
        what=f"Add {label} in {CITIES} cities (floor: ALTER in each)",
        ratio=times.ratio,
        spread=times.spread,
        limit=3,
        seconds=times.seconds,
    )


def write_migration_package(folder: Path, package: str, field: str) -> str:
    """Write the plans' migrations and one more as an importable package; return its name."""
    from tenants.plans import migrations
    from tenants.schemas import inventory

    after = max(node for node in inventory.migrations_in_code() if node[0] == "plans")
    (folder / package).mkdir()
    paths = [*migrations.__path__, str(folder / package)]
    (folder / package / "__init__.py").write_text(f"__path__ = {paths!r}\n")
    (folder / package / f"{NODE[1]}.py").write_text(MIGRATION.format(after=after, field=field))
    sys.path.insert(0, str(folder))
    return package


def record_statements() -> list[str]:
    """The statements that the migration runs in a city. Migrates every schema."""
    from tenants.schemas import migration_replay

    original, recorded = migration_replay.replay, list[str]()

    def recording_replay(schema: str, steps: Any) -> None:
        recorded[:] = [statement for step in steps for statement in step.statements]
        original(schema, steps)

    migration_replay.replay = recording_replay
    try:
        migrate()
    finally:
        migration_replay.replay = original
    return recorded


def alter_each(statements: list[str]) -> None:
    from tenants.schemas import inventory

    connection = portal.connect()
    cursor = connection.cursor()
    for schema in inventory.all_schemas():
        cursor.execute(f"SET LOCAL search_path = {schema}, public")
        for statement in statements if schema != "public" else []:
            cursor.execute(statement)
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", NODE)
        connection.commit()
    connection.close()


def revert_migration() -> None:
    from tenants.schemas import inventory

    connection = portal.connect()
    cursor = connection.cursor()
    for schema in inventory.all_schemas():
        if schema != "public":
            cursor.execute(
                f"ALTER TABLE {schema}.plans_goal DROP COLUMN IF EXISTS bench, DROP COLUMN IF EXISTS bench_id"
            )
        cursor.execute(f"DELETE FROM {schema}.django_migrations WHERE app = %s AND name = %s", NODE)
        connection.commit()
    connection.close()
