"""A due day ends at the midnight of its city, without a write: everywhere at once, cached pages included.

Riverton is in New York and Ashford in Honolulu, where the same day ends six hours later. In between one is overdue and the
other is not.
"""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tenants.utils import tenant_context

from cohort.projections import refresh
from tenants.jurisdictions import services
from tenants.models import Jurisdiction
from tenants.plans import selectors
from tenants.plans.models import Plan
from tenants.signals import plan_published
from tests.cohort.test_same_facts import cells, csv_rows, result_texts, text_of
from tests.plan_factories import ActionFactory, PlanFactory
from tests.rules.planted import Fault, faults_of, planted
from tests.tenants.conftest import committed  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("cities")

ZONES = {"riverton": "America/New_York", "ashford": "Pacific/Honolulu"}
REPORTED_ON, DUE = dt.date(2027, 6, 28), dt.date(2027, 6, 30)
NO_ONE, NEW_YORK, BOTH = set(), {"riverton"}, {"riverton", "ashford"}
# The moment, and the cities whose action is overdue then. At 05:00 it is midnight at the alliance, which dates its pages.
MOMENTS = [
    ("2027-07-01T03:59:59Z", NO_ONE),
    ("2027-07-01T04:00:00Z", NEW_YORK),
    ("2027-07-01T04:59:59Z", NEW_YORK),
    ("2027-07-01T09:59:59Z", NEW_YORK),
    ("2027-07-01T10:00:00Z", BOTH),
]


@pytest.fixture(scope="module")
def cities(committed):  # noqa: F811
    """Each of the two has a public plan of one action that is reported as on track; its zone is chosen last."""
    with time_machine.travel(dt.datetime(2027, 6, 28, 17, tzinfo=dt.UTC), tick=False):
        for slug, zone in ZONES.items():
            city = Jurisdiction.objects.get(slug=slug)
            with tenant_context(city):
                plan = PlanFactory()
                ActionFactory(
                    outcome__goal__plan=plan, code="t1", number="1", title=f"Plant trees in {city.short_name}",
                    status="on_track", due_date=DUE, due_precision="day", last_update_on=REPORTED_ON,
                )  # fmt: skip
                plan_published.send(Plan, jurisdiction=city, plan_id=plan.pk)
            services.set_site_state(city, state="launched", by=None)
            services.change_jurisdiction(city, by=None, timezone=zone)


def get(host, url, **headers):
    """The response to a new browser; `host` is the slug of a city or "alliance"."""
    is_city = host in ZONES
    jurisdiction = (
        Jurisdiction.objects.get(slug=host) if is_city else Jurisdiction.objects.get(schema_name="public")
    )
    try:
        return Client(headers={"host": jurisdiction.host} | headers).get(url)
    finally:
        connection.set_schema_to_public()


def city_name(slug):
    return Jurisdiction.objects.get(slug=slug).name


# ---- What each page and file shows: is the action of the city overdue? -------------------------------------------
def on_the_citys_site(slug):
    tags = {"On track": False, "Overdue Report: on track": True}
    numbers = {("1", "0"): False, ("0", "1"): True}
    codes = {("on_track", "on_track"): False, ("on_track", "overdue"): True}

    def reported_and_standing(row):
        return codes[row["status"], row["standing"]]

    detail = text_of(get(slug, "/plan/actions/t1/").text)
    tree = get(slug, "/data/plan.json").json()
    [action] = tree["goals"][0]["outcomes"][0]["actions"]
    counted = csv_rows(get(slug, "/data/numbers.csv"))
    data = cells(get(slug, "/data/"), ">All actions</th>")
    return {
        "front page": tags[cells(get(slug, "/"), '<th scope="row"><a href="/plan/actions/t1/')[1]],
        "front page, number": "1 overdue" in text_of(get(slug, "/").text).lower(),
        "front page, filter": "/plan/actions/t1/" in get(slug, "/?status=overdue").text.partition("action-rows")[2],
        "plan": tags[cells(get(slug, "/plan/"), "/plan/actions/t1/")[1]],
        "action": {"Overdue Report: on track" in detail, "and the action is not reported as done" in detail},
        "data": "Overdue" in text_of(get(slug, "/data/").text) and data[1:] == ["1", "1"],
        "actions.csv": reported_and_standing(csv_rows(get(slug, "/data/actions.csv"))[0]),
        "actions.csv, filter": len(csv_rows(get(slug, "/data/actions.csv?status=overdue"))) == 1,
        "actions.json": reported_and_standing(get(slug, "/data/actions.json").json()["actions"][0]),
        "plan.json": reported_and_standing(action),
        "plan.json, numbers": numbers[str(tree["numbers"]["on_track"]), str(tree["numbers"]["overdue"])],
        **{
            f"numbers.csv, {row['by']}": numbers[row["on_track"], row["overdue"]]
            for row in counted
        },
    }  # fmt: skip


