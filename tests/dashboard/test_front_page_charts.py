"""The charts of the front page: the lists and tables behind them, printing, sharing, and what the page costs."""

from __future__ import annotations

import datetime as dt
import gzip
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import tenant_context

from tenants.plans.models import Action, PlanLogEntry
from tests.dashboard.responses import action_codes, visible_text
from tests.plan_factories import ActionFactory, DepartmentFactory, GoalFactory, NoteFactory, OutcomeFactory


@pytest.fixture
def text(anonymous_client):
    """text(query="") is the front page as a reader sees it."""
    return lambda query="": visible_text(anonymous_client.get(f"/{query}"))


def test_each_part_of_the_status_bar_leads_to_as_many_actions_as_it_says(public_plan, anonymous_client):
    html = anonymous_client.get("/").text
    bar = html.split('<ul class="sbar')[1].split("</ul>")[0]
    parts = re.findall(r'<li class="u-(\d+) is-(\w+)[^"]*"><a href="([^"]+)"\s*><b>(\d+)</b>', bar)
    assert [state for _units, state, _url, _count in parts] == [
        "completed", "on_track", "off_track", "overdue", "on_hold", "not_started", "none",
    ]  # fmt: skip
    for units, state, url, count in parts:
        assert units == count
        assert len(action_codes(anonymous_client.get(url.split("#")[0]))) == int(count), state
    assert sum(int(part[3]) for part in parts) == 7


def test_the_part_of_the_list_that_is_shown_is_marked(public_plan, anonymous_client):
    html = anonymous_client.get("/?status=overdue").text
    assert len(re.findall(r'aria-current="true"', html)) == 1
    assert re.search(r'is-overdue[^"]*"><a href="[^"]+"\s+aria-current="true"', html)


def test_each_quarter_of_the_strip_leads_to_the_open_actions_due_in_it(public_plan, anonymous_client, text):
    page, html = text(), anonymous_client.get("/").text
    strip = html.split('<ol class="strip"')[1].split("</ol>")[0]
    assert "2026 Q4 1 overdue" in page
    assert "2027 Q1 none due" in page
    assert "Today, April 8, 2027" in page
    assert "Ongoing 1" in page
    assert strip.index("2026 Q4") < strip.index('class="now"') < strip.index("2027 Q2")
    cells = re.findall(r'<a href="([^"]+)">([^<]+)</a> <small>(\d+)', strip)
    assert [label for _url, label, _count in cells] == ["2026 Q4", "2027 Q2", "Ongoing"]
    for url, label, count in cells:
        shown = action_codes(anonymous_client.get(url.replace("&amp;", "&").split("#")[0]))
        assert len(shown) == int(count), label
    assert "Four actions are due by June 30, 2027" in page
    assert "Overdue: 2.2 Rent fund (Housing Services)." in page


def test_a_longer_gap_of_the_strip_is_one_cell(launched_city, public_plan, text, in_city):
    with in_city(launched_city):
        Action.objects.filter(code="t8").update(due_date=dt.date(2028, 4, 30), start_date=None)
    assert "2027 Q3–2028 Q1 none due 2028 Q2 1 due" in text()
    with in_city(launched_city):
        Action.objects.filter(code="t5").update(due_date=dt.date(2027, 9, 30))
        Action.objects.filter(code="t8").update(due_date=dt.date(2028, 10, 30))
    assert "2027 Q4–2028 Q3 none due" in text()
    with in_city(launched_city):
        Action.objects.filter(code="t8").update(due_date=dt.date(2070, 10, 30))
    assert "2026 1 overdue" in text()
    assert "2028–2069 none due 2070 1 due" in text()


@pytest.mark.parametrize(
    ("due", "codes"),
    [
        ("2026-Q4", ["t6"]),
        ("2026", ["t6"]),
        ("2027-Q2", ["t1", "t2", "t3", "t4", "t5", "t8"]),
        ("ongoing", ["t7"]),
        ("none", []),
        ("2027-Q5", []),
        ("soon", []),
        ("9999-Q4", []),
    ],
)
def test_the_list_is_filtered_by_due_date(public_plan, anonymous_client, due, codes):
    assert action_codes(anonymous_client.get(f"/?due={due}")) == codes


def test_completed_over_time_has_the_numbers_of_its_table(
    launched_city, public_plan, anonymous_client, text, in_city
):
    with in_city(launched_city):
        Action.objects.filter(code="t1").update(
            status_since=dt.date(2026, 11, 5), due_date=dt.date(2026, 12, 31)
        )
    page, html = text(), anonymous_client.get("/").text
    assert "1 of the 2 actions due by now are done" in page
    assert "Counted from adoption on January 14, 2025." in page
    table = html.split("Completed and due actions over time")[1].split("</table>")[0]
    rows = re.findall(
        r'<th scope="row">([^<]+)</th>\s*<td class="num">(\d+)</td>\s*<td class="num">(\d+)</td>', table
    )
    assert rows[0] == ("2025 Q1", "0", "0")
    assert rows[-3:] == [("2026 Q4", "1", "2"), ("2027 Q1", "1", "2"), ("2027 Q2", "1", "2")]
    assert "Completed actions rose to 1 from 2025 Q1 to 2027 Q2. By then 2 were due." in html
    assert (
        "The one that was due and is not done 2.2 Rent fund Overdue due December 31, 2026, 98 days ago"
        in page
    )


