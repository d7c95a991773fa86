"""What the front page tells of single actions: the one furthest behind, the one done last, and what changed lately."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from tenants import formats
from tenants.dashboard import action_list
from tenants.dashboard.statistics import PlanStatistics, Row, get_recent_notes, quarter_start
from tenants.dashboard.visibility import PlanVisibility
from tenants.plans import labels
from tenants.plans.models import Action, ProgressNote
from tenants.plans.standing import NEEDS_ATTENTION, OVERDUE
from tenants.web.urlconf import city_path

MAX_RECENT_CHANGES = 12


def behind_and_done(
    statistics: PlanStatistics, visibility: PlanVisibility, list_url: Callable[..., str]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The action furthest behind with its reason and next step, and the one completed last with its report: one query.

    None for either where there is no such action.
    """
    behind = statistics.most_delayed_action()
    completed = [row for row in statistics.rows if row["status"] == Action.Status.COMPLETED]
    done = max(completed, key=lambda row: row["completed_on"] or dt.date.min, default=None)
    reports = ProgressNote.objects.filter(action=OuterRef("pk")).exclude(noted_on=None)
    newest = reports.order_by("-noted_on", "-position", "-pk").values("text")[:1]
    actions = Action.objects.filter(pk__in=[row["pk"] for row in (behind, done) if row])
    rows: Any = actions.values("pk", "reason", "next_step", text=Subquery(newest))
    texts: dict[int, dict[str, Any]] = {row["pk"]: row for row in rows}
    return (
        behind and _behind_context(behind, texts[behind["pk"]], statistics, visibility, list_url),
        done and _done_context(done, texts[done["pk"]], statistics, visibility, list_url),
    )


def _behind_context(
    row: Row,
    texts: dict[str, Any],
    statistics: PlanStatistics,
    visibility: PlanVisibility,
    list_url: Callable[..., str],
) -> dict[str, Any]:
    is_overdue = row["state"] == OVERDUE
    return _shown(row, statistics, visibility) | {
        "reason": texts["reason"],
        "next_step": texts["next_step"],
        "since": "" if is_overdue else formats.format_partial_date(row["status_since"]),
        "overdue_since": formats.time_since(row["due_date"], on=statistics.on) if is_overdue else "",
        "all_count": statistics.overall.attention,
        "all_url": list_url(status="attention"),
    }


def _done_context(
    row: Row,
    texts: dict[str, Any],
    statistics: PlanStatistics,
    visibility: PlanVisibility,
    list_url: Callable[..., str],
) -> dict[str, Any]:
    return _shown(row, statistics, visibility) | {
        "text": texts["text"] or "",
        "done_on": formats.format_partial_date(row["completed_on"]),
        "in_time": _in_time(row["due_date"], row["completed_on"]),
        "all_count": statistics.overall.completed,
        "all_url": list_url(status="completed"),
    }


def _shown(row: Row, statistics: PlanStatistics, visibility: PlanVisibility) -> dict[str, Any]:
    [shown] = action_list.build_display_rows(
        [row], statistics=statistics, preview_query=visibility.preview_query
    )
    return shown | {"title": formats.action_heading("", row["title"])}


def _in_time(due: dt.date | None, done_on: dt.date | None) -> str:
    """ "done in time", "done late", or empty where a date is missing."""
    if done_on is None or due is None:
        return ""
    return _("done in time") if done_on <= due else _("done late")


def recent_changes(statistics: PlanStatistics, list_url: Callable[..., str]) -> dict[str, Any]:
    """What was reported, and which due dates passed, since the quarter began: one query."""
    on, status_labels = statistics.on, statistics.plan.status_labels
    start = quarter_start(on)
    notes = get_recent_notes(statistics.plan, start, until=on, limit=MAX_RECENT_CHANGES + 1)
    entries = [_report_entry(note, status_labels) for note in notes]
    entries += [
        _overdue_entry(row, status_labels)
        for row in statistics.rows
        if row["state"] == OVERDUE and start <= row["due_date"] + dt.timedelta(days=1) <= on
    ]
    entries.sort(key=lambda entry: entry["day"], reverse=True)
    return {
        "changes": entries[:MAX_RECENT_CHANGES],
        "more_changes": len(entries) > MAX_RECENT_CHANGES,
        "updated_url": list_url(sort="-updated"),
        "last_update": formats.format_partial_date(statistics.last_update),
        "undated_count": statistics.undated_count,
        "quarter_from": formats.format_partial_date(start),
        "quarter_to": formats.format_partial_date(on),
    }


def _report_entry(note: dict[str, Any], status_labels: dict[str, str]) -> dict[str, Any]:
    """A report as an entry of the timeline."""
    is_changed = note["status"] and note["before"] and note["status"] != note["before"]
    statuses = {
        "before": formats.lowercase_first(labels.status_label(note["before"], status_labels)),
        "now": formats.lowercase_first(labels.status_label(note["status"], status_labels)),
    }
    return {
        "day": note["noted_on"],
        "date": formats.format_partial_date(note["noted_on"]),
        "url": city_path("dashboard:action", note["code"]),
        "heading": formats.action_heading(note["number"], note["title"]),
        "state": note["status"],
        "status": labels.status_label(note["status"], status_labels) if note["status"] else "",
        "needs_attention": note["status"] in NEEDS_ATTENTION,
        "transition": _("went from %(before)s to %(now)s") % statuses if is_changed else "",
        "text": note["text"],
    }


def _overdue_entry(row: Row, status_labels: dict[str, str]) -> dict[str, Any]:
    """A due date that passed, on the day after it."""
    day = row["due_date"] + dt.timedelta(days=1)
    return {
        "day": day,
        "date": formats.format_partial_date(day),
        "url": city_path("dashboard:action", row["code"]),
        "heading": formats.action_heading(row["number"], row["title"]),
        "state": OVERDUE,
        "status": labels.status_label(OVERDUE, status_labels),
        "needs_attention": True,
        "transition": _("passed its due date"),
        "text": "",
    }