def in_the_workspace(slug):
    city = Jurisdiction.objects.get(slug=slug)
    with tenant_context(city), timezone.override(city.timezone):
        plan = selectors.current_plan()
        [attention] = [group["attention"] for group in selectors.count_actions(plan, by="goal").values()]
        [standing] = selectors.count_actions(plan, by="standing")
        [[in_editor]] = selectors.count_standings_by_goal(plan).values()
    standings = {"on_track": False, "overdue": True}
    return {"workspace": attention == 1, "editor": standings[in_editor], "publish page": standings[standing]}


def at_the_alliance(slug):
    name = city_name(slug)
    sentences = {"0 of 1 actions done.": False, "0 of 1 actions done, 1 needs attention.": True}
    groups = {(1, 0, 0): False, (0, 1, 1): True}

    def numbers(rows, key, value):
        [row] = [row for row in rows if row[key] == value]
        return groups[int(row["on_track"]), int(row["overdue"]), int(row["needs_attention"])]

    [member] = [
        row for row in csv_rows(get("alliance", "/jurisdictions/list.csv")) if row["jurisdiction"] == name
    ]
    directory = text_of(get("alliance", "/jurisdictions/").text)
    shown = re.findall(r"0 of 1 actions done[^.]*\.", directory.partition(name)[2])[0]
    home = get("alliance", "/").text
    [change] = re.findall(rf"<li><b>([^<]*)\.</b> <a[^>]*>Plant trees in {short_name(slug)}</a>", home)
    return {
        "progress": {"0": False, "1": True}[cells(get("alliance", "/progress/"), f">{name}</a></th>")[4]],
        "progress, in another order": {"0": False, "1": True}[
            cells(get("alliance", "/progress/?sort=-attention"), f">{name}</a></th>")[4]
        ],
        "plans.csv": numbers(csv_rows(get("alliance", "/progress/plans.csv")), "jurisdiction", name),
        "plans.json": numbers(get("alliance", "/progress/plans.json").json()["plans"], "jurisdiction", name),
        "directory": sentences[shown],
        "members.csv": sentences[member["plan_progress"]],
        "home page": {"0": False, "1": True}[cells(get("alliance", "/"), f">{name}</a></th>")[4]],
        "changed this week": {"On track": False, "Overdue": True}[change],
        "API, plans": numbers(get("alliance", "/api/v1/plans").json()["results"], "jurisdiction", slug),
    }  # fmt: skip


def short_name(slug):
    return Jurisdiction.objects.get(slug=slug).short_name


def in_the_api(slug):
    [row] = get("alliance", f"/api/v1/actions?jurisdiction={slug}").json()["results"]
    assert row["status"] == "on_track"

    def listed(query):
        return len(get("alliance", f"/api/v1/actions?jurisdiction={slug}&{query}").json()["results"]) == 1

    since = "2027-06-30T00:00:00Z"  # what became overdue has changed, for those who ask for changes only
    plans = get("alliance", f"/api/v1/plans?jurisdiction={slug}&updated_since={since}").json()["results"]
    return {
        "API": {"on_track": False, "overdue": True}[row["standing"]],
        "API, one": get("alliance", f"/api/v1/actions/{row['id']}").json()["standing"] == "overdue",
        "API, overdue": listed("standing=overdue"),
        "API, on track": not listed("standing=on_track"),
        "API, changed actions": listed(f"updated_since={since}"),
        "API, changed plans": len(plans) == 1,
    }


def in_search(slug):
    heading = f"1 Plant trees in {short_name(slug)}"
    texts = {
        "On track Due June 30, 2027": False, "Overdue Report: on track Due June 30, 2027": True,
    }  # fmt: skip
    page = get("alliance", "/search/?q=plant+trees")
    filtered = get("alliance", "/search/?q=plant+trees&status=overdue")
    [text] = [text for text in texts if text in result_texts(page, heading)]
    hits = get("alliance", "/api/v1/search?q=plant+trees&status=overdue").json()["results"]
    return {
        "search": texts[text],
        "search, filter": short_name(slug) in filtered.text.partition('class="result"')[2],
        "API, search": heading.removeprefix("1 ") in {hit["title"] for hit in hits},
    }


def overdue_by_source():
    """{"plan": {"riverton"}, …}: the cities whose action each page or file shows as overdue."""
    overdue = {}
    for slug in ZONES:
        for read in (on_the_citys_site, in_the_workspace, at_the_alliance, in_the_api, in_search):
            for source, is_overdue in read(slug).items():
                shown = overdue.setdefault(source, set())
                is_overdue = is_overdue if isinstance(is_overdue, bool) else is_overdue == {True}
                if is_overdue:
                    shown.add(slug)
    return overdue


