"""Freshness of an action: by the age of its last update and the plan's own rhythm."""

from __future__ import annotations

from tenants.plans import selectors
from tenants.plans.models import Action, Plan
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases


def case(name, expected, last, on="2027-04-08", cadence=92, grace=30):
    given = {"last": day(last), "on": day(on), "cadence": cadence, "grace": grace}
    return Case(name, given, expected)


# With 92 days between updates and 30 days of grace, on April 8, 2027.
TABLE = [
    case("no update yet", "none", None),
    case("updated today", "fresh", "2027-04-08"),
    case("an update dated tomorrow is fresh", "fresh", "2027-04-09"),
    case("91 days ago, below the rhythm", "fresh", "2027-01-07"),
    case("92 days ago, on the last day", "fresh", "2027-01-06"),
    case("93 days ago, the first day after", "due", "2027-01-05"),
    case("106 days ago, two weeks after the rhythm", "due", "2026-12-23"),
    case("107 days ago, more than two weeks after", "late", "2026-12-22"),
    case("122 days ago, the last day of grace", "late", "2026-12-07"),
    case("123 days ago, grace is over", "stale", "2026-12-06"),
    case("years ago", "stale", "2019-01-01"),
    # Leap days: February 29, 2028 is a day like every other.
    case("a rhythm of 30 days over February 29: day 30", "fresh", "2028-02-01", "2028-03-02", 30),
    case("a rhythm of 30 days over February 29: day 31", "due", "2028-02-01", "2028-03-03", 30),
    case("updated on February 29, a year of 366 days later", "fresh", "2028-02-29", "2029-03-01", 366),
    case("a rhythm of 365 days over a common year", "fresh", "2026-03-01", "2027-03-01", 365),
    case("a rhythm of 365 days over a leap year", "due", "2027-03-01", "2028-03-01", 365),
    # Short or no grace.
    case("without grace, the last day of the rhythm", "fresh", "2027-01-06", grace=0),
    case("without grace, the day after is stale", "stale", "2027-01-05", grace=0),
    case("13 days of grace: the last of them is due, never late", "due", "2026-12-24", grace=13),
    case("13 days of grace: the day after", "stale", "2026-12-23", grace=13),
    case("14 days of grace: the last of them is due, never late", "due", "2026-12-23", grace=14),
    case("14 days of grace: the day after", "stale", "2026-12-22", grace=14),
    case("15 days of grace: the 14th is due", "due", "2026-12-23", grace=15),
    case("15 days of grace: one day is late", "late", "2026-12-22", grace=15),
    case("15 days of grace: the day after", "stale", "2026-12-21", grace=15),
    # The plan's rhythm counts, not a general one.
    case("a weekly rhythm: day 7", "fresh", "2027-04-01", cadence=7),
    case("a weekly rhythm: day 8", "due", "2027-03-31", cadence=7),
    case("a daily rhythm of 0 days: today", "fresh", "2027-04-08", cadence=0),
    case("a daily rhythm of 0 days: yesterday", "due", "2027-04-07", cadence=0),
]

FAULTS = [
    Fault("tenants.plans.models:freshness", "age <= cadence_days:", "age < cadence_days:"),
    Fault("tenants.plans.models:freshness", "age <= cadence_days:", "age <= cadence_days + 1:"),
    Fault("tenants.plans.models:freshness", "age <= cadence_days + min(", "age < cadence_days + min("),
    Fault("tenants.plans.models:freshness", "age <= cadence_days + grace_days", "age < cadence_days + grace_days"),
    Fault("tenants.plans.models:freshness", "min(14,", "max(14,"),
    Fault("tenants.plans.models:freshness", "min(14,", "min(13,"),
    Fault("tenants.plans.models:freshness", "(on - last_update_on).days", "abs((on - last_update_on).days) - 1"),
    Fault("tenants.plans.models:freshness", 'return "none"', 'return "stale"'),
    Fault("tenants.plans.selectors:freshness_of", "cadence_days=plan.cadence_days", "cadence_days=92"),
    Fault("tenants.plans.selectors:freshness_of", "grace_days=plan.grace_days", "grace_days=30"),
]  # fmt: skip


def rule(last, on, cadence, grace):
    plan = Plan(cadence_days=cadence, grace_days=grace)
    return selectors.freshness_of(Action(last_update_on=last), plan, on=on)


@table_of(TABLE)
def test_freshness_follows_the_age_of_the_last_update(case):
    assert rule(**case.given) == case.expected


@faults_of(FAULTS)
def test_a_wrong_rule_of_freshness_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(rule, TABLE))
