"""Cached pages of anonymous visitors: never older than the request, nobody else's, one query while nothing changes."""

from __future__ import annotations

import datetime as dt
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import caches
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone
from django_tenants.utils import tenant_context
from wagtail.models import PageViewRestriction

from accounts.models import User
from cms.models import HomePage, NarrativePage
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tenants.people import affiliations
from tenants.plans import imports
from tenants.plans import services as plans
from tenants.plans.models import Action, Department, Goal, Plan
from tenants.plans.selectors import current_plan
from tenants.web.page_cache import cache_for_anonymous
from tests.dashboard.sample import write_plan
from tests.plans.test_import import SHEET
from tests.tenants.conftest import committed  # noqa: F401  (a fixture)

TODAY = timezone.localdate()

pytestmark = pytest.mark.usefixtures("committed")


def with_csrf_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_token(request))


def with_cookie(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("hello")
    response.set_cookie("seen", "1")
    return response


def with_cache_control(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("hello")
    response["Cache-Control"] = "no-store"
    return response


def with_session(request: HttpRequest) -> HttpResponse:
    request.session["seen"] = True
    return HttpResponse("hello")


urlpatterns = [
    *(
        path(f"{view.__name__}/", cache_for_anonymous()(view))
        for view in (with_csrf_token, with_cookie, with_cache_control, with_session)
    ),
    path("", include("config.urls_city")),
]


@pytest.fixture(scope="module")
def city(committed) -> Jurisdiction:  # noqa: F811
    jurisdiction = Jurisdiction.objects.get(slug="riverton")
    services.set_site_state(jurisdiction, state="launched", by=None)
    plan = write_plan(jurisdiction, visibility=Visibility.PUBLIC)
    with tenant_context(jurisdiction):
        Plan.objects.exclude(pk=plan.pk).delete()
    return Jurisdiction.objects.get(pk=jurisdiction.pk)


@pytest.fixture
def the_alliance(city) -> Jurisdiction:
    return Jurisdiction.objects.get(schema_name="public")


def get(jurisdiction: Any, url: str = "/", *, user: Any = None, method: str = "get", **headers: str) -> Any:
    """The response to a new browser, with the committed state of the database."""
    client = Client(headers={"host": jurisdiction.host} | headers)
    if user is not None:
        with tenant_context(jurisdiction):
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    try:
        return getattr(client, method)(url)
    finally:
        connection.set_schema_to_public()


def get_uncached(jurisdiction: Any, url: str) -> Any:
    caches["pages"].clear()
    return get(jurisdiction, url)


def count_cached() -> int:
    return len(caches["pages"]._cache)  # Django's caches do not count publicly


def make_member(jurisdiction: Any, *roles: str) -> User:
    number = User.objects.count()
    user = User.objects.create_user(
        email=f"cached{number}@city.example",
        password="a long enough phrase",
        first_name="Ada",
        last_name=f"Cached {number}",
    )
    affiliations.affiliate(user, jurisdiction, roles=list(roles), by=None)
    return User.objects.get(pk=user.pk)


def on_other_connection(work: Any) -> None:
    """Call `work` on another connection, as another process would, and commit."""

    def work_and_close() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work_and_close).result(timeout=30)


# ---- Fewer queries ---------------------------------------------------------------------------------------


CITY_PAGES = [
    "/",
    "/plan/",
    "/plan/actions/t5/",
    "/data/",
    "/narrative/",
    "/data/actions.csv",
    "/data/plan.xlsx",
    "/sitemap.xml",
    "/?status=late",
]
ALLIANCE_PAGES = [
    "/",
    "/progress/",
    "/progress/?sort=-done",
    "/jurisdictions/",
    "/progress/plans.json",
    "/sitemap.xml",
]


@pytest.mark.parametrize("url", CITY_PAGES + [f"alliance {url}" for url in ALLIANCE_PAGES])
def test_the_second_anonymous_visitor_costs_one_query_and_gets_the_same(city, the_alliance, settings, url):
    jurisdiction = the_alliance if url.startswith("alliance") else city
    url = url.removeprefix("alliance ")
    first = get(jurisdiction, url)
    settings.HOST_CACHE_SECONDS = 3600
    assert first.status_code == 200
    assert count_cached() == 1
    get(jurisdiction, url)
    with CaptureQueriesContext(connection) as queries:
        second = get(jurisdiction, url)
    assert len(queries) == 1, [query["sql"] for query in queries]
    assert second.content == first.content
    assert dict(second.items()) == dict(first.items())


def test_a_browser_that_has_the_page_gets_304_with_one_query(city, settings):
    first = get(city)
    settings.HOST_CACHE_SECONDS = 3600
    assert first["Cache-Control"] == "no-cache"
    assert {"Cookie", "HX-Request", "HX-Target"} <= set(first["Vary"].replace(" ", "").split(","))
    with CaptureQueriesContext(connection) as queries:
        again = get(city, **{"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert len(queries) == 1
    settings.HOST_CACHE_SECONDS = 0
    with tenant_context(city):
        Goal.objects.update(title="Another since")
    assert get(city, **{"if-none-match": first["ETag"]}).status_code == 200


def test_head_is_answered_as_get_is(city):
    first = get(city, method="head")
    second, page = get(city, method="head"), get(city)
    assert first["ETag"] == second["ETag"] == page["ETag"]
    assert first["Content-Length"] == str(len(page.content))
    assert page.content


def test_a_cached_page_has_the_same_security_headers(city):
    first, second = get(city), get(city)
    for name in (
        "Content-Security-Policy",
        "X-Frame-Options",
        "X-Content-Type-Options",
        "Permissions-Policy",
    ):
        assert second[name] == first[name]


# ---- Never older than the request ------------------------------------------------------------------------


def plan_of(jurisdiction: Jurisdiction) -> Plan:
    return Plan.objects.get(title="Racial equity plan")


def action(code: str) -> Action:
    return Action.objects.select_related("outcome__goal").get(code=code)


def report_progress(code: str) -> None:
    plans.record_progress(
        action(code), status="at_risk", text="Oh", reason="R", next_step="N", by=None, on=TODAY
    )


def publish_home(lead: str) -> None:
    page = HomePage.objects.get()
    page.lead = lead
    page.save_revision().publish()


def publish_story() -> None:
    page = NarrativePage.objects.get()
    page.headline = "A headline that was not there"
    page.save_revision().publish()


WRITES_BY_CHANGE = {
    "an action is edited": ("/", lambda p: plans.edit_action(action("t5"), by=None, title="Another title", reason="R")),
    "its page": ("/plan/actions/t5/", lambda p: plans.edit_action(action("t5"), by=None, details="More", reason="R")),
    "a step of it": (
        "/plan/actions/t5/",
        lambda p: plans.edit_action(action("t5"), by=None, milestones=[{"title": "S", "due_date": dt.date(2027, 1, 1)}]),
    ),
    "progress is recorded": ("/", lambda p: report_progress("t2")),
    "an action is added": ("/", lambda p: plans.add_action(action("t5").outcome, by=None, title="A new one")),
    "one is retired and restored": (
        "/plan/",
        lambda p: plans.retire(action("t8"), reason="R", by=None),
        lambda p: plans.restore(action("t8"), by=None),
    ),
    "one is moved": ("/plan/", lambda p: plans.move(action("t2"), direction="up", by=None)),
    "a goal is renamed": ("/", lambda p: plans.edit_goal(action("t5").outcome.goal, by=None, title="G", reason="R")),
    "a goal is added": ("/plan/", lambda p: plans.add_goal(plan_of(p), by=None, title="A third goal")),
    "the city's words for statuses": (
        "/",
        lambda p: plans.edit_plan(plan_of(p), by=None, status_labels={"on_track": "Rolling"}),
    ),
    "a department": ("/data/actions.csv", lambda p: Department.objects.filter(name="Library").update(name="Libraries")),
    "the home page": ("/", lambda p: publish_home("Opening words")),
    "the story": ("/narrative/", lambda p: publish_story()),
    "the city's name": ("/", lambda p: services.change_jurisdiction(p, by=None, name="Riverton Again")),
    "its time zone, behind the services' back": (
        "/",
        lambda p: Jurisdiction.objects.filter(pk=p.pk).update(short_name="Rivy", name="Rivy"),
    ),
    "the plan is withdrawn and published": (
        "/",
        lambda p: plans.unpublish_plan(plan_of(p), by=None, reason="R"),
        lambda p: plans.publish_plan(plan_of(p), by=None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", WRITES_BY_CHANGE)
def test_every_kind_of_change_shows_at_once(city, change):
    url, *writes = WRITES_BY_CHANGE[change]
    for write in writes:
        before = get(city, url)
        assert get(city, url).content == before.content
        with tenant_context(city):
            write(Jurisdiction.objects.get(pk=city.pk))
        after = get(city, url)
        assert after.content != before.content
        assert after.content == get_uncached(city, url).content


def test_an_import_and_its_undo_show_at_once():
    jurisdiction = Jurisdiction.objects.get(slug="millbrook")
    services.set_site_state(jurisdiction, state="launched", by=None)
    with tenant_context(jurisdiction):
        plans.publish_plan(current_plan(), by=None)
    pages = [get(jurisdiction).content]
    with tenant_context(jurisdiction):
        job = imports.upload_sheet(filename="plan.csv", content=SHEET.encode(), by=None)
        job = imports.commit_import(job, by=None)
    pages.append(get(jurisdiction).content)
    with tenant_context(jurisdiction):
        imports.undo_import(job, by=None)
    pages.append(get(jurisdiction).content)
    assert pages[0] != pages[1] != pages[2]
    assert pages[2] == get_uncached(jurisdiction, "/").content


@pytest.mark.parametrize("url", ["/", "/progress/", "/jurisdictions/"])
def test_the_alliance_shows_what_a_city_changes(city, the_alliance, url):
    before = get(the_alliance, url)
    with tenant_context(city):
        some_action = Action.objects.current().filter(outcome__goal__plan=plan_of(city))[0]
        plans.record_progress(some_action, status="completed", text=f"For {url}", by=None, on=TODAY)
        jurisdiction = Jurisdiction.objects.get(pk=city.pk)
    services.change_jurisdiction(jurisdiction, by=None, tagline=f"Seen at {url}", name=f"Riverton {url}")
    after = get(the_alliance, url)
    assert after.content != before.content
    assert after.content == get_uncached(the_alliance, url).content


def test_a_name_that_is_no_longer_public_is_gone_at_once(city):
    user = make_member(city, "viewer")
    affiliation = user.affiliations.get()
    affiliation.is_public = True
    affiliation.save()
    with tenant_context(city):
        some_action = Action.objects.current().filter(
            outcome__goal__plan=Plan.objects.in_force().order_by("-pk")[0]
        )[0]
        plans.edit_action(some_action, by=None, owner=affiliation.pk, reason="R")
        url = some_action.get_absolute_url()
    name = user.get_full_name()
    assert name in get(city, url).text
    User.objects.filter(pk=user.pk).update(last_name="Renamed")
    assert "Ada Renamed" in get(city, url).text
    affiliation.is_public = False
    affiliation.save()
    assert "Ada" not in get(city, url).text


def test_the_next_day_is_another_page(city):
    with time_machine.travel(dt.datetime(2027, 4, 8, 17, tzinfo=dt.UTC), tick=False):
        before = get(city)
    with time_machine.travel(dt.datetime(2027, 4, 9, 4, tzinfo=dt.UTC), tick=False):
        assert get(city).content == before.content  # still the eighth in Chicago
    with time_machine.travel(dt.datetime(2027, 4, 9, 6, tzinfo=dt.UTC), tick=False):
        assert get(city).content != before.content


def test_two_processes_show_the_same_after_each_write(city, settings):
    """Each process has a cache of its own; both read the version."""
    homes = {}
    for number in range(6):
        settings.CACHES = settings.CACHES | {
            "pages": settings.CACHES["pages"] | {"LOCATION": f"process {number % 2}"}
        }
        with tenant_context(city):
            Goal.objects.update(title=f"Goal as of write {number}")
        for process in (number % 2, 1 - number % 2):
            settings.CACHES = settings.CACHES | {
                "pages": settings.CACHES["pages"] | {"LOCATION": f"process {process}"}
            }
            homes[process] = get(city).text
            assert f"Goal as of write {number}" in homes[process]
    assert homes[0] == homes[1]


@pytest.mark.parametrize("moment", ["before the rows are read", "after the rows are read"])
def test_what_is_committed_while_a_page_is_rendered_shows_in_the_next(city, monkeypatch, moment):
    """The page may show either state; it must not be cached as the new one."""
    from tenants.dashboard import statistics

    get_action_rows, calls = statistics.get_action_rows, []

    def get_rows_and_write(*args: Any, **kwargs: Any) -> Any:
        def write() -> None:
            with tenant_context(city):
                Goal.objects.update(title=f"Written {moment}")

        if calls:
            return get_action_rows(*args, **kwargs)
        calls.append(True)
        if moment.startswith("before"):
            on_other_connection(write)
            return get_action_rows(*args, **kwargs)
        rows = get_action_rows(*args, **kwargs)
        on_other_connection(write)
        return rows

    monkeypatch.setattr(statistics, "get_action_rows", get_rows_and_write)
    during = get(city)
    assert (f"Written {moment}" in during.text) == moment.startswith("before")
    assert count_cached() == 1
    assert f"Written {moment}" in get(city).text


def test_what_is_not_committed_is_neither_cached_nor_shown_to_others(city):
    before, pages = get(city).content, []
    with transaction.atomic():
        with tenant_context(city):
            Goal.objects.update(title="Never committed")
        assert "Never committed" in get(city).text
        on_other_connection(lambda: pages.append(get(city).content))
        transaction.set_rollback(True)
    assert pages == [before]
    assert get(city).content == before


# ---- Never for anybody else --------------------------------------------------------------------------------


def test_a_page_of_the_team_is_not_cached_and_a_cached_one_not_shown_to_it(city):
    coordinator = make_member(city, "coordinator")
    for url in ("/", "/plan/", "/data/", "/?preview=1"):
        assert "/workspace/" in get(city, url, user=coordinator).text
    assert count_cached() == 0
    anonymous = get(city).text
    assert '<a href="/workspace/">' not in anonymous
    assert '<a href="/workspace/">' in get(city, user=coordinator).text
    assert get(city).text == anonymous


def test_what_members_see_is_not_shown_to_anonymous_visitors(city, the_alliance):
    jurisdiction = Jurisdiction.objects.get(slug="ashford")
    with tenant_context(jurisdiction):
        Plan.objects.in_force().update(lifecycle="archived")
    plan = write_plan(jurisdiction, visibility=Visibility.INTERNAL)
    with tenant_context(jurisdiction):
        plans.edit_plan(plan, by=None, title="CANARY of the cohort")
        plans.publish_plan(plan, by=None, visibility=Visibility.COHORT)
    reader = make_member(city, "viewer")
    for _attempt in range(2):
        assert jurisdiction.name in get(the_alliance, "/progress/", user=reader).text
        assert jurisdiction.name not in get(the_alliance, "/progress/").text
        assert "CANARY" not in get(the_alliance, "/progress/plans.json").text


def test_a_preview_is_not_shown_to_anonymous_visitors(city):
    coordinator = make_member(city, "coordinator")
    with tenant_context(city):
        plan = plan_of(city)
        Goal.objects.filter(plan=plan).update(title="CANARY of a plan that went back")
        plans.unpublish_plan(plan, by=None, reason="R")
    try:
        for _attempt in range(2):
            assert "CANARY" in get(city, "/?preview=1", user=coordinator).text
            for url in ("/", "/?preview=1", "/plan/", "/plan/?preview=1"):
                assert "CANARY" not in get(city, url).text
    finally:
        with tenant_context(city):
            plans.publish_plan(plan, by=None)


def test_a_city_that_closes_is_closed_at_once(city):
    assert get(city).status_code == 200
    services.set_site_state(city, state="not_launched", by=None)
    try:
        assert get(city).status_code == 404
        assert get(city, "/plan/").status_code == 404
    finally:
        services.set_site_state(city, state="launched", by=None)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("/", {"cookie": f"{settings.SESSION_COOKIE_NAME}=whatever"}),
        ("/", {"cookie": "messages=whatever"}),
        ("/", {"hx-request": "true", "hx-target": "action-rows"}),
        ("/", {"authorization": "Bearer x"}),
        ("/", {"range": "bytes=0-10"}),
        ("/?q=fines", {}),
        ("/?state=MN", {}),
        ("/plan/?status=late", {}),
        ("/?preview=1", {}),
        ("/?utm_source=a", {}),
        ("/?status=" + "x" * 200, {}),
        ("/nothing/", {}),
        ("/plan/actions/nothing/", {}),
        ("/sign-in/", {}),
        ("/brand.css", {}),
        ("/contact/", {}),
    ],
)
def test_these_requests_are_not_cached(city, url, headers):
    get(city, url, **headers)
    assert count_cached() == 0


@pytest.mark.parametrize("url", ["/jurisdictions/?state=MN", "/jurisdictions/list.csv?kind=city&order=name"])
def test_a_filtered_directory_is_cached(the_alliance, settings, url):
    first = get(the_alliance, url)
    assert count_cached() == 1
    settings.HOST_CACHE_SECONDS = 3600
    get(the_alliance, url)
    with CaptureQueriesContext(connection) as queries:
        again = get(the_alliance, url)
    assert len(queries) == 1
    assert again.content == first.content


@pytest.mark.parametrize("query", ["q=Riverton", "state=MN&q=Riverton", "state=MN&utm_source=letter"])
def test_a_directory_with_free_text_or_an_unknown_parameter_is_not_cached_and_answered_right(
    the_alliance, query
):
    Jurisdiction.objects.filter(slug="riverton").update(name="City of Riverton", short_name="Riverton")
    get(the_alliance, "/jurisdictions/?state=MN")
    for _attempt in range(2):
        page = get(the_alliance, f"/jurisdictions/?{query}")
        assert "Riverton" in page.text
        assert ("Ashford" in page.text) == ("q=" not in query)
    assert count_cached() == 1


@pytest.mark.parametrize("name", ["with_csrf_token", "with_cookie", "with_cache_control", "with_session"])
def test_a_page_with_a_token_a_cookie_cache_headers_or_a_session_is_not_cached(city, settings, name):
    settings.ROOT_URLCONF = __name__
    assert get(city, f"/{name}/").status_code == 200
    assert count_cached() == 0


def test_a_page_that_is_too_large_is_not_cached(city, monkeypatch):
    monkeypatch.setattr("tenants.web.page_cache.MAX_PAGE_BYTES", 100)
    get(city)
    assert count_cached() == 0


def test_a_restriction_set_by_hand_still_applies_below_its_page(city):
    with tenant_context(city):
        home, story = HomePage.objects.get(), NarrativePage.objects.get()
        assert not home.get_view_restrictions().exists()
        closed = PageViewRestriction.objects.create(page_id=home.pk, restriction_type="login")
        try:
            for page in (home, story):
                assert list(page.get_view_restrictions()) == [closed]
        finally:
            closed.delete()


def test_the_etag_is_a_hash_of_the_content(city):
    page = get(city)
    assert page["ETag"] == f'"{hashlib.blake2b(page.content, digest_size=16).hexdigest()}"'
