"""The standing of an action: its one group of eight, in Python and in SQL, and the instant at which it becomes overdue."""

from __future__ import annotations

import datetime as dt
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from django.utils.dateparse import parse_datetime

from tenants.plans import labels
from tenants.plans.models import Action, Plan
from tenants.plans.standing import (
    NEEDS_ATTENTION,
    NOT_COUNTED,
    overdue_from,
    standing,
    standing_expression,
)
from tests.plan_factories import ActionFactory, OutcomeFactory
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases

MODULE = "tenants.plans.standing"
PAST_DUE, STANDING = f"{MODULE}:is_past_due", f"{MODULE}:standing"
EXPRESSION, FROM = f"{MODULE}:standing_expression", f"{MODULE}:overdue_from"
PASSED = f"{MODULE}:due_passed_from"
CLOSED = "tenants.plans.models:Action.CLOSED"
GROUPS = {"completed", "on_track", "at_risk", "off_track", "overdue", "on_hold", "not_started", "none"}

YESTERDAY, TODAY = dt.date(2027, 6, 29), dt.date(2027, 6, 30)


def case(status, expected, due="2027-06-29", lifecycle="implementing"):
    name = f"{status or 'no status'}, due {due}, {lifecycle}"
    return Case(name, {"status": status, "due": due, "lifecycle": lifecycle}, expected)


# On June 30, 2027.
TABLE = [
    case("not_started", "overdue"),
    case("on_track", "overdue"),
    case("at_risk", "overdue"),
    case("off_track", "overdue"),
    case("on_hold", "overdue"),
    case("completed", "completed"),
    case("cancelled", "cancelled"),
    case("merged", "merged"),
    case(None, "none"),
    case("", "none"),
    case("on_track", "on_track", due="2027-06-30"),
    case("on_track", "on_track", due="2027-07-01"),
    case("on_track", "on_track", due=None),
    case("at_risk", "at_risk", due="2027-06-30"),
    case("off_track", "off_track", due=None),
    case("on_hold", "on_hold", due="2027-06-30"),
    case("not_started", "not_started", due=None),
    case("completed", "completed", due="2028-01-01"),
    case("on_track", "on_track", lifecycle="draft"),
    case(None, "none", lifecycle="draft"),
    case("on_track", "overdue", lifecycle="adopted"),
    case("on_track", "overdue", lifecycle="completed"),
]


def rule(status, due, lifecycle):
    return standing(status, day(due), on=TODAY, is_draft=Plan(lifecycle=lifecycle).is_draft)


@table_of(TABLE)
def test_an_action_stands_in_one_group(case):
    assert rule(**case.given) == case.expected


def test_each_standing_is_one_of_eight_groups_or_is_not_counted():
    possible = {
        standing(status, due, on=TODAY, is_draft=False)
        for status in (None, *Action.Status.values)
        for due in (YESTERDAY, TODAY, None)
    }
    assert possible - NOT_COUNTED == GROUPS
    assert set(labels.STATUSES_BY_PROGRESS) == set(labels.STATUSES_BY_URGENCY) == GROUPS | NOT_COUNTED
    assert {"at_risk", "off_track", "overdue", "on_hold"} == NEEDS_ATTENTION


FAULTS = [
    Fault(PAST_DUE, "due < on", "due <= on"),
    Fault(PAST_DUE, " and not is_draft", ""),
    Fault(CLOSED, '"completed", ', ""),
    Fault(CLOSED, '"cancelled", ', ""),
    Fault(CLOSED, ', "merged"', ""),
]


@faults_of(
    [
        *FAULTS,
        Fault(STANDING, "if not status:", "if status is None:"),
        Fault(STANDING, "status not in Action.CLOSED and ", ""),
        Fault(STANDING, "status not in Action.CLOSED", 'status == "on_track"'),
        Fault(STANDING, "return OVERDUE", "return status"),
    ]
)
def test_a_wrong_standing_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(rule, TABLE))


# ---- The same in SQL -------------------------------------------------------------------------------------
STATUSES = [None, "", *Action.Status.values]
DUE_DATES = [None, dt.date(2027, 1, 1), YESTERDAY, TODAY, dt.date(2027, 7, 1), dt.date.max]


