"""What the pages across cities say of a member's stage, and which year of its plan a city is in."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from cohort.models import PublicPlan
from cohort.progress.selectors import build_progress_rows
from tenants.dashboard import summary
from tenants.models import Jurisdiction
from tenants.plans.models import Plan
from tenants.signals import plan_published
from tests.plan_factories import PlanFactory
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases

LABEL = "cohort.labels:membership_stage_label"
YEAR = "tenants.formats:year_since"
EYEBROW = "tenants.dashboard.summary:_eyebrow"

# Faults in the counting of years, which both the stage and the plan's period use.
YEAR_FAULTS = [
    Fault(YEAR, "(on.month, on.day) <", "(on.month, on.day) <="),
    Fault(YEAR, " - ((on.month, on.day) < (start.month, start.day))", ""),
    Fault(YEAR, "(on.month, on.day) < (start.month, start.day)", "on.month < start.month"),
    Fault(YEAR, "(on.month, on.day) < (start.month, start.day)", "on.day < start.day"),
    Fault(YEAR, " + 1 -", " -"),
]


def stage_text(stage, adopted, on, lifecycle="implementing"):
    """The stage in a city's row of the progress page, the directory and the map of members."""
    city = Jurisdiction(name="City of Riverton", entry_stage=stage)
    plan = PublicPlan(
        jurisdiction=city, title="Plan", lifecycle=lifecycle, visibility="public", adopted_on=day(adopted)
    )
    plan.overdue_by_status = None
    return build_progress_rows([plan], on=day(on))[0]["stage_label"]


# ---- Year N ----------------------------------------------------------------------------------------------
def year_case(name, expected, adopted, on, stage="implementing"):
    return Case(name, {"stage": stage, "adopted": adopted, "on": on}, expected)


YEARS = [
    year_case("not adopted", "Implementing", None, "2027-04-08"),
    year_case("to be adopted tomorrow", "Implementing", "2027-04-09", "2027-04-08"),
    year_case("to be adopted in a year", "Implementing", "2028-04-08", "2027-04-08"),
    year_case("adopted today", "Implementing, year 1", "2027-04-08", "2027-04-08"),
    year_case("adopted yesterday", "Implementing, year 1", "2027-04-07", "2027-04-08"),
    year_case("the day before the first anniversary", "Implementing, year 1", "2026-04-09", "2027-04-08"),
    year_case("the first anniversary", "Implementing, year 2", "2026-04-08", "2027-04-08"),
    year_case("the day after the first anniversary", "Implementing, year 2", "2026-04-07", "2027-04-08"),
    year_case("the day before the second anniversary", "Implementing, year 2", "2025-04-09", "2027-04-08"),
    year_case("the second anniversary", "Implementing, year 3", "2025-04-08", "2027-04-08"),
    year_case("the same month, an earlier day", "Implementing, year 3", "2025-04-01", "2027-04-08"),
    year_case("an earlier month, a later day", "Implementing, year 3", "2025-03-31", "2027-04-08"),
    year_case("a later month, an earlier day", "Implementing, year 2", "2025-05-01", "2027-04-08"),
    year_case("New Year's Eve after an adoption on New Year's Day", "Implementing, year 1", "2026-01-01", "2026-12-31"),
    year_case("New Year's Day after one on New Year's Day", "Implementing, year 2", "2026-01-01", "2027-01-01"),
    year_case("New Year's Day after one on New Year's Eve", "Implementing, year 1", "2026-12-31", "2027-01-01"),
    year_case("adopted on February 29, on the last of February", "Implementing, year 1", "2024-02-29", "2025-02-28"),
    year_case("adopted on February 29, on March 1", "Implementing, year 2", "2024-02-29", "2025-03-01"),
    year_case("adopted on February 29, before the next one", "Implementing, year 4", "2024-02-29", "2028-02-28"),
    year_case("adopted on February 29, on the next one", "Implementing, year 5", "2024-02-29", "2028-02-29"),
    year_case("adopted on February 28, on a February 29", "Implementing, year 2", "2027-02-28", "2028-02-29"),
    year_case("adopted on March 1, on a February 29", "Implementing, year 1", "2027-03-01", "2028-02-29"),
    year_case("a plan just adopted", "Plan adopted, year 1", "2027-01-14", "2027-04-08", "adopted_plan"),
    year_case("a plan adopted a year ago", "Plan adopted, year 2", "2026-04-08", "2027-04-08", "adopted_plan"),
]  # fmt: skip


