"""What a plan still lacks: the checks in the workspace, and the warnings before it is published."""

from __future__ import annotations

import pytest
from django.db import transaction

from tenants.plans.models import Action
from tenants.plans.services import publish_warnings
from tenants.plans.views.home import health_checks
from tests.plan_factories import ActionFactory, DepartmentFactory, MeasureFactory, OutcomeFactory, PlanFactory
from tests.rules.planted import Case, Fault, day, faults_of, planted, table_of, wrong_cases

HEALTH = "tenants.plans.views.home:health_checks"
WARNINGS = "tenants.plans.services.publishing:publish_warnings"

# An action that lacks nothing; the cases below take something away.
WHOLE = {
    "status": "on_track",
    "department": True,
    "owner_id": None,
    "due_date": "2027-06-30",
    "is_continuous": False,
    "measures": [{"kind": "how_much", "baseline": "12"}, {"kind": "better_off", "baseline": ""}],
    "stage": "organize",
}


def write_actions(plan, changes):
    """Actions t1, t2 … of an outcome without a kind of step, each with some changes to WHOLE."""
    outcome = OutcomeFactory(goal__plan=plan, stage="")
    department = DepartmentFactory()
    for number, change in enumerate(changes, 1):
        fields = WHOLE | change
        measures, is_led = fields.pop("measures"), fields.pop("department")
        fields |= {"due_date": day(fields["due_date"]), "accountable": department if is_led else None}
        action = ActionFactory(outcome=outcome, code=f"t{number}", position=number, **fields)
        for measure in measures:
            MeasureFactory(action=action, **measure)


NO_OWNER = {"department": False}
NO_DATE = {"due_date": None}
NO_MEASURE = {"measures": []}
NO_BASELINE = {"measures": [{"kind": "better_off", "baseline": ""}]}
NO_BETTER_OFF = {"measures": [{"kind": "how_much", "baseline": "12"}]}
DONE = {"status": "completed"}


# ---- The workspace's checks ------------------------------------------------------------------------------
def checks(owner, date, measure, baseline, better_off):
    """For each check: (met, of, the codes of the first actions that lack it); for outcomes how many are listed."""
    return dict(
        zip(
            ("owner", "date", "measure", "baseline", "better_off"),
            (owner, date, measure, baseline, better_off), strict=True,
        )
    )  # fmt: skip


ONE, TWO, THREE, FOUR = (1, 1, ""), (2, 2, ""), (3, 3, ""), (4, 4, "")
T1, ONE_OUTCOME, NO_OUTCOME = (0, 1, "t1"), (1, 1, 0), (0, 1, 1)
HEALTH_TABLE = [
    Case(name, {"changes": changes}, checks(*expected))
    for name, changes, expected in [
        ("a plan without an action", [], [(0, 0, "")] * 4 + [NO_OUTCOME]),
        ("an action that lacks nothing", [{}], [ONE] * 4 + [ONE_OUTCOME]),
        ("nobody answers", [NO_OWNER], [T1, ONE, ONE, ONE, ONE_OUTCOME]),
        ("a person answers, no department", [NO_OWNER | {"owner_id": 7}], [ONE] * 4 + [ONE_OUTCOME]),
        ("a person and a department answer", [{"owner_id": 7}], [ONE] * 4 + [ONE_OUTCOME]),
        ("no date", [NO_DATE], [ONE, T1, ONE, ONE, ONE_OUTCOME]),
        ("no date, but goes on", [NO_DATE | {"is_continuous": True}], [ONE] * 4 + [ONE_OUTCOME]),
        ("no measure, so no baseline either", [NO_MEASURE], [ONE, ONE, T1, T1, NO_OUTCOME]),
        ("a measure without a baseline", [NO_BASELINE], [ONE, ONE, ONE, T1, ONE_OUTCOME]),
        ("no measure of who is better off", [NO_BETTER_OFF], [ONE] * 4 + [NO_OUTCOME]),
        ("one of two lacks a date", [{}, NO_DATE], [TWO, (1, 2, "t2"), TWO, TWO, ONE_OUTCOME]),
        ("three lack a date, all are listed", [NO_DATE] * 3, [THREE, (0, 3, "t1 t2 t3"), THREE, THREE, ONE_OUTCOME]),
        ("four lack a date, three are listed", [NO_DATE] * 4, [FOUR, (0, 4, "t1 t2 t3"), FOUR, FOUR, ONE_OUTCOME]),
        ("no status yet is open", [{"status": None}], [ONE] * 4 + [ONE_OUTCOME]),
        ("on hold is open", [{"status": "on_hold"}], [ONE] * 4 + [ONE_OUTCOME]),
        ("completed lacks nothing any more", [DONE | NO_OWNER | NO_DATE], [(0, 0, "")] * 4 + [ONE_OUTCOME]),
        ("cancelled lacks nothing any more", [NO_MEASURE | {"status": "cancelled"}], [(0, 0, "")] * 4 + [NO_OUTCOME]),
        ("merged lacks nothing any more", [NO_MEASURE | {"status": "merged"}], [(0, 0, "")] * 4 + [NO_OUTCOME]),
        ("retired is no action any more", [{"retired": True}], [(0, 0, "")] * 4 + [NO_OUTCOME]),
    ]
]  # fmt: skip