@pytest.fixture
def differing(riverton, in_city):
    """The statuses and due dates whose standing differs in SQL, for a draft and for an adopted plan."""
    with in_city(riverton):
        outcome = OutcomeFactory()
        actions = [
            ActionFactory.build(
                outcome=outcome, accountable=None, status=status, due_date=due, start_date=None
            )
            for status, due in product(STATUSES, DUE_DATES)
        ]
        Action.objects.bulk_create(actions)

        def find():
            rows = Action.objects.filter(outcome=outcome)
            return [
                (row.status, row.due_date, is_draft)
                for is_draft in (False, True)
                for row in rows.annotate(standing=standing_expression(on=TODAY, is_draft=is_draft))
                if row.standing != standing(row.status, row.due_date, on=TODAY, is_draft=is_draft)
            ]

        yield find


def test_sql_gives_the_same_standing(differing):
    assert differing() == []


@faults_of(
    [
        Fault(EXPRESSION, "due_date__lt", "due_date__lte"),
        Fault(EXPRESSION, " & ~Q(status__in=Action.CLOSED)", ""),
        Fault(EXPRESSION, "Q(pk=None) if is_draft else ", ""),
        Fault(EXPRESSION, ' | Q(status="")', ""),
        Fault(EXPRESSION, "Value(OVERDUE)", 'Value("late")'),
    ]
)
def test_a_wrong_standing_in_sql_is_noticed(fault, differing):
    with planted(fault):
        assert differing()


# ---- The instant -----------------------------------------------------------------------------------------
def instant(name, expected, zone="America/New_York", due="2027-06-30", status="on_track", is_draft=False):
    return Case(name, {"zone": zone, "due": due, "status": status, "is_draft": is_draft}, expected)


INSTANTS = [
    instant("New York, in summer", "2027-07-01T04:00:00Z"),
    instant("Honolulu, six hours later", "2027-07-01T10:00:00Z", "Pacific/Honolulu"),
    instant("Guam, before midnight in UTC", "2027-06-30T14:00:00Z", "Pacific/Guam"),
    # On March 14, 2027 the clocks in New York go forward, on November 7 back.
    instant("the eve of a short day", "2027-03-14T05:00:00Z", due="2027-03-13"),
    instant("a short day", "2027-03-15T04:00:00Z", due="2027-03-14"),
    instant("the eve of a long day", "2027-11-07T04:00:00Z", due="2027-11-06"),
    instant("a long day", "2027-11-08T05:00:00Z", due="2027-11-07"),
    instant("the year 2027", "2028-01-01T05:00:00Z", due="2027-12-31"),
    instant("February 29", "2028-03-01T05:00:00Z", due="2028-02-29"),
    # In Santiago the clocks go forward at midnight: September 5, 2027 begins at one o'clock.
    instant("a day that begins at one o'clock", "2027-09-05T04:00:00Z", "America/Santiago", "2027-09-04"),
    instant("the last day there is", None, due="9999-12-31"),
    instant("no due date", None, due=None),
    instant("no status", None, status=None),
    instant("no status, as stored for others", None, status=""),
    instant("completed", None, status="completed"),
    instant("cancelled", None, status="cancelled"),
    instant("merged", None, status="merged"),
    instant("a draft", None, is_draft=True),
]


def turning_point(zone, due, status, is_draft):
    moment = overdue_from(status, day(due), is_draft=is_draft, zone=ZoneInfo(zone))
    return moment and moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@table_of(INSTANTS)
def test_an_action_becomes_overdue_at_the_midnight_of_its_city(case):
    assert turning_point(**case.given) == case.expected


@table_of([case for case in INSTANTS if case.expected])
def test_at_this_instant_the_standing_changes_and_not_before(case):
    zone, moment = ZoneInfo(case.given["zone"]), parse_datetime(case.expected)

    def at(time):
        on = time.astimezone(zone).date()
        return standing(case.given["status"], day(case.given["due"]), on=on, is_draft=False)

    assert at(moment - dt.timedelta(seconds=1)) == "on_track"
    assert at(moment) == "overdue"


@faults_of(
    [
        Fault(PASSED, "dt.timedelta(days=1)", "dt.timedelta(days=0)"),
        Fault(PASSED, "tzinfo=zone", "tzinfo=dt.UTC"),
        Fault(FROM, "not status or ", ""),
        Fault(FROM, " or status in Action.CLOSED", ""),
        Fault(PASSED, "due is None or is_draft", "due is None"),
        Fault(CLOSED, '"cancelled", ', ""),
    ]
)
def test_a_wrong_instant_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(turning_point, INSTANTS))
