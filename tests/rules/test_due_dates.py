"""From which moment on a promise is past: for actions and milestones, wherever the city is."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import transaction

from tenants.dashboard.action_detail import action_detail_context
from tenants.dashboard.statistics import get_action_rows
from tenants.models import Jurisdiction
from tenants.plans.models import Plan
from tenants.plans.standing import is_past_due
from tests.plan_factories import ActionFactory, MilestoneFactory, PlanFactory
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases

PAST_DUE = "tenants.plans.standing:is_past_due"
IS_DRAFT = "tenants.plans.models:Plan.is_draft"
LIST_ROWS = "tenants.dashboard.statistics:get_action_rows"
DETAIL = "tenants.dashboard.action_detail:action_detail_context"


# ---- Past due --------------------------------------------------------------------------------------------
def past_case(name, expected, due, on="2027-06-30", lifecycle="implementing"):
    return Case(name, {"due": due, "on": on, "lifecycle": lifecycle}, expected)


PAST = [
    past_case("due tomorrow", False, "2027-07-01"),
    past_case("due today is not overdue", False, "2027-06-30"),
    past_case("due yesterday", True, "2027-06-29"),
    past_case("without a date", False, None),
    past_case("due on February 29, on that day", False, "2028-02-29", "2028-02-29"),
    past_case("due on February 29, on March 1", True, "2028-02-29", "2028-03-01"),
    past_case("promised for 2027, on New Year's Eve", False, "2027-12-31", "2027-12-31"),
    past_case("promised for 2027, on New Year's Day", True, "2027-12-31", "2028-01-01"),
    past_case("a draft has promised nothing", False, "2027-06-29", lifecycle="draft"),
    past_case("an adopted plan", True, "2027-06-29", lifecycle="adopted"),
    past_case("a completed plan", True, "2027-06-29", lifecycle="completed"),
]


def past(due, on, lifecycle):
    return is_past_due(day(due), on=day(on), is_draft=Plan(lifecycle=lifecycle).is_draft)


@table_of(PAST)
def test_a_promise_is_past_due_from_the_day_after_its_last_day(case):
    assert past(**case.given) is case.expected


@faults_of(
    [
        Fault(PAST_DUE, "due < on", "due <= on"),
        Fault(PAST_DUE, "due < on", "due > on"),
        Fault(PAST_DUE, " and not is_draft", ""),
        Fault(IS_DRAFT, "== self.Lifecycle.DRAFT", "!= self.Lifecycle.IMPLEMENTING"),
    ]
)
def test_a_wrong_rule_of_past_due_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(past, PAST))


# ---- Actions and milestones past their day -------------------------------------------------------------------------
TODAY = dt.date(2027, 6, 30)
OPEN_PAST_DUE = [
    Case(f"{status or 'no status'}, {lifecycle}, due {due}", {"status": status, "lifecycle": lifecycle, "due": due}, late)
    for status, lifecycle, due, late in [
        (None, "implementing", "2027-06-29", True),
        ("not_started", "implementing", "2027-06-29", True),
        ("on_track", "implementing", "2027-06-29", True),
        ("at_risk", "implementing", "2027-06-29", True),
        ("off_track", "implementing", "2027-06-29", True),
        ("on_hold", "implementing", "2027-06-29", True),
        ("on_track", "implementing", "2027-06-30", False),
        ("on_track", "implementing", None, False),
        ("completed", "implementing", "2027-06-29", False),
        ("cancelled", "implementing", "2027-06-29", False),
        ("merged", "implementing", "2027-06-29", False),
        ("on_track", "draft", "2027-06-29", False),
    ]
]  # fmt: skip


@pytest.fixture
def past_due_in(riverton, in_city):
    """Whether an action is open past its due date: in the list and in the numbers of the home page, and on its own page."""

    def late(status, lifecycle, due):
        with transaction.atomic(), in_city(riverton):
            plan = PlanFactory(lifecycle=lifecycle)
            action = ActionFactory(outcome__goal__plan=plan, status=status, due_date=day(due))
            [row] = get_action_rows(plan, on=TODAY)
            page = action_detail_context(plan, action.code, on=TODAY)
            transaction.set_rollback(True)
        shown = {row["due_passed"], bool(page["due_passed_since"]), bool(page["note"])}
        return shown.pop() if len(shown) == 1 else "list and page differ"

    return late


@table_of(OPEN_PAST_DUE)
def test_an_open_action_is_past_due_after_its_promised_day(case, past_due_in):
    assert past_due_in(**case.given) is case.expected


@faults_of(
    [
        Fault("tenants.plans.models:Action.CLOSED", '"completed", ', ""),
        Fault("tenants.plans.models:Action.CLOSED", '"cancelled", ', ""),
        Fault("tenants.plans.models:Action.CLOSED", ', "merged"', ""),
        Fault("tenants.plans.models:Action.CLOSED", '"merged"', '"merged", "on_hold"'),
        Fault(PAST_DUE, "due < on", "due <= on"),
        Fault(PAST_DUE, " and not is_draft", ""),
        Fault(LIST_ROWS, 'row["is_open"] and is_past_due(', "is_past_due("),
        Fault(DETAIL, "due_passed = is_open and ", "due_passed = "),
    ]
)
def test_a_wrong_rule_of_being_open_past_due_is_noticed(fault, past_due_in):
    with planted(fault):
        assert any(wrong_cases(past_due_in, OPEN_PAST_DUE))


STEPS = [
    Case(name, {"lifecycle": lifecycle, "due": due, "done": done, "status": status}, late)
    for name, lifecycle, due, done, status, late in [
        ("due tomorrow", "implementing", "2027-07-01", None, "on_track", False),
        ("due today", "implementing", "2027-06-30", None, "on_track", False),
        ("due yesterday", "implementing", "2027-06-29", None, "on_track", True),
        ("due yesterday, no status", "implementing", "2027-06-29", None, None, True),
        ("due yesterday and done", "implementing", "2027-06-29", "2027-06-30", "on_track", False),
        (
            "due yesterday in a draft, which has promised nothing",
            "draft",
            "2027-06-29",
            None,
            "on_track",
            False,
        ),
        ("due yesterday, of a completed action", "implementing", "2027-06-29", None, "completed", False),
        ("due yesterday, of a cancelled action", "implementing", "2027-06-29", None, "cancelled", False),
    ]
]


@pytest.fixture
def late_step_in(riverton, in_city):
    def late(lifecycle, due, done, status):
        with transaction.atomic(), in_city(riverton):
            action = ActionFactory(outcome__goal__plan=PlanFactory(lifecycle=lifecycle), status=status)
            plan = action.outcome.goal.plan
            step = MilestoneFactory(action=action, title="Half of it", due_date=day(due), done_date=day(done))
            page = action_detail_context(plan, step.action.code, on=TODAY)
            transaction.set_rollback(True)
        return "no report on it yet" in page["milestones"][0]["when"]

    return late


@table_of(STEPS)
def test_a_milestone_is_late_after_its_day_unless_it_was_reported_as_done(case, late_step_in):
    assert late_step_in(**case.given) is case.expected


@faults_of(
    [
        Fault(PAST_DUE, "due < on", "due <= on"),
        Fault(PAST_DUE, " and not is_draft", ""),
        Fault("tenants.dashboard.action_detail:_milestones", 'if row["done_date"]:', "if False:"),
        Fault(
            "tenants.dashboard.action_detail:_milestones",
            'elif is_open and is_past_due(row["due_date"], on=on, is_draft=plan.is_draft):',
            "elif True:",
        ),
        Fault(
            "tenants.dashboard.action_detail:_milestones",
            "elif is_open and is_past_due(",
            "elif is_past_due(",
        ),
    ]
)
def test_a_wrong_rule_of_late_milestones_is_noticed(fault, late_step_in):
    with planted(fault):
        assert any(wrong_cases(late_step_in, STEPS))


# ---- A day ends at midnight in the city ------------------------------------------------------------------
# the city's zone, the promised day, the moment: is the promise past?
MIDNIGHTS = [
    Case(name, {"zone": zone, "due": due, "moment": moment}, late)
    for name, zone, due, moment, late in [
        # On March 8, 2026 the clocks in Chicago go forward.
        ("Chicago, last second of a short day", "America/Chicago", "2026-03-08", "2026-03-09T04:59:59Z", False),
        ("Chicago, first second after a short day", "America/Chicago", "2026-03-08", "2026-03-09T05:00:00Z", True),
        ("Chicago, last second of a long day", "America/Chicago", "2026-11-01", "2026-11-02T05:59:59Z", False),
        ("Chicago, first second after a long day", "America/Chicago", "2026-11-01", "2026-11-02T06:00:00Z", True),
        ("Chicago, midnight in UTC", "America/Chicago", "2027-06-30", "2027-07-01T00:00:00Z", False),
        ("Honolulu, last second", "Pacific/Honolulu", "2027-06-30", "2027-07-01T09:59:59Z", False),
        ("Honolulu, first second after", "Pacific/Honolulu", "2027-06-30", "2027-07-01T10:00:00Z", True),
        ("Guam, last second", "Pacific/Guam", "2027-06-30", "2027-06-30T13:59:59Z", False),
        ("Guam, first second after", "Pacific/Guam", "2027-06-30", "2027-06-30T14:00:00Z", True),
    ]
]  # fmt: skip


@pytest.fixture
def past_at(riverton, client_for, in_city):
    """Whether a promise is past in the city's file of actions at a moment."""

    def past(zone, due, moment):
        with transaction.atomic():
            Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched", timezone=zone)
            with in_city(riverton):
                ActionFactory(due_date=day(due), start_date=None)
            with time_machine.travel(moment, tick=False):
                headers = {"host": riverton.host, "x-requested-with": "a test"}  # passes the page cache by
                response = client_for(riverton).get("/data/actions.json", headers=headers)
            transaction.set_rollback(True)
        [action] = response.json()["actions"]
        return action["promised_date_passed"]

    return past


@table_of(MIDNIGHTS)
def test_a_promised_day_ends_at_midnight_where_the_city_is(case, past_at):
    assert past_at(**case.given) is case.expected


@faults_of(
    [
        Fault(
            "tenants.dashboard.statistics:load_statistics", "timezone.localdate()", "timezone.now().date()"
        ),
        Fault("tenants.dashboard.statistics:load_statistics", "timezone.localdate()", "dt.date.today()"),
        Fault(PAST_DUE, "due < on", "due <= on"),
    ]
)
def test_a_wrong_end_of_the_day_is_noticed(fault, past_at):
    with planted(fault):
        assert any(wrong_cases(past_at, MIDNIGHTS))
