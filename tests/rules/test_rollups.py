"""The number of a plan's actions in each standing: the same on the dashboard, in the copy for others, in the API, in files.

Cancelled and merged actions are left out of the count; retired ones are nowhere.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from typing import NamedTuple

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cohort.models import PublicPlan
from cohort.progress.selectors import build_progress_rows
from tenants.dashboard import open_data
from tenants.dashboard.statistics import load_statistics
from tenants.models import Jurisdiction
from tenants.plans import selectors
from tenants.plans.models import Action, Plan
from tenants.signals import plan_published
from tests.plan_factories import ActionFactory, DepartmentFactory, GoalFactory, OutcomeFactory, PlanFactory
from tests.rules.planted import Case, Fault, faults_of, planted, table_of, wrong_cases

COPY_COUNTS = "cohort.models:PublicPlan.count_by_standing"
PLAN_ROW = "cohort.projections.refresh:_plan_row"
COUNT_ACTIONS = "tenants.plans.selectors:count_actions"
STATISTICS = "tenants.dashboard.statistics"
LEAD = f"{STATISTICS}:PlanStatistics.lead_paragraph"
PROGRESS = f"{STATISTICS}:PlanStatistics._progress_sentences"


class Numbers(NamedTuple):
    counted: int = 0
    completed: int = 0
    on_track: int = 0
    at_risk: int = 0
    off_track: int = 0
    overdue: int = 0
    on_hold: int = 0
    not_started: int = 0
    no_status: int = 0
    left_out: int = 0
    attention: int = 0
    due_passed: int = 0


ALL = [None, *Action.Status.values]
LATE = [f"late {status or 'none'}" for status in ALL]

# The statuses of a plan's actions, and its numbers.
TABLE = [
    Case(name, {"statuses": statuses}, expected)
    for name, statuses, expected in [
        ("each status once", ALL, Numbers(7, 1, 1, 1, 1, 0, 1, 1, 1, 2, attention=3)),
        (
            "each status once, past its due date",
            LATE,
            Numbers(7, 1, 0, 0, 0, 5, 0, 0, 1, 2, attention=5, due_passed=6),
        ),
        (
            "each once in time and once late",
            ALL + LATE,
            Numbers(14, 2, 1, 1, 1, 5, 1, 1, 2, 4, attention=8, due_passed=6),
        ),
        (
            "overdue: on track is the last report",
            ["late on_track"],
            Numbers(1, overdue=1, attention=1, due_passed=1),
        ),
        ("no status and past its due date", ["late none"], Numbers(1, no_status=1, due_passed=1)),
        ("completed after its due date", ["late completed"], Numbers(1, completed=1)),
        ("retired and past its due date", ["late retired"], Numbers()),
        ("one retired, one done", ["retired", "completed"], Numbers(counted=1, completed=1)),
        ("an empty plan", [], Numbers()),
        ("no status yet", [None], Numbers(counted=1, no_status=1)),
        ("not started", ["not_started"], Numbers(counted=1, not_started=1)),
        ("on track", ["on_track"], Numbers(counted=1, on_track=1)),
        ("at risk", ["at_risk"], Numbers(counted=1, at_risk=1, attention=1)),
        ("off track", ["off_track"], Numbers(counted=1, off_track=1, attention=1)),
        ("on hold", ["on_hold"], Numbers(counted=1, on_hold=1, attention=1)),
        ("completed", ["completed"], Numbers(counted=1, completed=1)),
        ("cancelled", ["cancelled"], Numbers(left_out=1)),
        ("merged", ["merged"], Numbers(left_out=1)),
        ("only cancelled and merged", ["cancelled", "cancelled", "merged"], Numbers(left_out=3)),
        ("retired", ["retired"], Numbers()),
        ("each status twice", ALL * 2, Numbers(14, 2, 2, 2, 2, 0, 2, 2, 2, 4, attention=6)),
        (
            "half done",
            ["completed", "completed", "at_risk", None],
            Numbers(4, 2, at_risk=1, no_status=1, attention=1),
        ),
    ]
]


@pytest.fixture
def numbers_in(riverton, alliance, in_city, client_for):
    """numbers_in(statuses): the numbers of a public plan of such actions, by where they stand; leaves no row behind."""
    Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched")
    riverton.refresh_from_db()
    city, portal = client_for(riverton), client_for(alliance)

    def read(statuses):
        with transaction.atomic(), in_city(riverton):
            plan = write_plan(statuses)
            plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
            numbers = from_the_city(plan) | from_the_copy() | from_files_and_api(city, portal)
            connection.set_tenant(riverton)
            transaction.set_rollback(True)
        return agreed(numbers)

    return read


def write_plan(statuses) -> Plan:
    """A plan of two goals; its actions have one of two departments or none, and a kind of step or none."""
    plan = PlanFactory()
    outcomes = [OutcomeFactory(goal__plan=plan, stage=stage) for stage in ("normalize", "")]
    departments = [DepartmentFactory(), DepartmentFactory(), None]
    for number, status in enumerate(statuses):
        late, _space, code = (status or "").rpartition(" ")
        how = {"retired": True} if code == "retired" else {"status": None if code in ("", "none") else code}
        how["due_date"] = timezone.localdate() - dt.timedelta(days=1 if late else 0)
        ActionFactory(outcome=outcomes[number % 2], accountable=departments[number % 3], **how)
    return plan


def from_the_city(plan):
    statistics = load_statistics(plan)
    numbers = {}
    by_kind = {"plan": []}
    for record in open_data.statistics_records(statistics):
        by_kind.setdefault(record["by"], []).append(from_file(record))
    for kind, lines in by_kind.items():
        numbers[f"dashboard, by {kind}"] = added_up(lines)
    for by in ("standing", "goal", "department", "stage"):
        groups = selectors.count_actions(plan, by=by).values()
        counts = Counter()
        for group in groups:
            counts.update(group)
        numbers[f"workspace, by {by}"] = {
            "counted": counts["counted"],
            "completed": counts["completed"],
            "attention": counts["attention"],
            "no_status": counts["no_status"],
            "left_out": counts["total"] - counts["counted"],
        }
    by_state = sum(selectors.count_standings_by_goal(plan).values(), Counter())
    numbers["editor, by goal"] = {
        "counted": by_state.total() - by_state["cancelled"] - by_state["merged"],
        **{name: by_state[name] for name in ("completed", "on_track", "overdue", "not_started")},
        "no_status": by_state["none"],
        "left_out": by_state["cancelled"] + by_state["merged"],
    }
    overall = statistics.overall
    numbers["home page"] = {
        "counted": overall.counted, "completed": overall.completed, "attention": overall.attention,
        "overdue": overall.overdue,
    }  # fmt: skip
    numbers["actions that rollups count"] = {
        "counted": Action.objects.counted().filter(outcome__goal__plan=plan).count()
    }
    return numbers


def from_the_copy():
    plan = PublicPlan.objects.with_overdue().select_related("jurisdiction").get()
    row = build_progress_rows([plan], on=plan.adopted_on)[0]
    return {"copy": from_rollup(vars(plan) | plan.count_by_standing()), "progress page": from_rollup(row)}


def from_files_and_api(city, portal):
    passing_the_cache_by = {"x-requested-with": "a test"}

    def get(client, url):
        return client.get(url, headers={"host": client.defaults["HTTP_HOST"]} | passing_the_cache_by)

    numbers = csv.DictReader(io.StringIO(get(city, "/data/numbers.csv").content.decode("utf-8-sig")))
    plans = csv.DictReader(io.StringIO(get(portal, "/progress/plans.csv").content.decode("utf-8-sig")))
    return {
        "numbers.csv": from_file(next(numbers)),
        "plan.json": from_file(get(city, "/data/plan.json").json()["numbers"]),
        "plans.csv": from_rollup(next(plans)),
        "plans.json": from_rollup(get(portal, "/progress/plans.json").json()["plans"][0]),
        "API": from_rollup(get(portal, "/api/v1/plans").json()["results"][0]),
    }


def from_file(record):
    n = {key: int(value) for key, value in record.items() if key not in ("by", "name", "counted_on")}
    return {
        "counted": n["actions_counted"],
        "completed": n["completed"],
        "on_track": n["on_track"],
        "at_risk": n["at_risk"],
        "off_track": n["off_track"],
        "overdue": n["overdue"],
        "on_hold": n["on_hold"],
        "attention": n["at_risk"] + n["off_track"] + n["overdue"] + n["on_hold"],
        "due_passed": n["promised_date_passed"],
        "not_started": n["not_started"],
        "no_status": n["no_status"],
        "left_out": n["cancelled"] + n["merged"],
    }


def from_rollup(row):
    return {
        "counted": int(row["actions_counted"] if "actions_counted" in row else row["actions"]),
        "completed": int(row["completed"]),
        "on_track": int(row["on_track"]),
        "at_risk": int(row["at_risk"]),
        "off_track": int(row["off_track"]),
        "overdue": int(row["overdue"]),
        "on_hold": int(row["on_hold"]),
        "attention": int(row["needs_attention"]),
        "not_started": int(row["not_started"]),
        "no_status": int(row["no_status"]),
        "left_out": int(row["left_out"]),
    }


def added_up(lines):
    return {name: sum(line[name] for line in lines) for name in Numbers._fields}


def in_eight_groups(numbers):
    return [getattr(numbers, name) for name in Numbers._fields[1:9]]


def agreed(by_source):
    """The numbers on which all agree; where they do not, each value with the pages and files that show it."""
    numbers = {}
    for name in Numbers._fields:
        shown: dict[int, list[str]] = {}
        for where, values in by_source.items():
            if name in values:
                shown.setdefault(values[name], []).append(where)
        numbers[name] = next(iter(shown)) if len(shown) == 1 else shown
    return Numbers(**numbers)


@table_of(TABLE)
def test_all_pages_and_files_show_the_same_numbers(case, numbers_in):
    assert numbers_in(**case.given) == case.expected


def test_the_parts_of_a_plan_add_up_to_what_is_counted():
    for case in TABLE:
        assert case.expected.counted == sum(in_eight_groups(case.expected)), case.name


@faults_of(
    [
        Fault(PLAN_ROW, "ActionStatus.CANCELLED, ActionStatus.MERGED", "ActionStatus.CANCELLED"),
        Fault(PLAN_ROW, "ActionStatus.CANCELLED, ActionStatus.MERGED", "ActionStatus.MERGED"),
        Fault(PLAN_ROW, "filter=~counted", "filter=counted"),
        Fault(PLAN_ROW, "on_hold=Count(\"pk\", filter=Q(status=ActionStatus.ON_HOLD))", "on_hold=Count(\"pk\")"),
        Fault(COPY_COUNTS, "getattr(self, status) - overdue.get(status, 0)", "getattr(self, status)"),
        Fault(COPY_COUNTS, "sum(overdue.values())", "len(overdue)"),
        Fault(COPY_COUNTS, "in NEEDS_ATTENTION", "in Action.NEEDS_ATTENTION"),
        Fault("cohort.models:PublicPlanQuerySet.with_overdue", "overdue_at__lte=", "overdue_at__gt="),
        Fault("cohort.projections.refresh:_action_rows", "is_draft=plan.is_draft", "is_draft=True"),
        Fault(PLAN_ROW, "Action.objects.current()", "Action.objects"),
        Fault(PLAN_ROW, "no_status=Count(\"pk\", filter=Q(status=None))", "no_status=Count(\"status\")"),
        Fault("tenants.plans.standing:standing", "return OVERDUE", "return status"),
        Fault("tenants.plans.standing:standing_expression", "Value(OVERDUE)", "Value(NO_STATUS)"),
        Fault(f"{STATISTICS}:StatGroup.counted", "not in", "in"),
        Fault(f"{STATISTICS}:StatGroup.counted", "NOT_COUNTED", '("cancelled",)'),
        Fault(f"{STATISTICS}:StatGroup.attention", "NEEDS_ATTENTION", '("at_risk", "off_track")'),
        Fault(f"{STATISTICS}:StatGroup.due_passed", '"due_passed"', '"is_open"'),
        Fault("tenants.plans.models:ActionQuerySet.counted", ", Action.Status.MERGED", ""),
        Fault("tenants.plans.models:ActionQuerySet.current", "(retired_at=None, ", "("),
        Fault(COUNT_ACTIONS, "standing__in=NOT_COUNTED", 'standing="cancelled"'),
        Fault(COUNT_ACTIONS, "standing__in=NEEDS_ATTENTION", "status__in=Action.NEEDS_ATTENTION"),
        Fault("tenants.dashboard.open_data:statistics_records", "group.counted", "len(group.rows)"),
        Fault("cohort.progress.views:_export_row", 'row["actions"]', 'row["actions"] + row["left_out"]'),
        Fault("cohort.progress.views:_export_row", 'row["no_status"]', 'row["not_started"]'),
        Fault("cohort.progress.selectors:_build_row", "**counts", '**counts | {"on_track": plan.on_track}'),
    ]
)  # fmt: skip
def test_a_wrong_number_is_noticed(fault, numbers_in):
    with planted(fault):
        assert any(wrong_cases(numbers_in, TABLE))


# ---- The numbers in words --------------------------------------------------------------------------------
def words_of(actions, completed, attention, no_status):
    """How the progress page and the directory put a plan's numbers."""
    plan = PublicPlan(
        jurisdiction=Jurisdiction(name="City of Riverton"),
        actions=actions,
        completed=completed,
        at_risk=attention,
        no_status=no_status,
    )
    plan.overdue_by_status = None
    row = build_progress_rows([plan], on=dt.date(2027, 4, 8))[0]
    return row["completed_label"], row["summary"]


