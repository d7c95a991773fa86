"""A city's public pages with 2, 8, 32 and 500 actions: a constant number of queries, and little more time.

The floor is the same page with two actions, so the ratio is the cost of 498 more of them.
"""

from __future__ import annotations

import datetime as dt

from bench.measure import PairedTimes, Result, growth_exponent, time_pairs

SIZES = (2, 8, 32, 500)
PAGES = {"/": "Front page", "/plan/": "Whole plan", "/data/actions.csv": "Actions as CSV"}


def run() -> list[Result]:
    from django.conf import settings
    from django.test import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # no collectstatic here
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": plain}):
        return measure_pages()


def measure_pages() -> list[Result]:
    from django.core.cache import caches
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    jurisdictions = {size: open_city_with_actions(size) for size in SIZES}
    client = Client()

    def get(size: int, path: str) -> None:
        caches["pages"].clear()  # measure a page that is not cached
        response = client.get(path, headers={"host": jurisdictions[size].host})
        if response.status_code != 200:
            raise RuntimeError(f"{path} with {size} actions: {response.status_code}")

    def count(size: int, path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            get(size, path)
        return len(queries)

    results = []
    for path, what in PAGES.items():
        counts, times = [], {}
        for size in SIZES:
            counts.append(
                min(count(size, path) for _round in range(5))
            )  # now and then the registry of hosts is read again
            times[size] = time_pairs(lambda: get(size, path), lambda: get(2, path), count=15)  # noqa: B023
        largest = times[SIZES[-1]]
        print(f"  {path}: {counts} queries, {largest.seconds * 1000:.0f} ms with {SIZES[-1]} actions")
        results += _results(path, what, counts, largest)
    return results


def _results(path: str, what: str, counts: list[int], largest: PairedTimes) -> list[Result]:
    name = path.strip("/").replace("/", "-").replace(".", "-") or "home"
    return [
        Result(
            name=f"dashboard.{name}",
            what=f"{what} of {SIZES[-1]} actions (floor: of {SIZES[0]})",
            ratio=largest.ratio,
            spread=largest.spread,
            limit=8,
            seconds=largest.seconds,
            seconds_limit=0.5,
        ),
        Result(
            name=f"dashboard.{name}.queries",
            what=f"{what}: growth of the {counts[-1]} queries from {SIZES[0]} to {SIZES[-1]} actions",
            exponent=growth_exponent(SIZES, [float(count) for count in counts]),
            exponent_limit=0.01,
        ),
    ]


def open_city_with_actions(size: int) -> object:
    """Create a launched city whose public plan has `size` actions, each with a progress note."""
    from django_tenants.utils import tenant_context

    from tenants.jurisdictions import services
    from tenants.models import Visibility
    from tenants.plans.models import Action, Goal, Outcome, Plan, ProgressNote

    jurisdiction = services.open_jurisdiction(name=f"City of {size}", slug=f"city-{size}", by=None)
    services.set_site_state(jurisdiction, state="launched", by=None)
    with tenant_context(jurisdiction):
        Plan.objects.in_force().update(lifecycle=Plan.Lifecycle.ARCHIVED)
        plan = Plan.objects.create(
            title="Racial equity plan", visibility=Visibility.PUBLIC, lifecycle=Plan.Lifecycle.IMPLEMENTING
        )
        goals = [Goal.objects.create(plan=plan, title=f"Goal {n}", position=n) for n in range(min(size, 5))]
        outcomes = [Outcome.objects.create(goal=goal, title=f"Outcome of {goal.title}") for goal in goals]
        statuses = ["off_track", "completed", "at_risk", None, "on_track"]
        actions = Action.objects.bulk_create(
            Action(
                outcome=outcomes[n % len(outcomes)],
                code=f"b{n}",
                title=f"Action number {n} of the plan, in a sentence of ordinary length",
                status=statuses[n % len(statuses)],
                reason="A reason.",
                due_date=dt.date(2027, 6, 30),
                last_update_on=dt.date(2026, 6, 30),
                position=n,
            )
            for n in range(size)
        )
        ProgressNote.objects.bulk_create(
            ProgressNote(action=action, noted_on=dt.date.today(), status="on_track", text="It goes on.")  # noqa: DTZ011
            for action in actions
        )
    return jurisdiction
