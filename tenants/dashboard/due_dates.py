"""When the open actions of a plan are due: the cells of the due-date strip, and the choices of the filter."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import formats
from tenants.dashboard.periods import Period, periods_between
from tenants.dashboard.statistics import PlanStatistics, Row
from tenants.plans import labels
from tenants.plans.standing import NO_STATUS, OVERDUE

ONGOING, UNDATED = "ongoing", "none"  # values of the filter beside those of periods
MAX_MARKS = 60  # a plan with more open actions has a mark for each standing, not for each action
MAX_EMPTY_CELLS = 1  # a longer gap is one cell
MAX_NAMED = 5


def rows_due(rows: list[Row], key: str) -> list[Row]:
    """The actions that are due in that period, go on without an end, or have no due date."""
    if key in (ONGOING, UNDATED):
        return [row for row in rows if row["due_date"] is None and row["is_continuous"] == (key == ONGOING)]
    period = Period.from_key(key)
    return [row for row in rows if period.holds(row["due_date"])] if period else []


def counts(rows: list[Row]) -> Counter[str]:
    """How many actions each quarter has, and how many are ongoing or without a date, by the filter's value."""
    return Counter(_key(row, by_year=False) for row in rows)


def _key(row: Row, *, by_year: bool) -> str:
    if row["due_date"]:
        return Period.of(row["due_date"], by_year=by_year).key
    return ONGOING if row["is_continuous"] else UNDATED


def choices(rows: list[Row], selected: str = "") -> list[tuple[str, str]]:
    """The values of the filter that the plan has, soonest first; the selected one too, if it is a period."""
    used = {Period.of(row["due_date"]) for row in rows if row["due_date"]}
    chosen = Period.from_key(selected)
    periods = sorted(
        used | ({chosen} if chosen else set()), key=lambda period: (period.start, period.quarter)
    )
    texts = [(period.key, period.label) for period in periods]
    if rows_due(rows, ONGOING):
        texts.append((ONGOING, str(labels.FIELD_LABELS["is_continuous"])))
    if rows_due(rows, UNDATED):
        texts.append((UNDATED, _("No due date")))
    return texts


def strip_context(statistics: PlanStatistics, url: Callable[..., str]) -> dict[str, Any] | None:
    """The context of partial dashboard/_due_strip.html; None if no action is open.

    `url` makes the address of the list with these filters.
    """
    rows, on = [row for row in statistics.rows if row["is_open"]], statistics.on
    if not rows:
        return None
    days = sorted(row["due_date"] for row in rows if row["due_date"])
    marks_actions = len(rows) <= MAX_MARKS
    cells: list[dict[str, Any]] = []
    periods = periods_between(min(days[0], on), max(days[-1], on)) if days else []
    rows_by_key: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        rows_by_key[_key(row, by_year=bool(periods) and not periods[0].quarter)].append(row)
    for period in periods:
        due = rows_by_key[period.key]
        cells.append(
            {
                "period": period,
                "label": period.label,
                "url": url(due=period.key, status="open") if due else "",
                "count_text": _count_text(due),
                "marks": _marks(due, statistics, by_action=marks_actions),
                "is_past": period.end < on,
                "has_now": period.holds(on),
            }
        )
    by_end = {ONGOING: _("Ongoing"), UNDATED: _("No due date")}
    open_cells = [
        {
            "label": label,
            "url": url(due=key, status="open"),
            "count_text": formats.format_number(len(due)),
            "marks": _marks(due, statistics, by_action=marks_actions),
        }
        for key, label in by_end.items()
        if (due := rows_by_key[key])
    ]
    overdue = [row for row in rows if row["state"] == OVERDUE]
    overdue.sort(key=lambda row: row["due_date"])
    return {
        "heading": _heading(rows, on=on),
        "cells": _without_gaps(cells),
        "open_cells": open_cells,
        "open_count": len(rows),
        "marks_actions": marks_actions,
        "has_numbers": marks_actions and all(row["number"] for row in rows),
        "today": formats.format_partial_date(on),
        "key": [
            (state, labels.status_label(state, statistics.plan.status_labels))
            for state in labels.STATUSES_BY_PROGRESS
            if any(row["state"] == state for row in rows)
        ],
        "overdue": overdue[:MAX_NAMED],
        "overdue_count": len(overdue),
        "overdue_url": url(status=OVERDUE),
        "table_url": url(status="open", sort="due"),
    }


