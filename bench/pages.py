"""CPU time of pages in this process: the dashboard of 500 actions, the list API, and the progress of 300 cities.

Floors: for a city's pages `bench.bare_city.bare`, a heading rendered by a view of three lines, on the same host and
through the same middleware; for the alliance's `bench.bare_alliance.one_row`, the same with one row read.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import statistics
import uuid
from typing import Any

from bench.measure import PairedTimes, Result
from bench.wsgi import Site, time_cpu_pairs

ACTIONS, CITIES = 500, 300
BARE, ONE_ROW = "CPU of a bare page", "CPU of a page of one row"


def run() -> list[Result]:
    from django.conf import settings
    from django.test import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # no collectstatic here
    with override_settings(
        STORAGES=settings.STORAGES | {"staticfiles": plain},
        ROOT_URLCONF="bench.bare_city",
        PUBLIC_SCHEMA_URLCONF="bench.bare_alliance",
        API_REQUESTS_PER_MINUTE=1_000_000,  # counted, but never exceeded
    ):
        return dashboard() + api() + progress()


def clear_page_cache() -> None:
    from django.core.cache import caches

    caches["pages"].clear()


def dashboard() -> list[Result]:
    from bench.dashboard import open_city_with_actions

    clear_page_cache()
    site = Site(open_city_with_actions(ACTIONS).host)
    require(site.get("/bare/").body.count(b"A page") == 2, "the bare page")
    first = site.get("/")
    require(first.status == 200 and f"25 of {ACTIONS}".encode() in first.body, "the dashboard")
    require(len(re.findall(rb'<th scope="row"><a href="/plan/actions/b', first.body)) == 25, "its list")
    require(site.get("/").body == first.body, "the dashboard again")
    tag = first.headers["ETag"]
    same = site.get("/", HTTP_IF_NONE_MATCH=tag)
    require((same.status, same.body) == (304, b""), "the dashboard that has not changed")

    def bare() -> None:
        site.get("/bare/")

    def cold() -> None:
        clear_page_cache()
        site.get("/")

    def warm() -> None:
        site.get("/")

    def unchanged() -> None:
        site.get("/", HTTP_IF_NONE_MATCH=tag)

    return [
        *page_results(
            "cold", f"Dashboard of {ACTIONS} actions, not cached", BARE,
            time_cpu_pairs(cold, bare, times=(4, 40)), 12, site.queries("/", clear_page_cache), 12,
        ),
        *page_results(
            "warm", f"Dashboard of {ACTIONS} actions, cached", BARE,
            time_cpu_pairs(warm, bare, times=(40, 40)), 1.5, site.queries("/"), 1,
        ),
        *page_results(
            "unchanged", f"Dashboard of {ACTIONS} actions, 304", BARE,
            time_cpu_pairs(unchanged, bare, times=(40, 40)), 1.5, site.queries("/", HTTP_IF_NONE_MATCH=tag), 1,
        ),
    ]  # fmt: skip


def api() -> list[Result]:
    """A page of a hundred actions, requested by a client without cookies."""
    from django_tenants.utils import tenant_context

    from cohort.projections import refresh
    from tenants.models import Jurisdiction

    jurisdiction = Jurisdiction.objects.get(slug=f"city-{ACTIONS}")
    with tenant_context(jurisdiction):
        refresh.refresh(jurisdiction)
    site = Site(Jurisdiction.objects.get(schema_name="public").host, {"HTTP_ACCEPT": "application/json"})
    path = "/api/v1/actions?page_size=100"
    first = site.get(path)
    require(first.status == 200, "the list of actions")
    rows = json.loads(first.body)["results"]
    require(list(map(parsed, rows)) == list(map(parsed, json.loads(site.get("/rows/").body))), "its rows")
    require(len(rows) == 100, "their number")
    tag = first.headers["ETag"]
    require(site.get(path, HTTP_IF_NONE_MATCH=tag).status == 304, "the list that has not changed")

    def floor() -> None:
        site.get("/rows/")

    def ours() -> None:
        site.get(path)

    def unchanged() -> None:
        site.get(path, HTTP_IF_NONE_MATCH=tag)

    return [
        *page_results(
            "api", f"List API, 100 of {ACTIONS} actions", "the same rows by json_agg through a bare view",
            time_cpu_pairs(ours, floor, times=(20, 20)), 15, site.queries(path), None,
        ),
        *page_results(
            "api-unchanged", f"List API, 100 of {ACTIONS} actions, 304", "the same rows by json_agg through a bare view",
            time_cpu_pairs(unchanged, floor, times=(20, 20)), None,
            site.queries(path, HTTP_IF_NONE_MATCH=tag), None,
        ),
    ]  # fmt: skip


def parsed(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its timestamp parsed, which PostgreSQL and Django write differently."""
    return row | {"updated_at": dt.datetime.fromisoformat(row["updated_at"])}


