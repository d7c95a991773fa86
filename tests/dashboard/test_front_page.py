"""The front page: one for each stage of a plan, and true about what nobody knows."""

from __future__ import annotations

import datetime as dt

import pytest

from tenants.dashboard.statistics import load_statistics
from tenants.models import Jurisdiction
from tenants.plans.models import Action, ProgressNote
from tests.dashboard.responses import action_codes, visible_text
from tests.plan_factories import NoteFactory


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
    assert "4 proposed actions , for example: 1.1 End overdue fines 1.2 Unblock every card See all 4" in page
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
    assert "March 2027: done in time" in page


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


@pytest.mark.parametrize(
    ("stage", "entry"), [("onboarding", "Overview"), ("planning", "Overview"), ("implementing", "Progress")]
)
def test_the_menu_speaks_of_progress_from_the_adoption_on(launched_city, public_plan, text, stage, entry):
    Jurisdiction.objects.filter(pk=launched_city.pk).update(entry_stage=stage)
    for query in ("", "plan/", "data/", "contact/"):
        assert f"{entry} Plan Data Our story Contact" in text(query)


def test_the_address_of_the_page_can_be_copied(public_plan, anonymous_client):
    share = anonymous_client.get("/").text.partition('id="share"')[2]
    assert "data-copy" in share
    assert 'data-copied="Copied">Copy</button>' in share


# ---- What is unknown is not absent -----------------------------------------------------------------------
@pytest.mark.usefixtures("_without_progress")
def test_a_goal_is_furthest_behind_only_beside_another_that_is_known(
    launched_city, public_plan, text, in_city
):
    with in_city(launched_city):
        Action.objects.filter(code="t5").update(status="off_track")
        assert load_statistics(public_plan).goal_needing_most_attention() is None
    assert "furthest behind" not in text()
    assert "1 needs attention" in text()
    with in_city(launched_city):
        Action.objects.filter(code="t1").update(status="on_track")
        assert load_statistics(public_plan).goal_needing_most_attention() is not None
    assert "“Housing stability” is the goal furthest behind." in text()


def test_reports_of_a_draft_without_any_full_date_are_not_counted_twice(
    launched_city, make_plan, text, in_city
):
    make_plan(launched_city, lifecycle="draft", adopted_on=None)
    with in_city(launched_city):
        Action.objects.update(status=None, last_update_on=None, status_since=None)
        ProgressNote.objects.all().delete()
        for code in ("t2", "t3"):
            NoteFactory(action=Action.objects.get(code=code), noted_on=None, status="", label="Q3")
    assert "there are reports on 2 of the 8 actions. None of them has a full date" in text()


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
    assert "Completed (date not given)" in page


def test_a_completed_action_is_dated_by_its_last_report_and_it_is_said(
    launched_city, public_plan, text, in_city
):
    with in_city(launched_city):
        Action.objects.filter(code="t1").update(last_update_on=dt.date(2027, 2, 1))
    page = text()
    assert "Closed, last report February 1, 2027" in page
    assert "Closed, last report February 1, 2027" in text("plan/actions/t1/")
    assert "1 completed action has no completion date; we use the date of its last report." in page
    assert "Completed (date not given)" in page


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
