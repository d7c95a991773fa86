"""Page, CSV and API print the same fact alike: pages as text, files and the API as code, ISO date or plain number.

The expected texts are written out: a formatter that changes on all pages at once is noticed too.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from html import unescape
from typing import NamedTuple

import pytest

from tenants.plans.models import Action, Outcome, Plan
from tenants.signals import plan_published
from tests.dashboard.sample import write_plan
from tests.plan_factories import ActionFactory

pytestmark = pytest.mark.usefixtures("in_april")


class Facts(NamedTuple):
    """One action: first as pages have it, then as files and the API have it."""

    heading: str
    status: str
    due: str
    owner: str
    status_code: str
    due_date: str
    precision: str
    accountable: str
    report: str = ""  # where the standing is not what was reported


ACTIONS = {
    "t1": Facts("1.1 End overdue fines", "Completed", "2027", "Library", "completed", "2027-12-31", "year", "Library"),
    "t2": Facts("1.2 Unblock every card", "On track", "June 30, 2027", "Library", "on_track", "2027-06-30", "day", "Library"),
    "t3": Facts("1.3 Café hours", "No status yet", "September 2027", "Library", "", "2027-09-30", "month", "Library"),
    "t4": Facts("1.4 An old idea", "Cancelled", "2027 Q3", "Library", "cancelled", "2027-09-30", "quarter", "Library"),
    "t5": Facts(
        "2.1 Eviction help at the courthouse", "Delayed", "March 2028",
        "Housing Services (vacant since March 1, 2027)",
        "off_track", "2028-03-31", "month", "Housing Services",
    ),
    "t6": Facts(
        "2.2 Rent fund", "Overdue", "December 31, 2026", "Housing Services",
        "at_risk", "2026-12-31", "day", "Housing Services", "At risk",
    ),
    "t7": Facts(
        "2.3 Repair loans", "On hold", "Ongoing (no end date)", "Housing Services",
        "on_hold", "", "", "Housing Services",
    ),
    "t8": Facts("2.4 Tract data", "Not started", "No due date", "Not assigned", "not_started", "", "", ""),
}  # fmt: skip
DUE = {
    "t1": (dt.date(2027, 12, 31), "year"),
    "t2": (dt.date(2027, 6, 30), "day"),
    "t3": (dt.date(2027, 9, 30), "month"),
    "t4": (dt.date(2027, 9, 30), "quarter"),
    "t5": (dt.date(2028, 3, 31), "month"),
    "t8": (None, ""),
}


def text_of(html):
    """The text of HTML, its spaces joined; formatting inside a line leaves no space."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?mark>|</b>", "", html))).split())


def cells(response, row):
    """The texts of the table row whose HTML has `row`."""
    html = next(part for part in response.text.split("<tr")[1:] if row in part).partition("</tr>")[0]
    return [text_of(part.partition(">")[2]) for part in re.split(r"<t[hd](?=[ >])", html)[1:]]


def result_texts(response, heading):
    """The heading, and the texts of the paragraphs and facts, of the one search result with this heading."""
    results = [part.partition("</dl>")[0] for part in response.text.split('<li class="result">')[1:]]
    [html] = [html for html in results if text_of(re.findall(r"<h3>.*?</h3>", html, re.DOTALL)[0]) == heading]
    return [text_of(part) for part in re.findall(r"<(?:p|div)(?=[ >]).*?</(?:p|div)>", html, re.DOTALL)]


def csv_rows(response):
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


@pytest.fixture
def city(riverton, in_city, publish):
    """Riverton: an open site and the public plan of tests.dashboard.sample; one label is the city's own."""
    for name, value in {"entry_stage": "implementing", "population_band": "250k_500k"}.items():
        setattr(riverton, name, value)
    riverton.save()
    publish(riverton)
    with in_city(riverton):
        Plan.objects.all().delete()
        plan = write_plan(riverton, visibility="public", adopted_on=dt.date(2025, 1, 14))
        Plan.objects.filter(pk=plan.pk).update(status_labels={"off_track": "Delayed"})
        for code, (day, precision) in DUE.items():
            Action.objects.filter(code=code).update(due_date=day, due_precision=precision)
        Action.objects.filter(code="t2").update(title="Unblock every card.")
        plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
    return riverton


