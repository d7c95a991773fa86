"""Display text of plans and actions: status, stage, due date, owner, and the values in the change log."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.formats import (
    action_heading,
    choice_label,
    days_ago,
    format_number,
    format_partial_date,
    format_years,
    lowercase_first,
    title_with_label,
)
from tenants.models import ActionStage, Visibility
from tenants.plans.models import Action, Plan, Precision
from tenants.plans.standing import NO_STATUS, NOT_COUNTED, OVERDUE, is_past_due, standing

# Bad news first.
STATUSES_BY_URGENCY = [
    "off_track",
    OVERDUE,
    "at_risk",
    "on_hold",
    "not_started",
    NO_STATUS,
    "on_track",
    "completed",
    "cancelled",
    "merged",
]
# The order of glyphs in a row: from done to uncounted.
STATUSES_BY_PROGRESS = [
    "completed",
    "on_track",
    "at_risk",
    "off_track",
    OVERDUE,
    "on_hold",
    "not_started",
    NO_STATUS,
    "cancelled",
    "merged",
]


NOT_ASSIGNED = gettext_lazy("Not assigned")
# The facts of an action, as columns, forms and pages call them.
FIELD_LABELS: dict[str, Any] = {
    "accountable": gettext_lazy("Responsible"),
    "due_date": gettext_lazy("Due"),
    "is_continuous": gettext_lazy("Ongoing (no end date)"),
    "stage": gettext_lazy("Strategy"),
}
STAGE_HELP = gettext_lazy("Normalize, organize, or operationalize.")
FRESHNESS_LABELS = {
    "fresh": gettext_lazy("Up to date"),
    "due": gettext_lazy("Update due"),
    "late": gettext_lazy("Update late"),
    "stale": gettext_lazy("No recent update"),
    "undated": gettext_lazy("Reported, date not given"),
    "none": gettext_lazy("No update yet"),
}
LOGGED_CHOICES: dict[str, Any] = {
    "stage": ActionStage,
    "visibility": Visibility,
    "lifecycle": Plan.Lifecycle,
}


def status_label(code: str | None, status_labels: Mapping[str, str] | None = None) -> str:
    """The city's own label for a status or standing, or the portal's; `status_labels` is Plan.status_labels."""
    code = code or NO_STATUS
    if label := (status_labels or {}).get(code):
        return label
    if code == OVERDUE:
        return _("Overdue")
    return _("No status yet") if code == NO_STATUS else choice_label(Action.Status, code)


def standing_note(
    status: str | None, status_labels: Mapping[str, str], *, due_passed: bool, has_report: bool = False
) -> str:
    """What stands below the standing of an action that is open after its due date: "Report: on track"; else ""."""
    if not due_passed:
        return ""
    if not status:
        return _("Due date passed, no status") if has_report else _("Due date passed, no report")
    return _("Report: %(status)s") % {"status": lowercase_first(status_label(status, status_labels))}


def standing_texts(
    status: str | None, due: dt.date | None, plan: Plan, *, on: dt.date, has_report: bool = False
) -> dict[str, str]:
    """An action's standing with its texts: {"state": "overdue", "status": "Overdue", "note": "Report: on track"}."""
    state = standing(status, due, on=on, is_draft=plan.is_draft)
    due_passed = status not in Action.CLOSED and is_past_due(due, on=on, is_draft=plan.is_draft)
    return {
        "state": state,
        "status": status_label(state, plan.status_labels),
        "note": standing_note(status, plan.status_labels, due_passed=due_passed, has_report=has_report),
    }


def goal_label(label: str, title: str, department: str) -> str:
    """A goal where goals of several departments stand in one list: "1: Hiring and recruitment (Library)"."""
    heading = title_with_label(label, title)
    return f"{heading} ({department})" if department else heading


def format_age_of_update(state: str, days: int) -> str:
    """ "Last update 149 days ago (late)": it is the update that is late, not the action."""
    texts = {"age": days_ago(days)}
    if state == "due":
        return _("Last update %(age)s (due now)") % texts
    if state in ("late", "stale"):
        return _("Last update %(age)s (late)") % texts
    return _("Last update %(age)s") % texts


def format_undated_report(label: str) -> str:
    """The label of a report without a date, as a sheet names it: "Q3 (year not given)", "Spring (date not given)"."""
    if not label:
        return _("date not given")
    if re.fullmatch(r"(Q|q|Quarter )[1-4]", label):
        return _("%(label)s (year not given)") % {"label": label}
    return _("%(label)s (date not given)") % {"label": label}


def stage_label(code: str) -> str:
    return choice_label(ActionStage, code) or _("Not set")