def by_year(statistics: PlanStatistics, url: Callable[..., str]) -> list[dict[str, Any]]:
    """How many actions are due in each year, then the ongoing ones and those without a date."""
    rows = statistics.rows
    years = Counter(row["due_date"].year for row in rows if row["due_date"])
    lines = [
        {"label": str(year), "count": years[year], "url": url(due=str(year)), "is_none": False}
        for year in sorted(years)
    ]
    for key, label in ((ONGOING, _("Ongoing")), (UNDATED, _("No date yet"))):
        count = len(rows_due(rows, key))
        if count:
            lines.append({"label": label, "count": count, "url": url(due=key), "is_none": key == UNDATED})
    return lines


def _count_text(rows: list[Row]) -> str:
    """ "5 due", "3 due, 1 overdue", "2 overdue", "1 due, no report"."""
    if not rows:
        return _("none due")
    overdue = sum(row["state"] == OVERDUE for row in rows)
    unreported = sum(row["due_passed"] and row["state"] == NO_STATUS for row in rows)
    ahead = len(rows) - overdue - unreported
    texts = []
    if ahead:
        texts.append(ngettext("%(n)s due", "%(n)s due", ahead) % {"n": formats.format_number(ahead)})
    if overdue:
        texts.append(
            ngettext("%(n)s overdue", "%(n)s overdue", overdue) % {"n": formats.format_number(overdue)}
        )
    if unreported:
        texts.append(
            ngettext("%(n)s passed, no status", "%(n)s passed, no status", unreported)
            % {"n": formats.format_number(unreported)}
        )
    return ", ".join(texts)


def _marks(rows: list[Row], statistics: PlanStatistics, *, by_action: bool) -> list[dict[str, str]]:
    """The marks of a cell: one for each action, with its number, or one for each standing, with its count."""
    status_labels = statistics.plan.status_labels
    ordered = sorted(rows, key=lambda row: labels.STATUSES_BY_URGENCY.index(row["state"]))
    if by_action:
        return [
            {
                "state": row["state"],
                "text": row["number"],
                "label": f"{labels.status_label(row['state'], status_labels)}: {row['title']}",
            }
            for row in ordered
        ]
    counts = Counter(row["state"] for row in ordered)
    return [
        {
            "state": state,
            "text": formats.format_number(count),
            "label": labels.status_label(state, status_labels),
        }
        for state, count in counts.items()
    ]


def _heading(rows: list[Row], *, on: dt.date) -> str:
    end = Period.of(on).end
    soon = sum(row["due_date"] is not None and on <= row["due_date"] <= end for row in rows)
    if not soon:
        return _("When open actions are due")
    return formats.capitalize_first(
        ngettext("%(n)s action is due by %(day)s", "%(n)s actions are due by %(day)s", soon)
        % {"n": formats.spell_number(soon), "day": formats.format_partial_date(end)}
    )


def _without_gaps(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells, with one in place of more than MAX_EMPTY_CELLS empty ones in a row."""
    kept: list[dict[str, Any]] = []
    gap: list[dict[str, Any]] = []
    for cell in [*cells, None]:
        if cell and not cell["url"] and not cell["has_now"]:
            gap.append(cell)
            continue
        if len(gap) > MAX_EMPTY_CELLS:
            kept.append(gap[0] | {"label": _range_label(gap[0]["period"], gap[-1]["period"])})
        else:
            kept += gap
        gap = []
        if cell:
            kept.append(cell)
    return kept


def _range_label(first: Period, last: Period) -> str:
    """ "2028 Q1–Q3", "2027 Q4–2028 Q2" or "2030–2034"."""
    if first.year != last.year:
        return f"{first.label}–{last.label}"
    return _("%(first)s–Q%(last)d") % {"first": first.label, "last": last.quarter}