@table_of(YEARS)
def test_a_new_year_of_implementing_begins_on_the_anniversary_of_the_adoption(case):
    assert stage_text(**case.given) == case.expected


@faults_of(
    [
        *YEAR_FAULTS,
        Fault(LABEL, "or adopted_on > on", "or adopted_on >= on"),
        Fault(LABEL, "or adopted_on > on", ""),
        Fault(LABEL, "MembershipStage.ADOPTED_PLAN, ", ""),
    ]
)  # fmt: skip
def test_a_wrong_year_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(stage_text, YEARS))


# ---- Stages ----------------------------------------------------------------------------------------------
# stage: its text without an adoption, and after one two years ago; the state of the plan does not matter
STAGES = {
    "onboarding": ("Onboarding", "Onboarding"),
    "learning": ("Learning", "Learning"),
    "planning": ("Planning", "Planning"),
    "adopted_plan": ("Plan adopted", "Plan adopted, year 3"),
    "implementing": ("Implementing", "Implementing, year 3"),
    "sustaining": ("Sustaining", "Sustaining"),
    "mentor": ("Mentor", "Mentor"),
    "dormant": ("Dormant", "Dormant"),
    "lapsed": ("Lapsed", "Lapsed"),
    "offboarded": ("Left the alliance", "Left the alliance"),
}
LIFECYCLES = ["draft", "adopted", "implementing", "completed", "superseded", "abandoned", "archived"]
STAGE_TABLE = [
    Case(
        f"{stage}, plan {lifecycle}, {when}",
        {"stage": stage, "adopted": adopted, "on": "2027-04-08", "lifecycle": lifecycle},
        expected,
    )
    for stage, (without_year, in_year_three) in STAGES.items()
    for lifecycle in LIFECYCLES
    for when, adopted, expected in [
        ("not adopted", None, without_year),
        ("to be adopted tomorrow", "2027-04-09", without_year),
        ("adopted two years ago", "2025-04-08", in_year_three),
    ]
]


def test_the_table_of_stages_has_every_stage_and_every_state_of_a_plan():
    assert list(STAGES) == Jurisdiction.MembershipStage.values
    assert Plan.Lifecycle.values == LIFECYCLES


@table_of(STAGE_TABLE)
def test_a_stage_is_told_with_its_year_only_while_a_plan_is_carried_out(case):
    assert stage_text(**case.given) == case.expected


@faults_of(
    [
        Fault(
            LABEL,
            "MembershipStage.ADOPTED_PLAN, MembershipStage.IMPLEMENTING",
            "MembershipStage.ADOPTED_PLAN, MembershipStage.SUSTAINING",
        ),
        Fault(
            LABEL, "MembershipStage.IMPLEMENTING)", "MembershipStage.IMPLEMENTING, MembershipStage.MENTOR)"
        ),
        Fault(LABEL, "jurisdiction.entry_stage not in", "jurisdiction.entry_stage in"),
        Fault("tenants.formats:_choice_label", "str(choices(value).label)", "str(choices(value).name)"),
        Fault("cohort.progress.selectors:_build_row", "plan.adopted_on, on=on", "plan.published_at, on=on"),
    ]
)
def test_a_wrong_text_of_a_stage_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(stage_text, STAGE_TABLE))


# ---- The year of the plan's own period, on the city's front page -----------------------------------------
def period_text(start, end, on, lifecycle="implementing"):
    plan = Plan(title="Plan", lifecycle=lifecycle, period_start=day(start), period_end=day(end))
    return summary._eyebrow(plan, day(on))