WORDS = [
    Case(name, dict(zip(("actions", "completed", "attention", "no_status"), numbers, strict=True)), expected)
    for name, numbers, expected in [
        ("one, no report", (1, 0, 0, 1), ("1 action, no status yet", "1 action, no status reported yet.")),
        ("two, no report", (2, 0, 0, 2), ("2 actions, no status yet", "2 actions, no status reported yet.")),
        ("one of two reported", (2, 0, 0, 1), ("0 of 2", "0 of 2 actions done.")),
        ("all reported, none done", (2, 0, 0, 0), ("0 of 2", "0 of 2 actions done.")),
        ("all done", (2, 2, 0, 0), ("2 of 2", "2 of 2 actions done.")),
        ("one needs attention", (3, 1, 1, 0), ("1 of 3", "1 of 3 actions done, 1 needs attention.")),
        ("two need attention", (3, 1, 2, 0), ("1 of 3", "1 of 3 actions done, 2 need attention.")),
    ]
]


@table_of(WORDS)
def test_the_numbers_of_a_plan_in_words(case):
    assert words_of(**case.given) == case.expected


@faults_of(
    [
        Fault("cohort.progress.selectors:_completed_label", "no_status == actions", "no_status"),
        Fault("cohort.progress.selectors:_summary_sentence", "no_status == actions", "no_status"),
        Fault("cohort.progress.selectors:_summary_sentence", "not needs_attention", "needs_attention < 2"),
        Fault(
            "cohort.progress.selectors:_build_row",
            "plan.completed, plan.no_status, language)",
            "plan.completed, 0, language)",
        ),
    ]
)
def test_wrong_words_are_noticed(fault):
    with planted(fault):
        assert any(wrong_cases(words_of, WORDS))


