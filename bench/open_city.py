"""Opening a city: how long, and whether it takes longer the more cities there are.

Ours is `services.open_jurisdiction`: registry, schema, pages, starter plan, projections, in one transaction. The floor
is psql replaying the statements that make the schema, and nothing else. Seconds and growth go by the quickest of the
openings, as other work on the machine can only make them slower.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import tempfile
from pathlib import Path

from bench.measure import Pairs, Result, growth, rounds
from embedded import postgres

SIZES = (10, 30, 100, 300)


def run() -> list[Result]:
    from django.db import connection

    from tenants import cloning, services
    from tenants.models import Jurisdiction

    numbers = itertools.count(1)

    def open_city() -> None:
        number = next(numbers)
        services.open_jurisdiction(name=f"City {number}", slug=f"city-{number}", by=None)

    def clone() -> None:
        cloning.clone(f"c_bare_{next(numbers)}")

    def replay() -> None:
        psql(cloning.clone_sql().replace(cloning.COPY, f"c_floor_{next(numbers)}"))

    def fill(size: int) -> None:
        """Cities as many as asked, each with its schema, but without pages: these do not slow the next one."""
        for _number in range(Jurisdiction.objects.places().count(), size):
            number = next(numbers)
            slug = f"city-{number}"
            place = Jurisdiction.objects.create(
                name=f"City {number}",
                short_name=f"{number}",
                slug=slug,
                schema_name=services.schema_for(slug),
            )
            services.register_host(place)
            cloning.clone(place.schema_name)
        connection.close()  # it would remember every table it has made; staff open a city with a fresh one

    whole: dict[int, Pairs] = {}
    bare: dict[int, Pairs] = {}
    for size in SIZES:
        fill(size)
        times = rounds({"open": open_city, "clone": clone, "replay": replay}, count=7)
        whole[size] = Pairs(times["open"], times["replay"])
        bare[size] = Pairs(times["clone"], times["replay"])
        drop_schemas("c_floor_%", "c_bare_%")
        print(f"  {size} cities: {whole[size].seconds:.2f} s", flush=True)
    return [
        *(
            Result(
                name=f"open_city.{size}",
                what=f"Open a city where there are {size} (floor: psql makes its schema)",
                ratio=pair.ratio,
                spread=pair.spread,
                limit=6,
                seconds=pair.quickest,
                seconds_limit=1.0,
            )
            for size, pair in whole.items()
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
            for size, pair in bare.items()
        ),
        Result(
            name="open_city.growth",
            what=f"Growth of its time from {SIZES[0]} to {SIZES[-1]} cities",
            exponent=growth(SIZES, [whole[size].quickest for size in SIZES]),
            exponent_limit=0.15,
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


def drop_schemas(*patterns: str) -> None:
    """Drop the schemas that were made only to be timed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE ANY (%s)", [list(patterns)])
        for (schema,) in cursor.fetchall():
            cursor.execute(f'DROP SCHEMA "{schema}" CASCADE')
