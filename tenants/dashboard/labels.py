"""Display text for statuses, stages, dates and counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.contrib.humanize.templatetags.humanize import apnumber
from django.utils import formats
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.memo import said_once
from tenants.models import ActionStage
from tenants.plans.models import Action, Precision

NO_STATUS = "none"  # stands for "no status yet" in addresses and downloads

# Bad news first.
STATUSES_BY_URGENCY = [
    "off_track",
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
    "on_hold",
    "not_started",
    NO_STATUS,
    "cancelled",
    "merged",
]


def status_label(code: str | None, status_labels: Mapping[str, str]) -> str:
    """The city's own label for a status, or the portal's; `status_labels` is Plan.status_labels."""
    return status_labels.get(code or NO_STATUS) or _default_status_label(code or NO_STATUS)


@said_once
def _default_status_label(code: str) -> str:
    return _("No status yet") if code == NO_STATUS else str(Action.Status(code).label)


@said_once
def stage_label(code: str) -> str:
    return str(ActionStage(code).label) if code else _("Not said")


@said_once
def format_partial_date(day: dt.date | None, precision: str = Precision.DAY, *, short: bool = False) -> str:
    """A date with the given precision: "2027", "2027 Q2", "June 2027" or "June 30, 2027"."""
    if day is None:
        return ""
    if precision == Precision.YEAR:
        return str(day.year)
    if precision == Precision.QUARTER:
        return _("%(year)s Q%(quarter)s") % {"year": day.year, "quarter": (day.month + 2) // 3}
    if precision == Precision.MONTH:
        return formats.date_format(day, "M Y" if short else "YEAR_MONTH_FORMAT")
    return formats.date_format(day, "M j, Y" if short else "DATE_FORMAT")


@said_once
def format_due(due: dt.date | None, precision: str, is_continuous: bool, *, short: bool = False) -> str:
    if due:
        return format_partial_date(due, precision or Precision.DAY, short=short)
    return _("Goes on without an end date") if is_continuous else _("No date given")


def time_since(day: dt.date, *, on: dt.date) -> str:
    """The time between two days as text: "today", "1 day ago", "21 days ago"."""
    return _days_ago(max((on - day).days, 0))


@said_once
def _days_ago(days: int) -> str:
    if not days:
        return _("today")
    return ngettext("%(days)d day ago", "%(days)d days ago", days) % {"days": days}


def year_since(start: dt.date, *, on: dt.date) -> int:
    """The number of the year that `on` is in, counted from `start`: 1 until the day before its first anniversary."""
    return on.year - start.year + 1 - ((on.month, on.day) < (start.month, start.day))


def format_accountable(department: str, vacant_since: dt.date | None, *, short: bool = True) -> str:
    """The accountable department, and since when its position is vacant; escaped HTML."""
    if not vacant_since:
        return department or _("Nobody is named yet")
    day = format_partial_date(vacant_since, short=short)
    if not department:
        return _("Position vacant since %(day)s") % {"day": day}
    return format_html(
        '{} <span class="micro soft">({})</span>',
        department,
        _("position vacant since %(day)s") % {"day": day},
    )


def spell_number(number: int) -> str:
    """A number in words up to nine, in digits above, as in "eight actions"."""
    return str(apnumber(number))


def capitalize_first(text: str) -> str:
    return str(capfirst(text))


def format_status_counts(counts: Mapping[str, int], status_labels: Mapping[str, str]) -> str:
    """ "2 completed, 5 on track, 1 no status yet", in STATUSES_BY_PROGRESS order."""
    return ", ".join(
        f"{counts[code]} {lowercase_first(status_label(code, status_labels))}"
        for code in STATUSES_BY_PROGRESS
        if counts.get(code)
    )


def action_heading(number: str, title: str) -> str:
    """ "4.1 Eviction help" from "4.1" and "Eviction help.": titles of sheets are sentences, headings have no period."""
    text = title[:-1] if title.endswith(".") and not title.endswith("..") else title
    return f"{number} {text}" if number else text


def lowercase_first(text: str) -> str:
    """The text for the middle of a sentence. A word in all capitals stays as it is."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