def test_moving_a_due_date_hides_nothing(launched_city, public_plan, text, in_city):
    with in_city(launched_city):
        moved = Action.objects.get(code="t2")
        PlanLogEntry.objects.create(
            at=dt.datetime(2026, 9, 1, 12, tzinfo=dt.UTC), verb="edited", object_type="action",
            object_uuid=moved.uuid, fields={"due_date": ["2026-09-30", "2027-06-30"]}, reason="Late vendor",
        )  # fmt: skip
    page = text()
    assert "0 of the 2 actions due by now are done" in page
    assert "1.2 Unblock every card On track moved to June 2027" in page


def test_a_completion_is_dated_by_the_reports_where_the_status_is_not(
    launched_city, public_plan, text, in_city
):
    with in_city(launched_city):
        action = Action.objects.get(code="t1")
        for day, status in [
            ("2026-01-10", "completed"),
            ("2026-03-10", "at_risk"),
            ("2026-08-10", "completed"),
        ]:
            NoteFactory(action=action, noted_on=dt.date.fromisoformat(day), status=status)
    page = text()
    assert "Completed on August 10, 2026" in page
    assert "has no date" not in page
    assert "no completion date" not in page


def test_what_changed_has_a_word_for_each_mark(public_plan, launched_city, anonymous_client, in_city):
    with in_city(launched_city):
        NoteFactory(
            action=Action.objects.get(code="t7"),
            noted_on=dt.date(2027, 4, 2),
            status="on_hold",
            text="No money.",
        )
        Action.objects.filter(code="t2").update(due_date=dt.date(2027, 4, 4))
    html = anonymous_client.get("/").text
    entries = html.split('<ol class="timeline">')[1].split("</ol>")[0].split("<li ")[1:]
    assert len(entries) == 3
    assert all('<span class="tag' in entry for entry in entries if "is-off" in entry)
    assert "passed its due date" in entries[0]


def test_all_actions_fit_on_one_page_for_printing(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        outcome = Action.objects.get(code="t2").outcome
        for _n in range(25):
            ActionFactory(outcome=outcome)
    page = anonymous_client.get("/")
    assert len(action_codes(page)) == 25
    assert "Show all 33 on one page, for printing" in page.text
    assert len(action_codes(anonymous_client.get("/?page=all"))) == 33


def test_a_shared_link_says_how_the_plan_is_going(public_plan, launched_city, anonymous_client):
    html = anonymous_client.get("/").text
    title = "1 of 7 actions done, 3 need attention: racial equity plan of Riverton"
    assert f'<meta property="og:title" content="{title}">' in html
    assert f'<meta property="og:url" content="{launched_city.build_url("front")}">' in html
    assert "og:image" not in html


def test_links_of_the_page_lead_to_its_sections(public_plan, anonymous_client):
    html = anonymous_client.get("/").text
    contents = html.split('class="contents"')[1].split("</nav>")[0]
    anchors = re.findall(r'href="#(\w+)"', contents)
    assert anchors == ["numbers", "behind", "done", "time", "due", "groups", "actions", "changed"]
    assert all(f'id="{anchor}"' in html for anchor in anchors)


# ---- Size ------------------------------------------------------------------------------------------------
def test_five_hundred_actions_cost_no_more_queries_than_eight(
    launched_city, public_plan, client_for, make_user, in_city
):
    client = client_for(launched_city, make_user(launched_city, "coordinator"))
    client.get("/?preview=1")
    with CaptureQueriesContext(connection) as few:
        client.get("/?preview=1")
    with in_city(launched_city):
        department = DepartmentFactory()
        for goal in range(5):
            outcome = OutcomeFactory(goal=GoalFactory(plan=public_plan, position=goal + 5))
            for n in range(100):
                status = ["completed", "on_track", "at_risk", "off_track", None][n % 5]
                due = dt.date(2025 + n % 5, 1 + n % 12, 28)
                action = ActionFactory(
                    outcome=outcome, accountable=department, status=status, due_date=due, start_date=None
                )
                if n % 10 == 3:
                    NoteFactory(action=action, noted_on=None, label="Q3")
    with CaptureQueriesContext(connection) as many:
        response = client.get("/?preview=1")
    assert len(many) == len(few)
    assert len(gzip.compress(response.content)) < 40_000
    strip = response.text.split('<ol class="strip"')[1].split("</ol>")[0]
    assert strip.count('<li class="is-') < 120  # one mark for each standing, not for each action


def test_the_page_of_500_actions_needs_at_most_twelve_queries(
    launched_city, public_plan, in_city, client_for
):
    with in_city(launched_city):
        outcome = Action.objects.get(code="t2").outcome
        department = DepartmentFactory()
        for n in range(492):
            ActionFactory(
                outcome=outcome,
                accountable=department,
                status=["completed", "off_track"][n % 2],
                start_date=None,
            )
    client = client_for(launched_city)
    client.get("/data/")  # hosts and content types are cached in the process
    with tenant_context(launched_city), CaptureQueriesContext(connection) as queries:
        response = client.get("/?q=")
    assert response.status_code == 200
    assert len(queries) <= 12, "\n".join(query["sql"][:120] for query in queries)