# ---- The home page's first paragraph ----------------------------------------------------------------------
TWO, UNREPORTED = "two goals and two actions", "No progress is reported yet."
LEADS = [
    Case(name, {"statuses": statuses, "goals_without": goals_without}, expected)
    for name, statuses, goals_without, expected in [
        ("no report at all", [None, None], 0, f"{TWO}. {UNREPORTED}"),
        ("no report, one cancelled", [None, "cancelled"], 0, f"{TWO}. {UNREPORTED}"),
        ("one report, nothing done", [None, "on_track"], 0, f"{TWO}. None is done yet."),
        ("one done", ["completed", None], 0, f"{TWO}. One action is done."),
        ("two done", ["completed", "completed"], 0, f"{TWO}. Two actions are done."),
        ("all cancelled or merged, which is a report", ["cancelled", "merged"], 0, f"{TWO}. None is done yet."),
        ("one done, one overdue", ["completed", "late on_track"], 0, f"{TWO}. One action is done. One is overdue."),
        ("a goal without an action counts too", ["completed", None], 1, "three goals and two actions. One action is done."),
    ]
]  # fmt: skip


@pytest.fixture
def lead_in(riverton, in_city):
    """The first paragraph of a home page, after “adopted”, without the goal furthest behind."""

    def lead(statuses, goals_without):
        with transaction.atomic(), in_city(riverton):
            plan = write_plan(statuses)
            GoalFactory.create_batch(goals_without, plan=plan)
            GoalFactory(plan=plan, retired_at="2027-01-01T00:00Z")
            text = load_statistics(plan).lead_paragraph()
            transaction.set_rollback(True)
        return text.partition(" adopted ")[2].partition(" “")[0]

    return lead


@table_of(LEADS)
def test_the_front_page_begins_with_how_far_the_plan_is(case, lead_in):
    assert lead_in(**case.given) == case.expected


@faults_of(
    [
        Fault(LEAD, "len(self.rows)", "self.counted"),
        Fault(PROGRESS, "self.counted and self.counts", "self.counts"),
        Fault(PROGRESS, "self.counts[labels.NO_STATUS] == self.counted", "self.counts[labels.NO_STATUS]"),
        Fault(PROGRESS, "not self.reported_count", "self.counts[labels.NO_STATUS]"),
        Fault("tenants.dashboard.statistics:_goal_count", "retired_at=None", ""),
        Fault(PROGRESS, "if done:", "if done > 1:"),
        Fault(PROGRESS, "if overdue:", "if overdue > 1:"),
    ]
)
def test_a_wrong_first_paragraph_is_noticed(fault, lead_in):
    with planted(fault):
        assert any(wrong_cases(lead_in, LEADS))