@pytest.fixture
def health_of(riverton, in_city):
    def read(changes):
        with transaction.atomic(), in_city(riverton):
            plan = PlanFactory()
            write_actions(plan, changes)
            lines = [
                (line["met"], line["of"], " ".join(action.code for action in line["missing"]))
                if "missing" in line
                else (line["met"], line["of"], len(line["outcomes"]))
                for line in health_checks(plan)
            ]
            transaction.set_rollback(True)
        return checks(*lines)

    return read


@table_of(HEALTH_TABLE)
def test_the_workspace_says_what_open_actions_lack(case, health_of):
    assert health_of(**case.given) == case.expected


@faults_of(
    [
        Fault(HEALTH, "~Q(accountable=None) | ~Q(owner=None)", "~Q(accountable=None) & ~Q(owner=None)"),
        Fault(HEALTH, "~Q(accountable=None) | ~Q(owner=None)", "~Q(accountable=None)"),
        Fault(HEALTH, " | Q(is_continuous=True)", ""),
        Fault(HEALTH, "| Q(is_continuous=True)", "& Q(is_continuous=True)"),
        Fault(HEALTH, '.exclude(baseline="")', ""),
        Fault(HEALTH, "[:3]) if", "[:2]) if"),
        Fault(HEALTH, "[:3]) if", "[:4]) if"),
        Fault(HEALTH, 'counts[key] < counts["of"]', 'counts[key] + 1 < counts["of"]'),
        Fault(HEALTH, ".exclude(status__in=Action.CLOSED, status__isnull=False)", ""),
        Fault(HEALTH, "action__retired_at=None, kind", "kind"),
        Fault(HEALTH, ", kind=PerformanceMeasure.Kind.BETTER_OFF", ""),
        Fault("tenants.plans.models:Action.CLOSED", ', "merged"', ""),
        Fault("tenants.plans.models:Action.CLOSED", '"merged"', '"merged", "on_hold"'),
    ]
)
def test_a_wrong_check_is_noticed(fault, health_of):
    with planted(fault):
        assert any(wrong_cases(health_of, HEALTH_TABLE))


# ---- Warnings before publishing --------------------------------------------------------------------------
STARTER = {"source": {"starter": True}}
NO_STAGE = {"stage": ""}
NO_STATUS = {"status": None}

# The warnings: {what: (how many actions, of how many, which are named)}
WARNINGS_TABLE = [
    Case(name, {"changes": changes, "summary": summary}, expected)
    for name, changes, summary, expected in [
        ("nothing is missing", [{}], "What we do.", {}),
        ("no summary", [{}], "", {"no_summary": (1, 1, "")}),
        ("no action", [], "What we do.", {}),
        ("starter text", [STARTER], "x", {"starter": (1, 1, "t1")}),
        ("read from a sheet is no starter text", [{"source": {"sheet": "Plan"}}], "x", {}),
        ("nobody answers", [NO_OWNER], "x", {"no_party": (1, 1, "t1")}),
        ("a person answers", [NO_OWNER | {"owner_id": 7}], "x", {}),
        ("nobody answers for a completed action", [NO_OWNER | DONE], "x", {}),
        ("nobody answers for a cancelled action", [NO_OWNER | {"status": "cancelled"}], "x", {}),
        ("nobody answers for a merged action", [NO_OWNER | {"status": "merged"}], "x", {}),
        (
            "nobody answers for one on hold",
            [NO_OWNER | {"status": "on_hold"}],
            "x",
            {"no_party": (1, 1, "t1")},
        ),
        ("no date", [NO_DATE], "x", {"no_date": (1, 1, "t1")}),
        ("no date, but goes on", [NO_DATE | {"is_continuous": True}], "x", {}),
        ("no measure", [NO_MEASURE], "x", {"no_measure": (1, 1, "t1")}),
        ("a measure without a baseline will do", [NO_BASELINE], "x", {}),
        ("no status", [NO_STATUS], "x", {"no_status": (1, 1, "t1")}),
        ("not started is a status", [{"status": "not_started"}], "x", {}),
        ("no kind of step", [NO_STAGE], "x", {"no_stage": (1, 1, "t1")}),
        ("retired actions are not counted", [{}, NO_DATE | {"retired": True}], "x", {}),
        ("no date of a completed action", [NO_DATE | DONE], "x", {}),
        ("no measure of a cancelled action", [NO_MEASURE | {"status": "cancelled"}], "x", {}),
        ("closed actions are not counted", [{}, NO_DATE, DONE], "x", {"no_date": (1, 2, "t2")}),
        ("one of two", [{}, NO_DATE], "x", {"no_date": (1, 2, "t2")}),
        ("four are all named", [NO_DATE] * 4, "x", {"no_date": (4, 4, "t1 t2 t3 t4")}),
        ("five are all named", [NO_DATE] * 5, "x", {"no_date": (5, 5, "t1 t2 t3 t4 t5")}),
        ("of six, five are named", [NO_DATE] * 6, "x", {"no_date": (6, 6, "t1 t2 t3 t4 t5")}),
        (
            "all at once, in a fixed order",
            [STARTER | NO_OWNER | NO_DATE | NO_MEASURE | NO_STATUS | NO_STAGE],
            "",
            {
                "starter": (1, 1, "t1"),
                "no_party": (1, 1, "t1"),
                "no_date": (1, 1, "t1"),
                "no_measure": (1, 1, "t1"),
                "no_status": (1, 1, "t1"),
                "no_stage": (1, 1, "t1"),
                "no_summary": (1, 1, ""),
            },
        ),
    ]
]
WARNINGS_TABLE.append(
    Case("no contact", {"changes": [{}], "summary": "x", "contact": ""}, {"no_contact": (1, 1, "")})
)