FIVE_YEARS = ("2025-01-01", "2029-12-31")
FISCAL_YEARS = ("2025-07-01", "2028-06-30")  # three, from July to June
FROM_LEAP_DAY = ("2024-02-29", "2027-02-28")


def period_case(name, expected, period, on, lifecycle="implementing"):
    start, end = period
    return Case(name, {"start": start, "end": end, "on": on, "lifecycle": lifecycle}, expected)


PERIODS = [
    period_case("the day before it starts", "Plan, 2025–2029", FIVE_YEARS, "2024-12-31"),
    period_case("its first day", "Plan, 2025–2029, year 1", FIVE_YEARS, "2025-01-01"),
    period_case("the last day of the first year", "Plan, 2025–2029, year 1", FIVE_YEARS, "2025-12-31"),
    period_case("the first day of the second year", "Plan, 2025–2029, year 2", FIVE_YEARS, "2026-01-01"),
    period_case("its last day", "Plan, 2025–2029, year 5", FIVE_YEARS, "2029-12-31"),
    period_case("the day after it ended", "Plan, 2025–2029", FIVE_YEARS, "2030-01-01"),
    period_case("fiscal years: the New Year within the first", "Plan, 2025–2028, year 1", FISCAL_YEARS, "2026-01-01"),
    period_case("fiscal years: the last day of the first", "Plan, 2025–2028, year 1", FISCAL_YEARS, "2026-06-30"),
    period_case("fiscal years: the first day of the second", "Plan, 2025–2028, year 2", FISCAL_YEARS, "2026-07-01"),
    period_case("three fiscal years have no fourth", "Plan, 2025–2028, year 3", FISCAL_YEARS, "2028-06-30"),
    period_case("begun on February 29: the last of February", "Plan, 2024–2027, year 1", FROM_LEAP_DAY, "2025-02-28"),
    period_case("begun on February 29: March 1", "Plan, 2024–2027, year 2", FROM_LEAP_DAY, "2025-03-01"),
    period_case("no end is known", "Plan, 2025, year 3", ("2025-01-01", None), "2027-04-08"),
    period_case("no start is known", "Plan, 2029", (None, "2029-12-31"), "2027-04-08"),
    period_case("no period is known", "Plan", (None, None), "2027-04-08"),
    period_case("a draft is in no year", "Plan, 2025–2029", FIVE_YEARS, "2027-04-08", "draft"),
    period_case("one year", "Plan, 2027, year 1", ("2027-01-01", "2027-12-31"), "2027-04-08"),
]  # fmt: skip


@table_of(PERIODS)
def test_the_front_page_counts_the_years_of_the_plan_from_its_first_day(case):
    assert period_text(**case.given) == case.expected


@faults_of(
    [
        *YEAR_FAULTS,
        Fault(EYEBROW, "plan.period_start <= on <=", "plan.period_start < on <="),
        Fault(EYEBROW, "<= on <= (plan", "<= on < (plan"),
        Fault(EYEBROW, "(plan.period_end or on)", "(plan.period_end or plan.period_start)"),
        Fault(EYEBROW, "not plan.is_draft and", "not plan.is_draft and plan.period_end and"),
        Fault(EYEBROW, "not plan.is_draft and ", ""),
    ]
)
def test_a_wrong_year_of_the_plan_is_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(period_text, PERIODS))


# ---- Today is the city's day -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2027-04-08T04:59:59Z", "year 2"),  # still April 7 in Chicago
        ("2027-04-08T05:00:00Z", "year 3"),
        ("2027-04-09T04:59:59Z", "year 3"),
    ],
)
def test_the_anniversary_begins_at_midnight_of_the_alliances_zone_not_of_utc(
    riverton, alliance, client_for, in_city, moment, expected
):
    Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched", entry_stage="implementing")
    with in_city(riverton):
        plan = PlanFactory(adopted_on=dt.date(2025, 4, 8))
        plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
    with time_machine.travel(moment, tick=False):
        assert f"Implementing, {expected}" in client_for(alliance).get("/progress/").text