def progress() -> list[Result]:
    from tenants.models import Jurisdiction

    register_cities()
    site = Site(Jurisdiction.objects.get(schema_name="public").host)
    require(site.get("/one-row/").status == 200, "the page of one row")
    first = site.get("/progress/")
    require(first.status == 200 and f"{CITIES} plans.".encode() in first.body, "the progress page")
    shown = len(re.findall(rb'<th scope="row"><a href="http://town-', first.body))
    require(shown == 100, "its first page")

    def floor() -> None:
        site.get("/one-row/")

    def cold() -> None:
        clear_page_cache()
        site.get("/progress/")

    def warm() -> None:
        site.get("/progress/")

    return [
        *page_results(
            "progress", f"Progress of {CITIES} cities, {shown} on the page, cached", ONE_ROW,
            time_cpu_pairs(warm, floor, times=(40, 40)), 3, site.queries("/progress/"), 1,
        ),
        *page_results(
            "progress-cold", f"Progress of {CITIES} cities, {shown} on the page, not cached", ONE_ROW,
            time_cpu_pairs(cold, floor, times=(4, 40)), None, site.queries("/progress/", clear_page_cache), 2,
        ),
    ]  # fmt: skip


def page_results(
    name: str,
    what: str,
    floor: str,
    times: PairedTimes,
    limit: float | None,
    queries: int,
    max_queries: int | None,
) -> list[Result]:
    floor_seconds = statistics.median(times.floor)
    print(
        f"  {name}: {times.seconds * 1000:.2f} ms of CPU, floor {floor_seconds * 1000:.2f} ms, {queries} queries"
    )
    return [
        Result(
            name=f"pages.{name}", what=f"{what} (floor: {floor})", ratio=times.ratio, spread=times.spread, limit=limit,
            seconds=times.seconds,
        ),
        Result(name=f"pages.{name}.queries", what=f"{what}: queries", ratio=queries, limit=max_queries),
    ]  # fmt: skip


def require(condition: bool, what: str) -> None:
    if not condition:
        raise RuntimeError(f"{what} is not what it should be")


def register_cities() -> None:
    """Create CITIES launched cities, each with a public plan, in the registry and the projections.

    The progress page reads nothing else, so they need no schemas. Of their actions it counts those that are overdue.
    """
    from django.utils import timezone

    from cohort.models import PublicAction, PublicPlan
    from tenants.models import Jurisdiction

    today = dt.date(2026, 6, 30)
    PublicPlan.objects.all().delete()  # of the city above
    jurisdictions = Jurisdiction.objects.bulk_create(
        Jurisdiction(
            schema_name=f"c_town_{n}", slug=f"town-{n}", name=f"City of Town {n}", short_name=f"Town {n}",
            state="MN", site_state="launched", entry_stage="implementing", population_band="50k_100k",
            tagline="We promised it, and here is how it goes.",
        )
        for n in range(CITIES)
    )  # fmt: skip
    PublicPlan.objects.bulk_create(
        PublicPlan(
            jurisdiction=jurisdiction, visibility="public", updated_at=timezone.now(), title="Racial equity plan",
            lifecycle="implementing", adopted_on=today, goals=5, outcomes=9, actions=40, completed=n % 30,
            on_track=5, at_risk=3, needs_attention=3, no_status=n % 3, last_update_on=today,
        )
        for n, jurisdiction in enumerate(jurisdictions)
    )  # fmt: skip
    # The open actions with a status, of which two are overdue: the page counts these.
    tomorrow = timezone.now() + dt.timedelta(days=1)
    PublicAction.objects.bulk_create(
        PublicAction(
            jurisdiction=jurisdiction, visibility="public", updated_at=timezone.now(), outcome_id=uuid.uuid4(),
            code=f"a{n}", title="Plant trees", status="at_risk" if n < 3 else "on_track",
            overdue_at=tomorrow - dt.timedelta(days=2 if n % 4 == 0 else 0),
        )
        for jurisdiction in jurisdictions
        for n in range(8)
    )  # fmt: skip