@pytest.fixture
def large_city(city, in_city):
    """Riverton with 1,240 actions that count, 1,234 of them done."""
    with in_city(city):
        outcome = Outcome.objects.get(label="A")
        done = {"status": "completed", "outcome": outcome, "accountable": None, "last_update_on": None}
        Action.objects.bulk_create(ActionFactory.build_batch(1233, **done))
        plan_published.send(Plan, jurisdiction=city, plan_id=outcome.goal.plan_id)
    return city


def test_each_action_on_the_pages_of_its_city(city, client_for):
    page = client_for(city)
    listed, plan = page.get("/"), page.get("/plan/")
    for code, facts in ACTIONS.items():
        status = f"{facts.status} Report: {facts.report.lower()}" if facts.report else facts.status
        expected = [facts.heading, status, facts.due, facts.owner]
        assert cells(plan, f"/plan/actions/{code}/") == expected
        row = cells(listed, f'<th scope="row"><a href="/plan/actions/{code}/')[:4]
        assert [text.partition(" 98 days overdue")[0] for text in row] == expected
        assert ("days overdue" in row[2]) == (status.startswith("Overdue"))
        detail = text_of(page.get(f"/plan/actions/{code}/").text)
        for text in (facts.heading, status, facts.due):
            assert text in detail


def test_each_action_in_files_and_the_api(city, alliance, client_for):
    page, site = client_for(city), client_for(alliance)
    exported = {row["code"]: row for row in csv_rows(page.get("/data/actions.csv"))}
    listed = {row["code"]: row for row in page.get("/data/actions.json").json()["actions"]}
    tree = {
        row["code"]: row
        for goal in page.get("/data/plan.json").json()["goals"]
        for outcome in goal["outcomes"]
        for row in outcome["actions"]
    }
    api = {row["code"]: row for row in site.get("/api/v1/actions").json()["results"]}
    assert exported.keys() == listed.keys() == tree.keys() == api.keys() == ACTIONS.keys()
    for code, facts in ACTIONS.items():
        expected = (facts.status_code, facts.due_date, facts.precision, facts.accountable)
        standing = "overdue" if facts.report else facts.status_code or "none"
        for row in (exported[code], listed[code], tree[code]):
            columns = ("status", "promised_by", "promised_by_precision", "who_answers")
            assert tuple(row[column] or "" for column in columns) == expected
            assert row["status_words"] == (facts.report or facts.status)
            assert row["standing"] == standing
            assert str(row["goes_on"]) == str(code == "t7")
        assert api[code]["standing"] == standing
        columns = ("status", "due_date", "due_precision", "accountable")
        assert tuple(api[code][column] or "" for column in columns) == expected
        assert api[code]["is_continuous"] == (code == "t7")
    headings = {(row["goal"], row["outcome"]) for row in exported.values()}
    assert headings == {
        ("Goal 1: Fair fines", "A: Nobody loses a card over a debt"),
        ("Goal 2: Housing stability", "B: Fewer families have to move"),
    }


def test_each_action_in_search(city, alliance, client_for):
    site = client_for(alliance)
    cafe = result_texts(site.get("/search/?q=cafe+hours"), "1.3 Café hours")
    assert "No status yet Due September 2027" in cafe
    assert "Responsible Library" in cafe
    cards = result_texts(site.get("/search/?q=unblock+card"), "1.2 Unblock every card")
    assert "On track Due June 30, 2027" in cards
    assert result_texts(site.get("/search/?q=debt&kind=outcome"), "A: Nobody loses a card over a debt")
    assert "Unblock every card." not in site.get("/search/suggest/?q=unblock").text


