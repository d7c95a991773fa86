"""Which actions owe an update, in which order they are asked for, and that all pages count the same ones."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction

from tenants.dashboard.statistics import PlanStatistics, get_action_rows
from tenants.plans import selectors
from tenants.plans.models import Action
from tests.plan_factories import ActionFactory, GoalFactory, OutcomeFactory, PlanFactory
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases

TODAY = dt.date(2027, 4, 8)
DUE = "tenants.plans.selectors:updates_due"
OWING = "tenants.plans.selectors:owing_updates"
ORDER = "tenants.plans.selectors:order_by_oldest_update"


def case(name, expected, last, *, cadence=92, lifecycle="implementing", **action):
    plan = {"cadence_days": cadence, "lifecycle": lifecycle}
    return Case(name, {"plan": plan, "action": {"last_update_on": day(last)} | action}, expected)


# Does the action owe an update on April 8, 2027, when one is asked for every 92 days?
TABLE = [
    case("never updated", True, None),
    case("updated today", False, "2027-04-08"),
    case("91 days ago", False, "2027-01-07"),
    case("92 days ago, the last day of the rhythm", False, "2027-01-06"),
    case("93 days ago", True, "2027-01-05"),
    case("a weekly rhythm: seven days ago", False, "2027-04-01", cadence=7),
    case("a weekly rhythm: eight days ago", True, "2027-03-31", cadence=7),
    case("no status yet", True, None, status=None),
    case("not started", True, None, status="not_started"),
    case("on track", True, None, status="on_track"),
    case("at risk", True, None, status="at_risk"),
    case("off track", True, None, status="off_track"),
    case("on hold", True, None, status="on_hold"),
    case("a completed action owes nothing", False, None, status="completed"),
    case("a cancelled action owes nothing", False, None, status="cancelled"),
    case("a merged action owes nothing", False, None, status="merged"),
    case("a retired action owes nothing", False, None, retired=True),
    case("a plan just adopted", True, None, lifecycle="adopted"),
    case("a completed plan owes nothing, even for what stayed open", False, None, lifecycle="completed"),
    case("an action of a retired outcome owes nothing", False, None, outcome__retired_at="2027-01-01T00:00Z"),
    case("an action of a retired goal owes nothing", False, None, outcome__goal__retired_at="2027-01-01T00:00Z"),
]  # fmt: skip

FAULTS = [
    Fault(DUE, "last_update_on__lt=", "last_update_on__lte="),
    Fault(DUE, "Q(last_update_on=None) | ", ""),
    Fault(DUE, "days=plan.cadence_days", "days=92"),
    Fault(DUE, "days=plan.cadence_days", "days=plan.cadence_days + plan.grace_days"),
    Fault(OWING, ".exclude(status__in=Action.CLOSED, status__isnull=False)", ""),
    Fault(OWING, "exclude(status__in=Action.CLOSED", "filter(status__in=Action.NEEDS_ATTENTION"),
    Fault(OWING, "if plan.owes_updates", "if plan"),
    Fault("tenants.plans.models:Action.CLOSED", '"cancelled", ', ""),
    Fault("tenants.plans.models:Action.CLOSED", ', "merged"', ""),
    Fault("tenants.plans.models:ActionQuerySet.current", ", outcome__goal__retired_at=None", ""),
]


@pytest.fixture
def in_riverton(riverton, in_city):
    with in_city(riverton):
        yield


def rule(plan, action):
    """Is the action among those that owe an update? Leaves no row behind."""
    with transaction.atomic():
        plan = PlanFactory(**plan)
        ActionFactory(**{"outcome__goal__plan": plan} | action)
        owes = selectors.updates_due(plan, on=TODAY).exists()
        transaction.set_rollback(True)
    return owes


@table_of(TABLE)
def test_an_action_owes_an_update_after_the_rhythm_of_its_plan(case, in_riverton):
    assert rule(**case.given) is case.expected


@faults_of(FAULTS)
def test_a_wrong_rule_of_owing_is_noticed(fault, in_riverton):
    with planted(fault):
        assert any(wrong_cases(rule, TABLE))


# ---- Order -----------------------------------------------------------------------------------------------
# (number, place of the goal, of the outcome, of the action, last update), as they are stored
STORED = [
    ("new in the second goal", 1, 0, 0, None),
    ("old, last of its outcome", 0, 0, 2, "2026-06-01"),
    ("oldest of all", 1, 1, 5, "2026-05-31"),
    ("old, first of its outcome", 0, 0, 1, "2026-06-01"),
    ("old, in a later outcome", 0, 1, 0, "2026-06-01"),
    ("new in the first goal", 0, 1, 3, None),
    ("old, in a later goal", 1, 0, 0, "2026-06-01"),
]
ASKED_FOR = [
    "new in the first goal",
    "new in the second goal",
    "oldest of all",
    "old, first of its outcome",
    "old, last of its outcome",
    "old, in a later outcome",
    "old, in a later goal",
]


def order_asked_for():
    with transaction.atomic():
        plan = PlanFactory()
        goals = [GoalFactory(plan=plan, position=position) for position in (0, 1)]
        outcomes = {
            (g, o): OutcomeFactory(goal=goals[g], position=o) for g, o in [(1, 1), (1, 0), (0, 1), (0, 0)]
        }
        for number, goal, outcome, position, last in STORED:
            ActionFactory(
                outcome=outcomes[goal, outcome], position=position, number=number, last_update_on=last
            )
        numbers = [action.number for action in selectors.updates_due(plan, on=TODAY)]
        transaction.set_rollback(True)
    return numbers


def test_those_without_any_update_come_first_then_the_oldest_then_the_order_of_the_plan(in_riverton):
    assert order_asked_for() == ASKED_FOR


@faults_of(
    [
        Fault(ORDER, "nulls_first=True", "nulls_last=True"),
        Fault(ORDER, ".asc(nulls_first=True)", ".desc(nulls_first=True)"),
        Fault(ORDER, '"outcome__goal__position",', ""),
        Fault(ORDER, '"outcome__position",', ""),
        Fault(ORDER, '        "position",\n', ""),
        Fault(ORDER, 'F("last_update_on").asc(nulls_first=True),', ""),
    ]
)
def test_a_wrong_order_is_noticed(fault, in_riverton):
    with planted(fault):
        assert order_asked_for() != ASKED_FOR


# ---- The workspace and the dashboard ----------------------------------------------------------------------
def test_what_owes_no_update_is_what_the_dashboard_calls_up_to_date(in_riverton):
    plan = PlanFactory()
    outcome = OutcomeFactory(goal__plan=plan)
    for last in (None, "2027-01-05", "2027-01-06", "2027-01-07", "2027-04-08"):
        for status in (None, *Action.Status.values):
            ActionFactory(outcome=outcome, status=status, last_update_on=day(last))
    statistics = PlanStatistics(plan, get_action_rows(plan, on=TODAY), on=TODAY)

    assert selectors.updates_due(plan, on=TODAY).count() == 12  # two days of six open statuses
    assert statistics.owing_count == 30
    assert statistics.up_to_date_count == 18
