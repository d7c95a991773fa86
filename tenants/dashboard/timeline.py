"""Actions completed over time, beside those that were due by the dates the plan was adopted with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tenants import formats
from tenants.charts import step_chart
from tenants.dashboard.periods import Period, periods_between
from tenants.dashboard.statistics import PlanStatistics, Row
from tenants.plans.commitments import promised_since
from tenants.plans.models import Action, Plan, PlanLogEntry
from tenants.plans.standing import NOT_COUNTED


@dataclass(frozen=True)
class Timeline:
    """What the chart, its table and its heading are made of."""

    since: dt.date
    periods: list[Period]
    completed: list[int]  # by the end of each period; without actions whose date of completion is not known
    due: list[int]
    due_rows: list[Row]  # were due before today by the dates of adoption
    by_report_count: (
        int  # completed actions that are dated by their last report, because no report names the day
    )
    undated_count: int  # completed actions without any dated report

    @property
    def unknown_count(self) -> int:
        """Number of those that were due and have no status: whether they are done is not known."""
        return sum(not row["status"] for row in self.due_rows)

    @property
    def missed_rows(self) -> list[Row]:
        """Those that were due and are reported as not completed."""
        return [row for row in self.due_rows if row["status"] not in (None, "", Action.Status.COMPLETED)]

    @property
    def kept_count(self) -> int:
        return len(self.due_rows) - len(self.missed_rows) - self.unknown_count

    @property
    def is_drawn(self) -> bool:
        """False while most completed actions have no date: the line would show less than what is done."""
        return self.undated_count <= self.completed[-1]


def build_timeline(statistics: PlanStatistics) -> Timeline | None:
    """The plan from its adoption until today; None before it is adopted, and while nothing is due or completed.

    A plan without a day of adoption is counted from the day its period starts.
    """
    plan, on = statistics.plan, statistics.on
    since = plan.adopted_on or plan.period_start
    if plan.lifecycle == Plan.Lifecycle.DRAFT or since is None or since > on:
        return None
    rows = [row for row in statistics.rows if row["state"] not in NOT_COUNTED]
    promised_by = adopted_due_dates(plan, rows)
    due_rows = [row for row in rows if (day := promised_by[row["pk"]]) and day < on]
    completed = [row for row in rows if row["status"] == Action.Status.COMPLETED]
    if not due_rows and not completed:
        return None
    periods = periods_between(since, on)
    dates = [row["completed_on"] or row["last_update_on"] for row in completed]
    days_done = [day for day in dates if day]
    days_due = [day for day in promised_by.values() if day and day < on]
    return Timeline(
        since=since,
        periods=periods,
        completed=[sum(day <= period.end for day in days_done) for period in periods],
        due=[sum(day <= period.end for day in days_due) for period in periods],
        due_rows=due_rows,
        by_report_count=sum(row["completed_on"] is None and bool(row["last_update_on"]) for row in completed),
        undated_count=len(completed) - len(days_done),
    )


def adopted_due_dates(plan: Plan, rows: list[Row]) -> dict[int, dt.date | None]:
    """By id, the due date that each action was adopted with: moving a date hides nothing. Two queries.

    An action that was added later has the date it was added with.
    """
    dates = {row["pk"]: row["due_date"] for row in rows}
    log = PlanLogEntry.objects.filter(object_type="action", fields__has_key="due_date")
    changes = list(log.order_by("-at", "-pk").values_list("at", "object_uuid", "fields"))
    since = promised_since(plan) if changes else None
    by_uuid = {row["uuid"]: row["pk"] for row in rows}
    for at, uuid, fields in changes:
        if uuid in by_uuid and since and at >= since:
            was, now = fields["due_date"]
            is_new = "title" in fields and not fields["title"][0]
            dates[by_uuid[uuid]] = parse_date((now if is_new else was) or "")
    return dates


def timeline_context(timeline: Timeline, statistics: PlanStatistics) -> dict[str, Any]:
    """The template context of the chart and its table."""
    return {
        "chart": _draw(timeline) if timeline.is_drawn else "",
        "table": [
            {"label": period.label, "completed": done, "due": due}
            for period, done, due in zip(timeline.periods, timeline.completed, timeline.due, strict=True)
        ],
        "by_year": not timeline.periods[-1].quarter,
        "since": formats.format_partial_date(timeline.since),
        "was_adopted": bool(statistics.plan.adopted_on),
        "kept": timeline.kept_count,
        "due_count": len(timeline.due_rows),
        "unknown": timeline.unknown_count,
        "missed_count": len(timeline.missed_rows),
        "missed_words": formats.spell_number(len(timeline.missed_rows)),
        "by_report": timeline.by_report_count,
        "undated": timeline.undated_count,
    }


def _draw(timeline: Timeline) -> SafeString:
    description = _(
        "Completed actions rose to %(done)s from %(first)s to %(last)s. By then %(due)s were due."
    ) % {
        "done": formats.format_number(timeline.completed[-1]),
        "due": formats.format_number(timeline.due[-1]),
        "first": timeline.periods[0].label,
        "last": timeline.periods[-1].label,
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
    return step_chart.draw(lines, ticks, title=_("Actions completed over time"), description=description)
