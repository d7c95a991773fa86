"""The front page: one for each stage of a plan, true about what nobody knows, with a table beside each chart."""

from __future__ import annotations

import datetime as dt
import gzip
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import tenant_context

from tenants.dashboard.statistics import load_statistics
from tenants.models import Jurisdiction
from tenants.plans.models import Action, PlanLogEntry, ProgressNote
from tests.dashboard.responses import action_codes, visible_text
from tests.plan_factories import ActionFactory, DepartmentFactory, GoalFactory, NoteFactory, OutcomeFactory


@pytest.fixture
def text(anonymous_client):
    """text(query="") is the front page as a reader sees it."""
    return lambda query="": visible_text(anonymous_client.get(f"/{query}"))


@pytest.fixture
def _without_progress(launched_city, public_plan, in_city):
    with in_city(launched_city):
        Action.objects.update(status=None, last_update_on=None, status_since=None)
        ProgressNote.objects.all().delete()


def set_kind(jurisdiction: Jurisdiction, kind: str) -> None:
    Jurisdiction.objects.filter(pk=jurisdiction.pk).update(kind=kind)


# ---- Stages ----------------------------------------------------------------------------------------------
def test_a_draft_is_presented_as_a_draft(launched_city, make_plan, anonymous_client, text):
    make_plan(launched_city, lifecycle="draft", adopted_on=None, summary="Read this.")
    response, page = anonymous_client.get("/"), text()
    assert "Draft. The city has not adopted this plan." in page
    assert "Our draft plan: read it and tell us what to change" in page
    assert "Two goals, two outcomes, eight proposed actions. Nothing is decided yet." in page
    assert "What we propose" in page
    assert "1 outcome, 4 proposed actions Goal 1: Fair fines" in page
    assert "4 proposed actions , for example: 1.1 End overdue fines; 1.2 Unblock every card." in page
    assert "Every proposed action" in page
    for accusing in (
        "How our racial equity plan is going",
        "has not reported",
        "No status yet",
        "No update yet",
    ):
        assert accusing not in page
    assert '<select class="usa-select" id="f-status"' not in response.text
    assert "Contact the city" in page
    assert "At risk" not in page


def test_a_draft_counts_its_actions_by_the_year_they_would_be_done(
    launched_city, make_plan, anonymous_client, text
):
    make_plan(launched_city, lifecycle="draft", adopted_on=None)
    page = text()
    assert "8 proposed actions, by the year they would be done 2026 1 2027 6 Ongoing 1" in page
    assert action_codes(anonymous_client.get("/?due=2026")) == ["t6"]
    assert action_codes(anonymous_client.get("/?due=ongoing")) == ["t7"]


@pytest.mark.usefixtures("_without_progress")
def test_a_promise_without_a_report_accuses_nobody(anonymous_client, text):
    page = text()
    assert "What we promised on racial equity" in page
    assert (
        "In January 2025 the City Council adopted two goals and eight actions. No progress is reported yet."
        in page
    )
    assert "No report yet. When departments report on actions, this page shows how they are going." in page
    assert "8 actions, by the year they are due" in page
    for accusing in ("has not reported", "No status yet", "No update yet", "overdue", "Draft"):
        assert accusing not in page.replace("End overdue fines", "")
    assert len(action_codes(anonymous_client.get("/"))) == 8


def test_a_running_plan_shows_bad_and_good_news_in_the_same_rows(launched_city, public_plan, text, in_city):
    with in_city(launched_city):
        action = Action.objects.get(code="t1")
        Action.objects.filter(code="t1").update(
            status_since=dt.date(2027, 3, 15), due_date=dt.date(2027, 3, 31)
        )
        NoteFactory(action=action, noted_on=dt.date(2027, 3, 15), status="completed", text="Fines ended.")
    page = text()
    assert "Where we are behind Eviction help at the courthouse Both attorneys left." in page
    assert "What got done End overdue fines Fines ended." in page
    assert "Completed on March 15, 2027" in page
    assert "March 2027: done by then" in page


def test_without_delayed_actions_there_is_no_section_of_them(launched_city, public_plan, text, in_city):
    with in_city(launched_city):
        Action.objects.filter(code__in=["t5", "t6", "t7"]).update(
            status="on_track", due_date=dt.date(2028, 1, 1)
        )
    page = text()
    assert "Where we are behind" not in page
    assert "What got done" in page
    assert "need attention" not in page


