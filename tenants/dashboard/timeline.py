"""Actions completed over time, beside those that were due by the dates the plan was adopted with. Three queries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from tenants import formats
from tenants.charts import step_chart
from tenants.dashboard.periods import Period, periods_between
from tenants.dashboard.statistics import PlanStatistics, Row
from tenants.plans.commitments import promised_since
from tenants.plans.models import Action, Plan, PlanLogEntry, ProgressNote
from tenants.plans.standing import NOT_COUNTED


@dataclass(frozen=True)
class Timeline:
    """What the chart, its table and its heading are made of."""

    since: dt.date
    periods: list[Period]
    completed: list[int]  # by the end of each period; without actions whose date of completion is not known
    due: list[int]
    due_rows: list[Row]  # were due before today by the dates of adoption
    undated_count: int  # completed actions whose date of completion is not known

    @property
    def missed_rows(self) -> list[Row]:
        """Those that were due and are not completed."""
        return [row for row in self.due_rows if row["status"] != Action.Status.COMPLETED]

    @property
    def kept_count(self) -> int:
        return len(self.due_rows) - len(self.missed_rows)


def build_timeline(statistics: PlanStatistics) -> Timeline | None:
    """The plan from its adoption until today; None before it is adopted, and while nothing is due or completed.

    A plan without a day of adoption is counted from the day its period starts.
    """
    plan, on = statistics.plan, statistics.on
    since = plan.adopted_on or plan.period_start
    if plan.lifecycle == Plan.Lifecycle.DRAFT or since is None or since > on:
        return None
    rows = [row for row in statistics.rows if row["state"] not in NOT_COUNTED]
    completed_on = completion_dates(rows)
    promised_by = adopted_due_dates(plan, rows)
    due_rows = [row for row in rows if (day := promised_by[row["pk"]]) and day < on]
    if not due_rows and not completed_on:
        return None
    periods = periods_between(since, on)
    days_done = [day for day in completed_on.values() if day]
    days_due = [day for day in promised_by.values() if day and day < on]
    return Timeline(
        since=since,
        periods=periods,
        completed=[sum(day <= period.end for day in days_done) for period in periods],
        due=[sum(day <= period.end for day in days_due) for period in periods],
        due_rows=due_rows,
        undated_count=len(completed_on) - len(days_done),
    )


def completion_dates(rows: list[Row]) -> dict[int, dt.date | None]:
    """By id, the day on which each completed action became so; None where no report says it. One query.

    A status that came with a sheet has no day of its own: then it is the first of the last dated reports in a row that
    say "completed".
    """
    completed = {row["pk"]: row["status_since"] for row in rows if row["status"] == Action.Status.COMPLETED}
    unknown = [pk for pk, day in completed.items() if day is None]
    reports = ProgressNote.objects.filter(action__in=unknown).exclude(noted_on=None).exclude(status="")
    for pk, status, noted_on in reports.order_by("noted_on", "position", "pk").values_list(
        "action_id", "status", "noted_on"
    ):
        if status != Action.Status.COMPLETED:
            completed[pk] = None
        elif completed[pk] is None:
            completed[pk] = noted_on
    return completed


def adopted_due_dates(plan: Plan, rows: list[Row]) -> dict[int, dt.date | None]:
    """By id, the due date that each action was adopted with: moving a date hides nothing. Two queries.

    An action that was added later has the date it was added with.
    """
    dates = {row["pk"]: row["due_date"] for row in rows}
    since = promised_since(plan)
    if since is None:
        return dates
    by_uuid = {row["uuid"]: row["pk"] for row in rows}
    log = PlanLogEntry.objects.filter(object_type="action", at__gte=since, fields__has_key="due_date")
    for uuid, fields in log.order_by("-at", "-pk").values_list("object_uuid", "fields"):
        if uuid in by_uuid:
            was, now = fields["due_date"]
            is_new = "title" in fields and not fields["title"][0]
            dates[by_uuid[uuid]] = parse_date((now if is_new else was) or "")
    return dates


def timeline_context(timeline: Timeline, statistics: PlanStatistics) -> dict[str, Any]:
    """The template context of the chart and its table."""
    done, due = timeline.completed[-1], timeline.due[-1]
    first, last = timeline.periods[0], timeline.periods[-1]
    description = _(
        "Completed actions rose to %(done)s from %(first)s to %(last)s. By then %(due)s were due."
    ) % {
        "done": formats.format_number(done),
        "due": formats.format_number(due),
        "first": first.label,
        "last": last.label,
    }
    lines = [
        step_chart.Line(_("completed"), timeline.completed, "is-main"),
        step_chart.Line(_("were due"), timeline.due, "is-other"),
    ]
    ticks = [
        step_chart.Tick(_("Q%(n)d") % {"n": period.quarter}, str(period.year))
        if period.quarter
        else step_chart.Tick(str(period.year))
        for period in timeline.periods
    ]
    return {
        "chart": step_chart.draw(
            lines, ticks, title=_("Actions completed over time"), description=description
        ),
        "table": [
            {"label": period.label, "completed": done, "due": due}
            for period, done, due in zip(timeline.periods, timeline.completed, timeline.due, strict=True)
        ],
        "by_year": not last.quarter,
        "since": formats.format_partial_date(timeline.since),
        "was_adopted": bool(statistics.plan.adopted_on),
        "kept": timeline.kept_count,
        "due_count": len(timeline.due_rows),
        "missed_count": len(timeline.missed_rows),
        "undated": timeline.undated_count,
    }
