"""Time to open a city, and its growth with the number of cities.

Ours is `services.open_jurisdiction`: registry, schema, pages, starter plan, projections, in one transaction. The floor
is psql replaying the statements that create the schema, and nothing else. Seconds and growth are of the fastest
run, because other work on the machine can only slow it down.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import tempfile
from pathlib import Path

from bench import portal
from bench.measure import PairedTimes, Result, growth_exponent, time_rounds
from embedded import postgres

SIZES = (10, 30, 100, 300)


def run() -> list[Result]:
    from tenants.jurisdictions import services
    from tenants.schemas import clone

    numbers = itertools.count(1)

    def open_city() -> None:
        number = next(numbers)
        services.open_jurisdiction(name=f"City {number}", slug=f"city-{number}", by=None)

    def clone_schema() -> None:
        clone.clone_schema(f"c_bare_{next(numbers)}")

    def replay() -> None:
        psql(clone.clone_sql().replace(clone.COPY_PLACEHOLDER, f"c_floor_{next(numbers)}"))

    opening: dict[int, PairedTimes] = {}
    clone_times: dict[int, PairedTimes] = {}
    for size in SIZES:
        portal.fill_with_cities(size)
        times = time_rounds({"open": open_city, "clone": clone_schema, "replay": replay}, count=7)
        opening[size] = PairedTimes(times["open"], times["replay"])
        clone_times[size] = PairedTimes(times["clone"], times["replay"])
        check_same_size("c_city_%", "c_floor_%", "c_bare_%")
        drop_schemas("c_floor_%", "c_bare_%")
        print(f"  {size} cities: {opening[size].seconds:.2f} s", flush=True)
    return [
        *(
            Result(
                name=f"open_city.{size}",
                what=f"Open a city where there are {size} (floor: psql makes its schema)",
                ratio=pair.ratio,
                spread=pair.spread,
                limit=2,
                seconds=pair.quickest,
                seconds_limit=1,
            )
            for size, pair in opening.items()
        ),
        *(
            Result(
                name=f"open_city.schema.{size}",
                what=f"Only its schema, where there are {size}",
                ratio=pair.ratio,
                spread=pair.spread,
                limit=1.5,
                seconds=pair.quickest,
            )
            for size, pair in clone_times.items()
        ),
        Result(
            name="open_city.growth",
            what=f"Growth of its time from {SIZES[0]} to {SIZES[-1]} cities",
            exponent=growth_exponent(SIZES, [opening[size].quickest for size in SIZES]),
            exponent_limit=0.1,
        ),
    ]


def psql(sql: str) -> None:
    """Run these statements in one transaction, as psql does."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("SET search_path = pg_catalog;\nSET client_min_messages = warning;\n" + sql)
        file.flush()
        subprocess.run(
            [
                postgres.find_binaries() / "psql",
                *(
                    "--host",
                    database["HOST"],
                    "--port",
                    str(database["PORT"]),
                    "--username",
                    database["USER"],
                ),
                *("--dbname", database["NAME"], "--single-transaction", "--set", "ON_ERROR_STOP=1"),
                *("--quiet", "--no-psqlrc", "--output", os.devnull, "--file", str(Path(file.name))),
            ],
            check=True,
            env=os.environ | {"PGPASSWORD": database["PASSWORD"]},
        )


def check_same_size(*patterns: str) -> None:
    """Raise AssertionError unless all these schemas have the same number of tables, indexes and sequences."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relations, min(nspname) FROM (SELECT nspname, count(*) AS relations FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname LIKE ANY (%s) GROUP BY 1) AS all_of_them "
            "GROUP BY 1",
            [list(patterns)],
        )
        counts = cursor.fetchall()
    if len(counts) != 1:
        raise AssertionError(f"The schemas differ in their number of relations: {counts}.")


def drop_schemas(*patterns: str) -> None:
    """Drop the schemas that were created only for timing."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE ANY (%s)", [list(patterns)])
        for (schema,) in cursor.fetchall():
            cursor.execute(f'DROP SCHEMA "{schema}" CASCADE')
