"""Import 1,500 actions from one XLSX into a public plan, with all signal handlers, in at most ten seconds.

The floor writes the same number of bare actions in one statement, so the ratio is the cost of reading, comparing, the
change log and the public copies. The number of queries is constant. The second import of the file changes nothing.
"""

from __future__ import annotations

import io
import itertools
from typing import Any

from bench.measure import Result, growth_exponent, time_call, time_pairs

SIZE = 1_500
SIZES = (150, 500, 1_500)
PAIRS = 5


def run() -> list[Result]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django_tenants.utils import tenant_context

    from tenants.jurisdictions import services as tenants
    from tenants.plans import imports, selectors, services
    from tenants.plans.models import Action, Outcome

    numbers = itertools.count()

    def open_city() -> Any:
        jurisdiction = tenants.open_jurisdiction(name="City", slug=f"import-{next(numbers)}", by=None)
        with tenant_context(jurisdiction):
            services.publish_plan(selectors.current_plan(), by=None, launch=True)
        return jurisdiction

    def import_into(jurisdiction: Any, content: bytes) -> None:
        with tenant_context(jurisdiction):
            imports.import_sheet(filename="plan.xlsx", content=content, by=None)

    content = make_sheet(SIZE)
    full = open_city()
    import_into(full, content)  # also warms up the caches

    def floor() -> None:
        with tenant_context(bare):
            outcome = Outcome.objects.order_by("pk").first()
            Action.objects.filter(code__startswith="z").delete()
            Action.objects.bulk_create(
                Action(outcome=outcome, code=f"z{n}", title=f"Action {n}") for n in range(SIZE)
            )

    bare = open_city()
    fresh = [open_city() for _ in range(PAIRS + 1)]  # one warms up
    times = time_pairs(lambda: import_into(fresh.pop(), content), floor, count=PAIRS, floor_calls=4)
    by_size, counts = [], []
    for size in SIZES:
        jurisdiction, smaller = open_city(), make_sheet(size)
        with CaptureQueriesContext(connection) as queries:
            by_size.append(time_call(lambda: import_into(jurisdiction, smaller)))  # noqa: B023
        counts.append(len(queries))
    print(f"  {counts} queries, {[round(seconds, 1) for seconds in by_size]} s for {SIZES} actions")
    second_import_seconds = time_call(lambda: import_into(full, content))
    return [
        Result(
            name="import_plan.first",
            what=f"Import of {SIZE:,} actions into a public plan (floor: as many bare rows)",
            ratio=times.ratio,
            spread=times.spread,
            seconds=times.seconds,
            seconds_limit=10,
        ),
        Result(
            name="import_plan.again",
            what=f"The same {SIZE:,} actions again: nothing changes",
            seconds=second_import_seconds,
            seconds_limit=10,
        ),
        Result(
            name="import_plan.growth",
            what=f"Import: growth of the time from {SIZES[0]} to {SIZES[-1]:,} actions",
            exponent=growth_exponent(SIZES, by_size),
            exponent_limit=1.3,
        ),
    ]


def make_sheet(size: int) -> bytes:
    """A plan of 5 goals with 5 outcomes each and `size` actions, as an XLSX in the layout that cities share."""
    from tenants.plans import spreadsheets

    def action(n: int) -> spreadsheets.Action:
        return spreadsheets.Action(
            title=f"Action number {n} of the plan, in a sentence of ordinary length",
            number=str(n),
            accountable=[f"Department {n % 30}", f"Office {n % 7}"],
            accountability_raw=f"Department {n % 30}; Office {n % 7}",
            timeline_raw="June 2027",
            due="2027-06-30",
            due_precision="month",
            measures=[f"People reached by {n}", f"People better off through {n}"],
            measure_kinds=["how_much", "better_off"],
            progress_notes=[
                spreadsheets.SheetNote("FY26 Q1", "It began."),
                spreadsheets.SheetNote("FY26 Q2", "It goes on."),
            ],
            status="on_track",
            status_raw="On track",
            resources="One post",
        )

    goals = [
        spreadsheets.Goal(
            title=f"Goal of the city number {g}",
            label=f"Goal {g}",
            outcomes=[
                spreadsheets.Outcome(
                    title=f"Outcome {g} {o} that residents will see",
                    label="ABCDE"[o],
                    actions=[action(n) for n in range(size) if n % 25 == (g - 1) * 5 + o],
                )
                for o in range(5)
            ],
        )
        for g in range(1, 6)
    ]
    target = io.BytesIO()
    spreadsheets.write_xlsx(goals, target)
    return target.getvalue()
