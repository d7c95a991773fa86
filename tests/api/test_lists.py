"""Lists: pages, filters, what changed, 304, CSV and the number of queries."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cohort.models import PublicAction
from resources.models import LibraryItem
from tenants.api.parameters import DateTimeParameter
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Topic
from tenants.plans import services as plan_services
from tenants.plans.models import Action
from tests.resources.factories import LibraryItemFactory

EVERY_LIST = ["jurisdictions", "plans", "goals", "outcomes", "actions", "library", "topics"]


def walk(api, path, *, way="next", **parameters):
    """Keys of the rows of all pages, following the links."""
    page, pages = api(path, **parameters), []
    while True:
        pages.append([row["id"] for row in page.json()["results"]])
        address = page.json()[way]
        if not address:
            return pages
        page = page.client.get(address)


def test_following_next_returns_every_row_once(riverton, ashford, publish, api):
    publish(riverton, ["on_track"] * 5)
    publish(ashford, ["completed"] * 2)
    pages = walk(api, "actions", page_size=3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(id for page in pages for id in page) == sorted(
        map(str, PublicAction.objects.values_list("uuid", flat=True))
    )


def test_previous_leads_back_over_the_same_pages(riverton, publish, api):
    publish(riverton, ["on_track"] * 7)
    pages = walk(api, "actions", page_size=3)
    last = api("actions", page_size=3, cursor=f"after:{pages[1][-1]}")
    assert [row["id"] for row in last.json()["results"]] == pages[2]
    previous = last.client.get(last.json()["previous"]).json()
    assert [row["id"] for row in previous["results"]] == pages[1]
    first = last.client.get(previous["previous"]).json()
    assert [row["id"] for row in first["results"]] == pages[0]
    assert first["previous"] is None
    assert first["next"]


def test_a_row_deleted_between_two_pages_moves_no_other(riverton, publish, api):
    publish(riverton, ["on_track"] * 6)
    first = api("actions", page_size=3).json()
    PublicAction.objects.filter(uuid=first["results"][0]["id"]).delete()
    second = api("actions").client.get(first["next"]).json()
    left = set(map(str, PublicAction.objects.values_list("uuid", flat=True)))
    assert {row["id"] for row in first["results"][1:] + second["results"]} == left


def test_the_link_header_has_the_links_of_the_body(riverton, publish, api):
    publish(riverton, ["on_track"] * 3)
    for form in ("json", "csv"):
        page = api("actions", page_size=2, format=form)
        assert page["Link"].endswith('rel="next"')
    assert api("actions", page_size=2).json()["next"] in api("actions", page_size=2)["Link"]
    assert "Link" not in api("actions", page_size=3)


def test_a_page_has_fifty_rows_unless_asked_otherwise(riverton, publish, api):
    publish(riverton, ["on_track"] * 51)
    assert len(api("actions").json()["results"]) == 50
    assert len(api("actions", page_size=100).json()["results"]) == 51


def test_filters_narrow_and_their_values_widen(riverton, ashford, publish, api):
    publish(riverton, ["on_track", "completed", None])
    publish(ashford, ["completed"])

    def count(**parameters):
        return len(api("actions", **parameters).json()["results"])

    assert count() == 4
    assert count(jurisdiction="riverton") == 3
    assert count(jurisdiction=["riverton", "ashford"], status="completed") == 2
    assert count(status=["completed", "on_track"]) == 3
    assert count(status="none") == 1
    assert count(topic="libraries") == 4
    assert count(topic="courts") == count(jurisdiction="nowhere") == 0
    assert count(due_before="2027-06-30") == 0
    assert count(due_before="2027-07-01") == 4
    outcome = api("outcomes", jurisdiction="riverton").json()["results"][0]
    assert count(outcome=outcome["id"]) == count(goal=outcome["goal"]) == 3


def test_the_library_is_filtered_by_its_facets(library, api):
    everything = api("library", page_size=100).json()["results"]
    assert len(everything) == LibraryItem.objects.count()
    for name, field in {"type": "type", "evidence": "evidence", "license": "license", "size": "size"}.items():
        value = next(row[field] for row in everything if row[field])
        rows = api("library", page_size=100, **{name: value}).json()["results"]
        assert [row["key"] for row in rows] == [row["key"] for row in everything if row[field] == value]
    topic = everything[0]["topics"][0]
    rows = api("library", page_size=100, topic=topic).json()["results"]
    assert [row["key"] for row in rows] == [row["key"] for row in everything if topic in row["topics"]]


def test_updated_since_returns_only_changed_rows(riverton, publish, api, in_city):
    publish(riverton, ["on_track"] * 3)
    before = timezone.now()
    assert api("actions", updated_since=before.isoformat()).json()["results"] == []
    with in_city(riverton):
        plan_services.record_progress(
            Action.objects.order_by("pk").last(),
            by=None,
            on=dt.date(2026, 3, 1),
            status="completed",
            text="Done.",
        )
    rows = api("actions", updated_since=before.isoformat()).json()["results"]
    assert [row["last_update_text"] for row in rows] == ["Done."]
    assert len(api("plans", updated_since=before.isoformat()).json()["results"]) == 1


def test_what_a_launch_opens_counts_as_changed(riverton, publish, api):
    publish(riverton, ["on_track"] * 2, launch=False)
    before = timezone.now()
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    for path in ("actions", "plans", "goals", "outcomes", "jurisdictions"):
        assert api(path, updated_since=before.isoformat()).json()["results"], path


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-06-30T17:00:00Z", "2027-06-30T17:00:00+00:00"),
        ("2027-06-30t17:00:00.25z", "2027-06-30T17:00:00.250000+00:00"),
        ("2027-06-30T17:00:00-05:30", "2027-06-30T22:30:00+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00+12:00", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59-12:00", "9999-12-31T00:00:00+00:00"),
        ("6048-08-06T19:09:16.1-16:06", "6048-08-07T11:15:16.100000+00:00"),
    ],
)
def test_every_timestamp_of_rfc_3339_is_parsed(api, text, moment):
    assert DateTimeParameter().run_validation(text).isoformat() == moment
    assert api("actions", updated_since=text).status_code == 200


def test_an_unchanged_list_is_304(riverton, publish, api, in_city):
    publish(riverton, ["on_track"] * 3)
    for path in ("actions", "plans", "actions?format=csv"):
        path, _separator, form = path.partition("?format=")
        params = {"format": form} if form else {}
        first = api(path, **params)
        again = api(path, headers={"If-None-Match": first["ETag"]}, **params)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert again["Vary"] == first["Vary"]
        assert again["Cache-Control"] == first["Cache-Control"] == "no-cache"
    first = api("actions")
    with in_city(riverton):
        action = Action.objects.order_by("pk").last()
        plan_services.record_progress(
            action, by=None, on=dt.date(2026, 3, 1), status="completed", text="Done."
        )
    after = api("actions", headers={"If-None-Match": first["ETag"]})
    assert after.status_code == 200
    assert after["ETag"] != first["ETag"]
    assert api("actions")["ETag"] == after["ETag"]


@pytest.mark.parametrize("header", ["*", "W/{}", '"other", {}', '"other",W/{}'])
def test_etags_are_compared_as_in_http(riverton, publish, api, header):
    publish(riverton, ["on_track"])
    tag = api("actions")["ETag"]
    assert tag.startswith('"')
    assert api("actions", headers={"If-None-Match": header.format(tag)}).status_code == 304
    assert api("actions", headers={"If-None-Match": '"other"'}).status_code == 200
    assert api("actions", headers={"If-None-Match": tag.strip('"')}).status_code == 200


def test_no_two_responses_share_an_etag(riverton, ashford, publish, api, make_user):
    publish(riverton, ["on_track"] * 2)
    publish(ashford, ["on_track"], visibility="cohort")
    responses = [
        api("actions"),
        api("actions", format="csv"),
        api("actions", page_size=1),
        api("actions", status="on_track"),
        api("actions", user=make_user(ashford, "viewer")),
        api("outcomes"),
    ]
    assert len({response["ETag"] for response in responses}) == len(responses)
    assert responses[4]["Cache-Control"] == "private, no-cache"
    assert all("Cookie" in response["Vary"] and "Accept" in response["Vary"] for response in responses)


def test_the_etag_depends_on_related_rows(api):
    parent = LibraryItemFactory(key="the-parent")
    LibraryItemFactory(key="the-child", adapted_from=parent)
    tag, page = api("library/the-child")["ETag"], api("library", type="practice")["ETag"]
    LibraryItem.objects.filter(pk=parent.pk).update(visibility="members")
    assert api("library/the-child", headers={"If-None-Match": tag}).status_code == 200
    assert api("library", type="practice", headers={"If-None-Match": page}).status_code == 200


def test_a_304_reads_no_row(riverton, publish, api):
    publish(riverton, ["on_track"] * 3)
    tag = api("actions")["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert api("actions", headers={"If-None-Match": tag}).status_code == 304
    (sql,) = [query["sql"] for query in queries if "cohort_publicaction" in query["sql"]]
    assert sql.startswith('SELECT "cohort_publicaction"."uuid" AS "uuid", ')
    assert not {"title", "details", "reason", "next_step"} & set(
        re.findall(r'"(\w+)"', sql.partition(" FROM ")[0])
    )


def test_csv_has_the_same_rows_without_formulas(riverton, publish, api):
    publish(riverton, ["on_track", None], word="=1+1")
    for answer in (api("actions", headers={"Accept": "text/csv"}), api("actions", format="csv")):
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == 'attachment; filename="actions.csv"'
        assert answer.content.startswith(b"\xef\xbb\xbf")
        lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        rows = api("actions").json()["results"]
        assert [line["id"] for line in lines] == [row["id"] for row in rows]
        assert list(lines[0]) == list(rows[0])
        assert {line["title"] for line in lines} == {"'=1+1 action"}
        assert {line["status"] for line in lines} == {"on_track", ""}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/csv;q=0.5, application/json;q=0.9", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv; charset=utf-8"),
        ("text/*", "text/csv; charset=utf-8"),
    ],
)
def test_the_best_format_that_accept_takes_is_sent(api, accept, kind):
    assert api("topics", headers={"Accept": accept})["Content-Type"] == kind


def test_lists_need_as_many_queries_for_32_rows_as_for_2(riverton, publish, api):
    def fill(number):
        LibraryItem.objects.all().delete()
        Topic.objects.all().delete()
        LibraryItemFactory.create_batch(number)
        Topic.objects.bulk_create(Topic(slug=f"topic-{n}", label=f"Topic {n}") for n in range(number))
        for n in range(number):
            Jurisdiction.objects.update_or_create(
                slug=f"town-{n}", defaults={"schema_name": f"c_town_{n}", "name": f"Town {n}"}
            )
        publish(riverton, ["on_track"] * number)

    def queries(path, form, number):
        api(path, format=form)
        with CaptureQueriesContext(connection) as captured:
            answer = api(path, page_size=100, format=form)
        if path not in ("jurisdictions", "plans", "goals", "outcomes"):
            rows = len(answer.json()["results"]) if form == "json" else answer.content.count(b"\r\n") - 1
            assert rows == number, path
        return [query["sql"] for query in captured]

    counts = {}
    for number in (2, 8, 32):
        fill(number)
        for path, form in [*((path, "json") for path in EVERY_LIST), ("actions", "csv"), ("library", "csv")]:
            counts.setdefault((path, form), []).append(queries(path, form, number))
    for name, (two, eight, many) in counts.items():
        assert len(two) == len(eight) == len(many) <= 4, f"{name}: {json.dumps(many, indent=1)}"


def test_plans_and_actions_equal_the_files_of_the_pages(
    riverton, ashford, alliance, publish, api, client_for
):
    publish(riverton, ["on_track", "completed", None, "cancelled", "off_track"])
    publish(ashford, ["on_hold", "merged"])
    progress = {
        plan["jurisdiction"]: plan
        for plan in client_for(alliance).get("/progress/plans.json").json()["plans"]
    }
    for jurisdiction in (riverton, ashford):
        (row,) = api("plans", jurisdiction=jurisdiction.slug).json()["results"]
        line = progress[jurisdiction.name]
        assert row["actions"] == line["actions_counted"]
        for name in ("completed", "on_track", "needs_attention", "not_started", "no_status", "left_out"):
            assert row[name] == line[name]
    shown = {row["code"]: row for row in api("actions", jurisdiction="riverton").json()["results"]}
    for action in client_for(riverton).get("/data/actions.json").json()["actions"]:
        row = shown.pop(action["code"])
        assert (row["title"], row["status"], row["due_date"], row["accountable"], row["url"]) == (
            action["action"], action["status"], action["promised_by"], action["who_answers"], action["address"],
        )  # fmt: skip
    assert shown == {}