def test_a_status_has_the_citys_label_on_its_host_and_the_standard_one_at_the_alliance(
    city, alliance, client_for
):
    page, site = client_for(city), client_for(alliance)
    for address in ("/", "/plan/", "/plan/actions/t5/", "/data/actions.json", "/data/actions.csv"):
        text = page.get(address).content.decode()
        assert "Delayed" in text, address
        assert "Off track" not in text, address

    search = "/search/?q=eviction+courthouse"
    assert "Off track Due March 2028" in result_texts(site.get(search), "2.1 Eviction help at the courthouse")
    addresses = (search, "/search/?q=eviction&status=off_track", "/api/v1/search?q=eviction")
    for address in addresses:
        assert "Off track" in site.get(address).text, address
    several = (
        "/",
        "/progress/",
        "/progress/plans.json",
        "/jurisdictions/",
        "/api/v1/actions",
        "/api/v1/plans",
    )
    for address in (*addresses, *several):
        assert "delayed" not in site.get(address).content.decode().lower(), address
    [action] = [row for row in site.get("/api/v1/actions").json()["results"] if row["code"] == "t5"]
    assert action["status"] == "off_track"


def test_a_plan_with_more_than_a_thousand_actions_on_pages(large_city, alliance, client_for):
    page, site = client_for(large_city), client_for(alliance)
    text = text_of(page.get("/").text)
    assert "1,240 actions at a glance" in text
    assert "1,234 done" in text
    assert cells(page.get("/data/"), ">All actions</th>")[:3] == ["All actions", "1,240", "1,234"]
    in_progress = [
        "City of Riverton",
        "Minnesota",
        "Implementing, year 3",
        "1,234 of 1,240 1,234 1,234 completed, 1 on track, 1 off track, 1 overdue, 1 on hold, 1 not started, 1 no status yet",
        "3",
        "April 1, 2027",
    ]
    for address in ("/", "/progress/"):
        assert cells(site.get(address), ">City of Riverton</a></th>")[:6] == in_progress
    result = result_texts(site.get("/search/?q=racial+equity+plan&kind=plan"), "Racial equity plan")
    assert "Completed 1,234 of 1,240 actions" in result
    assert "Years 2025–2029" in result


def test_a_plan_with_more_than_a_thousand_actions_in_files_and_the_api(large_city, alliance, client_for):
    page, site = client_for(large_city), client_for(alliance)
    numbers = page.get("/data/plan.json").json()["numbers"]
    [plan] = site.get("/progress/plans.json").json()["plans"]
    [row] = site.get("/api/v1/plans").json()["results"]
    for name, number in {"completed": 1234, "on_track": 1, "no_status": 1}.items():
        assert (numbers[name], plan[name], row[name]) == (number, number, number)
    assert (numbers["actions_counted"], plan["actions_counted"], row["actions"]) == (1240, 1240, 1240)
    [exported] = csv_rows(site.get("/progress/plans.csv"))
    counted = csv_rows(page.get("/data/numbers.csv"))[0]
    for line in (counted, exported):
        assert (line["actions_counted"], line["completed"], line["no_status"]) == ("1240", "1234", "1")
        assert line["counted_on"] == "2027-04-08"
    assert (exported["last_update"], plan["last_update"], row["last_update_on"]) == ("2027-04-01",) * 3


def test_a_jurisdiction(city, alliance, client_for):
    site = client_for(alliance)
    exported = next(
        row for row in csv_rows(site.get("/jurisdictions/list.csv")) if row["jurisdiction"] == city.name
    )
    row = site.get("/api/v1/jurisdictions/riverton").json()
    assert (row["size"], row["kind"], row["stage"], row["state"]) == (
        "250k_500k",
        "city",
        "implementing",
        "MN",
    )
    assert (exported["people"], exported["kind"], exported["state"], exported["stage"]) == (
        "250,000 to 499,999",
        "City",
        "MN",
        "Implementing, year 3",
    )
    text = text_of(site.get("/jurisdictions/").text)
    assert "City, 250,000 to 499,999 people, Minnesota" in text
    assert "Implementing, year 3" in text
