"""Which reports are recent: "changed this week" on the alliance's site, "since the quarter began" on a city's."""

from __future__ import annotations

import pytest
from django.db import transaction

from cohort.progress.selectors import changed_this_week
from tenants.dashboard.statistics import get_recent_notes, quarter_start
from tenants.models import Jurisdiction
from tenants.plans.models import Plan
from tenants.signals import plan_published
from tests.plan_factories import ActionFactory, NoteFactory, PlanFactory
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases

WEEK = "cohort.progress.selectors:changed_this_week"
NOTES = "tenants.dashboard.statistics:get_recent_notes"
QUARTER = "tenants.dashboard.statistics:quarter_start"


# ---- The last seven days -----------------------------------------------------------------------------------
WEEKS = [
    Case(name, {"updated": updated, "on": on}, expected)
    for name, updated, on, expected in [
        ("never", None, "2027-04-08", False),
        ("today", "2027-04-08", "2027-04-08", True),
        ("tomorrow", "2027-04-09", "2027-04-08", False),
        ("six days ago, the seventh day", "2027-04-02", "2027-04-08", True),
        ("seven days ago", "2027-04-01", "2027-04-08", False),
        ("over February 29: six days ago", "2028-02-25", "2028-03-02", True),
        ("over February 29: seven days ago", "2028-02-24", "2028-03-02", False),
        ("over the New Year: six days ago", "2026-12-28", "2027-01-03", True),
    ]
]


@pytest.fixture
def is_this_week(riverton, in_city):
    Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched")

    def is_listed(updated, on):
        with transaction.atomic():
            with in_city(riverton):
                plan = PlanFactory()
                ActionFactory(outcome__goal__plan=plan, last_update_on=day(updated))
                plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
            listed = changed_this_week("public", on=day(on))
            transaction.set_rollback(True)
        return bool(listed)

    return is_listed


@table_of(WEEKS)
def test_this_week_is_today_and_the_six_days_before(case, is_this_week):
    assert is_this_week(**case.given) is case.expected


@faults_of(
    [
        Fault(WEEK, "last_update_on__gt=", "last_update_on__gte="),
        Fault(WEEK, "days=7", "days=6"),
        Fault(WEEK, "last_update_on__lte=on", "last_update_on__lt=on"),
        Fault(WEEK, ", last_update_on__lte=on", ""),
    ]
)
def test_a_wrong_week_is_noticed(fault, is_this_week):
    with planted(fault):
        assert any(wrong_cases(is_this_week, WEEKS))


# ---- The quarter -------------------------------------------------------------------------------------------
QUARTERS = [
    Case(on, {"on": on}, start)
    for on, start in [
        ("2027-01-01", "2027-01-01"),
        ("2027-03-31", "2027-01-01"),
        ("2028-02-29", "2028-01-01"),
        ("2027-04-01", "2027-04-01"),
        ("2027-05-31", "2027-04-01"),
        ("2027-06-30", "2027-04-01"),
        ("2027-07-01", "2027-07-01"),
        ("2027-09-30", "2027-07-01"),
        ("2027-10-01", "2027-10-01"),
        ("2027-12-31", "2027-10-01"),
    ]
]


def start_of_quarter(on):
    return quarter_start(day(on)).isoformat()


@table_of(QUARTERS)
def test_a_quarter_begins_in_january_april_july_and_october(case):
    assert start_of_quarter(**case.given) == case.expected


@faults_of(
    [
        Fault(QUARTER, "(on.month - 1) % 3", "on.month % 3"),
        Fault(QUARTER, ", day=1", ""),
        Fault(QUARTER, "% 3", "% 4"),
    ]
)
def test_a_wrong_quarter_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(start_of_quarter, [QUARTERS[1], QUARTERS[5], QUARTERS[9]]))


# ---- Reports since the quarter began -----------------------------------------------------------------------
REPORTS = [
    Case(name, {"noted": noted} | action, expected)
    for name, noted, action, expected in [
        ("the day before the first", "2027-03-31", {}, False),
        ("the first day", "2027-04-01", {}, True),
        ("today, the last day", "2027-04-08", {}, True),
        ("tomorrow", "2027-04-09", {}, False),
        ("without a date", None, {}, False),
        ("on a retired action", "2027-04-08", {"retired": True}, False),
        ("on a cancelled action", "2027-04-08", {"status": "cancelled"}, True),
        ("below a retired outcome", "2027-04-08", {"outcome__retired_at": "2027-01-01T00:00Z"}, False),
        ("below a retired goal", "2027-04-08", {"outcome__goal__retired_at": "2027-01-01T00:00Z"}, False),
    ]
]


@pytest.fixture
def is_recent(riverton, in_city):
    def is_listed(noted, **fields):
        with transaction.atomic(), in_city(riverton):
            action = ActionFactory(**fields)
            NoteFactory(action=action, noted_on=day(noted))
            plan = action.outcome.goal.plan
            notes = get_recent_notes(plan, day("2027-04-01"), until=day("2027-04-08"), limit=5)
            transaction.set_rollback(True)
        return bool(notes)

    return is_listed


@table_of(REPORTS)
def test_recent_reports_are_those_from_the_first_day_of_the_quarter_to_today(case, is_recent):
    assert is_recent(**case.given) is case.expected


@faults_of(
    [
        Fault(NOTES, "noted_on__range=(since, until)", "noted_on__gt=since, noted_on__lte=until"),
        Fault(NOTES, "noted_on__range=(since, until)", "noted_on__gte=since, noted_on__lt=until"),
        Fault(NOTES, "noted_on__range=(since, until)", "noted_on__gte=since"),
        Fault(NOTES, "action__retired_at=None,", ""),
        Fault(NOTES, "action__outcome__goal__retired_at=None,", ""),
    ]
)
def test_a_wrong_choice_of_reports_is_noticed(fault, is_recent):
    with planted(fault):
        assert any(wrong_cases(is_recent, REPORTS))