def test_a_completed_plan_looks_back(launched_city, make_plan, text):
    make_plan(launched_city, lifecycle="completed")
    assert "How our racial equity plan went" in text()
    assert "How our racial equity plan is going" not in text()


# ---- What is unknown is not absent -----------------------------------------------------------------------
@pytest.mark.usefixtures("_without_progress")
def test_a_report_without_a_date_is_a_report(launched_city, public_plan, anonymous_client, text, in_city):
    with in_city(launched_city):
        action = Action.objects.get(code="t2")
        for position, label in enumerate(["Q1", "Q3"]):
            NoteFactory(
                action=action, noted_on=None, status="", label=label, position=position, text="Half are open."
            )
    page = text()
    assert "One action has a report, and none has a status yet." in page
    assert "has not reported" not in page
    assert "1 of 8 have an undated report" in page
    assert "7 of 8 have no update yet" in page
    assert "1 open action has a report without a date; it is not in this list." in page
    row = anonymous_client.get("/?department=&q=Unblock").text.split("<tbody>")[-1]
    assert "Last report: Q3 (year not given)" in row
    assert "No update yet" not in row
    assert "Last report: Q3 (year not given)" in visible_text(anonymous_client.get("/plan/actions/t2/"))
    assert "No update yet" not in visible_text(anonymous_client.get("/plan/actions/t2/"))


def test_a_dated_report_is_newer_than_an_undated_one(launched_city, public_plan, in_city):
    with in_city(launched_city):
        NoteFactory(action=Action.objects.get(code="t2"), noted_on=None, label="Q3")
        NoteFactory(action=Action.objects.get(code="t7"), noted_on=None, label="")
        rows = {row["code"]: row for row in load_statistics(public_plan).rows}
    assert rows["t2"]["fresh"] == "fresh"
    assert rows["t7"]["fresh"] == "undated"
    assert rows["t8"]["fresh"] == "none"
    assert (rows["t7"]["has_report"], rows["t8"]["has_report"]) == (True, False)


def test_a_completed_action_without_a_date_is_counted_and_said(public_plan, text):
    page = text()
    assert "1 completed action has no date, so there is no line over time yet." in page
    assert "Completed date not given" in page


def test_a_completed_action_is_dated_by_its_last_report_and_it_is_said(
    launched_city, public_plan, text, in_city
):
    with in_city(launched_city):
        Action.objects.filter(code="t1").update(last_update_on=dt.date(2027, 2, 1))
    page = text()
    assert "1 completed action has no completion date; we use the date of its last report." in page
    assert "Completed date not given" in page


def test_what_has_no_status_is_not_told_to_be_undone(launched_city, public_plan, text, in_city):
    with in_city(launched_city):
        Action.objects.filter(code="t3").update(due_date=dt.date(2027, 3, 31), start_date=None)
    page = text()
    assert "0 of the 2 actions due by now are reported as done" in page
    assert "1 of them has no status yet: whether it is done is not known." in page
    assert "The one that was due and is not done 2.2 Rent fund" in page


def test_a_past_due_date_without_a_status_is_told_apart_from_overdue(
    launched_city, public_plan, text, in_city
):
    with in_city(launched_city):
        Action.objects.filter(code="t3").update(due_date=dt.date(2027, 3, 31), start_date=None)
    page = text()
    assert "1 of 1 without a status are past their due date" in page
    assert "2027 Q1 1 passed, no status" in page
    with in_city(launched_city):
        NoteFactory(action=Action.objects.get(code="t3"), noted_on=None, status="", label="Q2")
    assert "No status yet Due date passed, no status" in text()


# ---- The county is not a city ----------------------------------------------------------------------------
@pytest.mark.parametrize("lifecycle", ["draft", "implementing"])
def test_a_county_is_called_a_county(launched_city, make_plan, anonymous_client, lifecycle):
    make_plan(launched_city, lifecycle=lifecycle, adopting_body="Board")
    set_kind(launched_city, "county")
    page = visible_text(anonymous_client.get("/"))
    assert "the county" in page.lower()
    assert "the city" not in page.lower().replace("the city council", "")


def test_a_town_without_a_public_plan_is_called_a_town(launched_city, anonymous_client):
    set_kind(launched_city, "town")
    page = visible_text(anonymous_client.get("/"))
    assert "Contact the town" in page
    assert "the city" not in page.lower()


# ---- Charts and the lists behind them --------------------------------------------------------------------
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