def format_due(due: dt.date | None, precision: str, is_continuous: bool) -> str:
    """ "June 2027", "Ongoing (no end date)" or "No due date"."""
    if due:
        return format_partial_date(due, precision or Precision.DAY)
    return str(FIELD_LABELS["is_continuous"]) if is_continuous else _("No due date")


def format_vacancy(since: dt.date | None) -> str:
    """ "Vacant since June 30, 2027"; "" if the position is filled."""
    return _("Vacant since %(day)s") % {"day": format_partial_date(since)} if since else ""


def format_accountable(department: str, vacant_since: dt.date | None) -> str:
    """The accountable department, and since when its position is vacant; escaped HTML."""
    vacancy = format_vacancy(vacant_since)
    if not department or not vacancy:
        return department or vacancy or str(NOT_ASSIGNED)
    return format_html('{} <span class="micro soft">({})</span>', department, lowercase_first(vacancy))


def format_period(plan: Plan) -> str:
    """ "2025–2029", "2025", or ""."""
    return format_years(
        plan.period_start.year if plan.period_start else None,
        plan.period_end.year if plan.period_end else None,
    )


def format_status_counts(counts: Mapping[str, int], status_labels: Mapping[str, str]) -> str:
    """ "2 completed, 5 on track, 1 no status yet", in STATUSES_BY_PROGRESS order."""
    return ", ".join(
        f"{format_number(counts[code])} {lowercase_first(status_label(code, status_labels))}"
        for code in STATUSES_BY_PROGRESS
        if counts.get(code)
    )


def status_segments(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The parts of a status bar, [{"state", "count"}], in STATUSES_BY_PROGRESS order; NOT_COUNTED are none of it."""
    return [
        {"state": state, "count": counts[state]}
        for state in STATUSES_BY_PROGRESS
        if counts.get(state) and state not in NOT_COUNTED
    ]


def format_logged_date(date: str, fields: Mapping[str, Any]) -> str:
    """A date of an action from its logged fields, as its page shows it: see change_log.date_changes."""
    day = parse_date(fields[date] or "")
    if date == "due_date":
        return format_due(day, fields["due_precision"] or "", bool(fields["is_continuous"]))
    return format_partial_date(day, fields["start_precision"] or Precision.DAY)


def format_logged_value(
    name: str,
    value: Any,
    *,
    owners: Mapping[int, str] | None = None,
    status_labels: Mapping[str, str] | None = None,
) -> str:
    """The logged value of a field as text; "" for nothing. A date of an action: format_logged_date.

    `owners` are the names of people by the id of their affiliation; `status_labels` is Plan.status_labels.
    """
    if value in (None, "", []):
        return ""
    if name == "status" and value in Action.Status.values:
        return status_label(value, status_labels)
    if name in LOGGED_CHOICES:
        choices = LOGGED_CHOICES[name]
        return choice_label(choices, value) if value in choices.values else str(value)
    if name == "owner":
        return (owners or {}).get(value, str(value))
    if name == "position" and isinstance(value, int):
        return str(value + 1)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return "; ".join(_format_item(item, status_labels) for item in value)
    if isinstance(value, dict):
        return _format_item(value, status_labels)
    return _format_day(value, Precision.DAY) or str(value)


def _format_item(item: Any, status_labels: Mapping[str, str] | None) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "kind" in item:
        return _format_measure(item)
    day = _format_day(item.get("due") or item.get("on"), item.get("precision") or Precision.DAY)
    status = status_label(item["status"], status_labels) if item.get("status") else ""
    done = _format_day(item.get("done"), Precision.DAY)
    texts = [item.get("title"), item.get("label"), status, item.get("text"), item.get("reason"), item.get("next_step"),
             day, _("done %(day)s") % {"day": done} if done else ""]  # fmt: skip
    return ", ".join(str(text) for text in texts if text)


def _format_measure(measure: Mapping[str, str]) -> str:
    """ "Families helped (at the start: 22; target: 75)"."""
    details = [
        _("at the start: %(value)s") % {"value": measure["baseline"]} if measure.get("baseline") else "",
        _("target: %(value)s") % {"value": measure["target"]} if measure.get("target") else "",
    ]
    text = "; ".join(filter(None, details))
    return f"{measure['text']} ({text})" if text else str(measure["text"])


def _format_day(text: Any, precision: str) -> str:
    try:
        day = parse_date(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return ""
    return format_partial_date(day, precision)


def format_subject(action: Action) -> str:
    """The subject of an email about an action: "Action 4.1: Eviction help"."""
    title = action_heading("", action.title)
    if not action.number:
        return _("Action: %(title)s") % {"title": title}
    return _("Action %(number)s: %(title)s") % {"number": action.number, "title": title}
