"""Lists: pages, filters, what changed, 304, CSV and the number of queries."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cohort.models import PublicAction
from resources.models import LibraryItem
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Topic
from tenants.plans import services as plan_services
from tenants.plans.models import Action
from tests.resources.factories import LibraryItemFactory

EVERY_LIST = ["jurisdictions", "plans", "goals", "outcomes", "actions", "library", "topics"]


def walk(api, path, *, way="next", **parameters):
    """The keys of all pages, following the links."""
    page, found = api(path, **parameters), []
    while True:
        found.append([row["id"] for row in page.json()["results"]])
        address = page.json()[way]
        if not address:
            return found
        page = page.client.get(address)


def test_following_next_tells_every_row_once(riverton, ashford, publish, api):
    publish(riverton, ["on_track"] * 5)
    publish(ashford, ["completed"] * 2)
    pages = walk(api, "actions", page_size=3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(id for page in pages for id in page) == sorted(
        map(str, PublicAction.objects.values_list("uuid", flat=True))
    )


def test_previous_leads_back_over_the_same_pages(riverton, publish, api):
    publish(riverton, ["on_track"] * 7)
    forth = walk(api, "actions", page_size=3)
    last = api("actions", page_size=3, cursor=f"after:{forth[1][-1]}")
    assert [row["id"] for row in last.json()["results"]] == forth[2]
    back = last.client.get(last.json()["previous"]).json()
    assert [row["id"] for row in back["results"]] == forth[1]
    first = last.client.get(back["previous"]).json()
    assert [row["id"] for row in first["results"]] == forth[0]
    assert first["previous"] is None
    assert first["next"]


def test_a_row_that_comes_or_goes_between_two_pages_moves_no_other(riverton, publish, api):
    publish(riverton, ["on_track"] * 6)
    first = api("actions", page_size=3).json()
    PublicAction.objects.filter(uuid=first["results"][0]["id"]).delete()
    second = api("actions").client.get(first["next"]).json()
    left = set(map(str, PublicAction.objects.values_list("uuid", flat=True)))
    assert {row["id"] for row in first["results"][1:] + second["results"]} == left


def test_the_link_header_says_what_the_body_says(riverton, publish, api):
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


def test_the_library_is_narrowed_by_the_words_of_its_facets(library, api):
    everything = api("library", page_size=100).json()["results"]
    assert len(everything) == LibraryItem.objects.count()
    for name, field in {"type": "type", "evidence": "evidence", "license": "license", "size": "size"}.items():
        value = next(row[field] for row in everything if row[field])
        found = api("library", page_size=100, **{name: value}).json()["results"]
        assert [row["key"] for row in found] == [row["key"] for row in everything if row[field] == value]
    topic = everything[0]["topics"][0]
    found = api("library", page_size=100, topic=topic).json()["results"]
    assert [row["key"] for row in found] == [row["key"] for row in everything if topic in row["topics"]]


def test_updated_since_tells_what_changed_and_no_more(riverton, publish, api, in_city):
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
    found = api("actions", updated_since=before.isoformat()).json()["results"]
    assert [row["last_update_text"] for row in found] == ["Done."]
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
    ],
)
def test_every_moment_of_rfc_3339_is_read(text, moment):
    from tenants.api.parameters import read_moment

    assert read_moment(text).isoformat() == moment


def test_a_known_answer_is_304_until_something_changes(riverton, publish, api, in_city):
    publish(riverton, ["on_track"] * 3)
    for path in ("actions", "plans", "actions?format=csv"):
        path, _question, form = path.partition("?format=")
        asked = {"format": form} if form else {}
        first = api(path, **asked)
        again = api(path, headers={"If-None-Match": first["ETag"]}, **asked)
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
def test_tags_are_compared_as_http_says(riverton, publish, api, header):
    publish(riverton, ["on_track"])
    tag = api("actions")["ETag"]
    assert tag.startswith('"')
    assert api("actions", headers={"If-None-Match": header.format(tag)}).status_code == 304
    assert api("actions", headers={"If-None-Match": '"other"'}).status_code == 200
    assert api("actions", headers={"If-None-Match": tag.strip('"')}).status_code == 200


def test_no_two_answers_share_a_tag(riverton, ashford, publish, api, make_user):
    publish(riverton, ["on_track"] * 2)
    publish(ashford, ["on_track"], visibility="cohort")
    answers = [
        api("actions"),
        api("actions", format="csv"),
        api("actions", page_size=1),
        api("actions", status="on_track"),
        api("actions", user=make_user(ashford, "viewer")),
        api("outcomes"),
    ]
    assert len({answer["ETag"] for answer in answers}) == len(answers)
    assert answers[4]["Cache-Control"] == "private, no-cache"
    assert all("Cookie" in answer["Vary"] and "Accept" in answer["Vary"] for answer in answers)


def test_what_a_row_says_of_others_is_in_its_tag(api):
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
    (asked,) = [query["sql"] for query in queries if "cohort_publicaction" in query["sql"]]
    assert asked.startswith('SELECT "uuid", mark FROM')


def test_csv_has_the_same_rows_and_runs_no_formula(riverton, publish, api):
    publish(riverton, ["on_track", None], word="=1+1")
    for answer in (api("actions", headers={"Accept": "text/csv"}), api("actions", format="csv")):
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"] == 'attachment; filename="actions.csv"'
        assert answer.content.startswith(b"\xef\xbb\xbf")
        lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        told = api("actions").json()["results"]
        assert [line["id"] for line in lines] == [row["id"] for row in told]
        assert list(lines[0]) == list(told[0])
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


def test_lists_ask_as_often_for_thirty_two_rows_as_for_two(riverton, publish, api):
    def fill(number):
        LibraryItem.objects.all().delete()
        Topic.objects.all().delete()
        LibraryItemFactory.create_batch(number)
        Topic.objects.bulk_create(Topic(slug=f"topic-{n}", label=f"Topic {n}") for n in range(number))
        for n in range(number):
            Jurisdiction.objects.update_or_create(
                slug=f"place-{n}", defaults={"schema_name": f"c_place_{n}", "name": f"Place {n}"}
            )
        publish(riverton, ["on_track"] * number)

    def queries(path, form, number):
        api(path, format=form)
        with CaptureQueriesContext(connection) as asked:
            answer = api(path, page_size=100, format=form)
        if path not in ("jurisdictions", "plans", "goals", "outcomes"):
            rows = len(answer.json()["results"]) if form == "json" else answer.content.count(b"\r\n") - 1
            assert rows == number, path
        return [query["sql"] for query in asked]

    asked = {}
    for number in (2, 8, 32):
        fill(number)
        for path, form in [*((path, "json") for path in EVERY_LIST), ("actions", "csv"), ("library", "csv")]:
            asked.setdefault((path, form), []).append(queries(path, form, number))
    for of, (two, eight, many) in asked.items():
        assert len(two) == len(eight) == len(many) <= 4, f"{of}: {json.dumps(many, indent=1)}"


def test_plans_and_actions_say_what_the_pages_files_say(
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