@pytest.fixture
def warnings_of(riverton, in_city):
    def read(changes, summary, contact="equity@riverton.example"):
        riverton.contact_email = contact
        with transaction.atomic(), in_city(riverton):
            plan = PlanFactory(summary=summary)
            write_actions(plan, changes)
            warnings = {
                line["key"]: (line["count"], line["of"], " ".join(action.code for action in line["actions"]))
                for line in publish_warnings(plan)
            }
            transaction.set_rollback(True)
        return warnings

    return read


@table_of(WARNINGS_TABLE)
def test_a_coordinator_is_warned_of_gaps_before_publishing(case, warnings_of):
    warnings = warnings_of(**case.given)
    assert warnings == case.expected
    assert list(warnings) == list(case.expected)


def test_a_kind_of_step_of_the_outcome_is_enough(riverton, in_city):
    riverton.contact_phone = "(202) 555-0142"
    with in_city(riverton):
        plan = PlanFactory(summary="What we do.")
        outcome = OutcomeFactory(goal__plan=plan, stage="normalize")
        MeasureFactory(action=ActionFactory(outcome=outcome, stage=""))
        assert publish_warnings(plan) == []
        assert Action.objects.filter(stage="").exists()


@faults_of(
    [
        Fault(WARNINGS, "a.accountable_id is None and a.owner_id is None", "a.accountable_id is None or a.owner_id is None"),
        Fault(WARNINGS, "a.accountable_id is None and a.owner_id is None", "a.accountable_id is None"),
        Fault(WARNINGS, ".exclude(status__in=Action.CLOSED, status__isnull=False)", ""),
        Fault(WARNINGS, "a.due_date is None and not a.is_continuous", "a.due_date is None"),
        Fault(WARNINGS, "a.due_date is None and not a.is_continuous", "a.due_date is None or not a.is_continuous"),
        Fault(WARNINGS, "not connection.tenant.has_contact", "connection.tenant.has_contact"),
        Fault(WARNINGS, "not connection.tenant.has_contact", "False"),
        Fault(WARNINGS, "not a.measures.all()", "len(a.measures.all()) < 2"),
        Fault(WARNINGS, "a.status is None", 'a.status in (None, "not_started")'),
        Fault(WARNINGS, 'a.source.get("starter")', "a.source"),
        Fault(WARNINGS, "not a.stage and not a.outcome.stage", "not a.stage and a.outcome.stage"),
        Fault(WARNINGS, "incomplete[:5]", "incomplete[:4]"),
        Fault(WARNINGS, "incomplete[:5]", "incomplete[:6]"),
        Fault(WARNINGS, '"of": len(actions)', '"of": len(incomplete)'),
        Fault(WARNINGS, "if not plan.summary", "if plan.summary"),
    ]
)  # fmt: skip
def test_a_wrong_warning_is_noticed(fault, warnings_of):
    with planted(fault):
        assert any(wrong_cases(warnings_of, WARNINGS_TABLE))