def test_at_midnight_everything_shows_the_same_without_a_write():
    with CaptureQueriesContext(connection) as queries:
        for moment, expected in MOMENTS:
            with time_machine.travel(moment, tick=False):
                for _reading in ("from the database", "from the cache"):
                    shown = overdue_by_source()
                    assert {source: slugs for source, slugs in shown.items() if slugs != expected} == {}, (
                        moment
                    )
                counts = get("alliance", "/api/v1/search?q=plant+trees").json()["facets"]["status"]
                standings = {value["value"]: value["count"] for value in counts}
                overdue = {"overdue": len(expected), "on_track": 2 - len(expected)}
                assert standings == {standing: count for standing, count in overdue.items() if count}
    writes = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH .* (INSERT|UPDATE|DELETE) )", re.IGNORECASE)
    assert [query["sql"] for query in queries if writes.match(query["sql"])] == []


CACHED = [
    ("alliance", "/", [NO_ONE, NEW_YORK, BOTH]),
    ("alliance", "/progress/", [NO_ONE, NEW_YORK, BOTH]),
    ("alliance", "/progress/plans.csv", [NO_ONE, NEW_YORK, BOTH]),
    ("alliance", "/jurisdictions/", [NO_ONE, NEW_YORK, BOTH]),
    ("alliance", "/api/v1/actions", [NO_ONE, NEW_YORK, BOTH]),
    ("alliance", "/api/v1/plans", [NO_ONE, NEW_YORK, BOTH]),
    ("riverton", "/plan/", [NO_ONE, NEW_YORK]),
    ("riverton", "/data/actions.csv", [NO_ONE, NEW_YORK]),
    ("ashford", "/plan/", [NO_ONE, BOTH]),
]


@pytest.mark.parametrize(("host", "url", "states"), CACHED)
def test_a_browser_that_asks_again_gets_the_new_page_and_only_then(host, url, states):
    tags = {}
    for moment, overdue in [*MOMENTS[:3], MOMENTS[-1]]:
        state = [NO_ONE, NEW_YORK, BOTH].index(overdue)
        key = max(
            index
            for index, known in enumerate([NO_ONE, NEW_YORK, BOTH])
            if known in states and index <= state
        )
        with time_machine.travel(moment, tick=False):
            for seen, tag in tags.items():
                status = get(host, url, **{"if-none-match": tag}).status_code
                assert status == (304 if seen == key else 200), (moment, seen)
            tags[key] = get(host, url)["ETag"]
    assert len(set(tags.values())) == len(states)


def test_an_unchanged_page_of_the_alliance_comes_from_the_cache():
    with time_machine.travel("2027-07-01T04:00:00Z", tick=False):
        get("alliance", "/progress/")
    with (
        time_machine.travel("2027-07-01T04:01:00Z", tick=False),
        CaptureQueriesContext(connection) as queries,
    ):
        get("alliance", "/progress/")
    assert not any("cohort_publicplan" in query["sql"] for query in queries)


def progress_at_each_moment():
    """The cities that the alliance's page of progress, cached or not, shows with an action that needs attention."""
    shown = []
    for moment, _overdue in MOMENTS:
        with time_machine.travel(moment, tick=False):
            page = get("alliance", "/progress/")
            shown.append({slug for slug in ZONES if cells(page, f">{city_name(slug)}</a></th>")[4] == "1"})
    caches["pages"].clear()
    return shown


def test_progress_changes_at_the_midnight_of_each_city():
    assert progress_at_each_moment() == [overdue for _moment, overdue in MOMENTS]


@faults_of(
    [
        Fault("tenants.web.page_cache:_cache_key", "host_registry.local_dates()", "timezone.localdate()"),
        Fault("tenants.web.host_registry:local_dates", "now.astimezone(zone)", "now"),
        Fault("cohort.models:PublicPlanQuerySet.with_overdue", "overdue_at__lte=", "overdue_at__gte="),
    ]
)
def test_a_wrong_midnight_is_noticed(fault):
    with planted(fault):
        assert progress_at_each_moment() != [overdue for _moment, overdue in MOMENTS]


def test_the_public_copy_is_complete_at_each_of_these_moments():
    """The nightly comparison finds nothing to repair: what is stored does not depend on the day."""
    for moment, _overdue in MOMENTS:
        with time_machine.travel(moment, tick=False):
            for slug in ZONES:
                city = Jurisdiction.objects.get(slug=slug)
                with tenant_context(city):
                    assert refresh.differences(city) == []
