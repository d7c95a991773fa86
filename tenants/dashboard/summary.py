"""The template context of the home page's summary: headline numbers, tables, the most delayed action, changes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from tenants import formats
from tenants.dashboard import action_detail, action_list
from tenants.dashboard.statistics import PlanStatistics, get_recent_notes, quarter_start
from tenants.dashboard.visibility import PlanVisibility
from tenants.plans import labels
from tenants.plans.models import Action, Plan
from tenants.plans.standing import NEEDS_ATTENTION, NOT_COUNTED, OVERDUE
from tenants.web.urlconf import city_path

MAX_RECENT_CHANGES = 12


def summary_context(
    statistics: PlanStatistics, filters: action_list.ActionFilterSet, visibility: PlanVisibility
) -> dict[str, Any]:
    """The context of dashboard/home.html besides that of the action list."""
    plan, on = statistics.plan, statistics.on
    home, plan_path = reverse("front"), reverse("dashboard:plan")
    status_labels, start = plan.status_labels, quarter_start(on)
    delayed = statistics.most_delayed_action()
    notes = get_recent_notes(plan, start, until=on, limit=MAX_RECENT_CHANGES + 1)
    stats = _headline_stats(statistics, visibility)
    return {
        "facets": filters.facets(),
        "eyebrow": _eyebrow(plan, on),
        "lead": statistics.lead_paragraph(),
        "stats": stats,
        "numbers_heading": _("The plan in %(n)s numbers") % {"n": formats.spell_number(len(stats))}
        if len(stats) > 1
        else _("The plan in numbers"),
        "uncounted": statistics.describe_uncounted(),
        "by_goal": statistics.summary_table(
            statistics.by_goal, lambda key: f"{plan_path}?goal={key}{visibility.extra_parameters}#goal-{key}"
        ),
        "by_department": statistics.summary_table(
            statistics.by_department,
            lambda key: f"{home}?department={key}{visibility.extra_parameters}#actions",
        ),
        "by_stage": statistics.summary_table(
            statistics.by_stage, lambda key: f"{home}?stage={key}{visibility.extra_parameters}#actions"
        ),
        "actions_per_glyph": statistics.actions_per_glyph(),
        "glyph_legend": _glyph_legend(statistics),
        "most_delayed": delayed and action_detail.most_delayed_action_context(statistics, delayed),
        "is_draft": plan.is_draft,
        "has_stages": any(group.key != labels.NO_STATUS for group in statistics.by_stage),
        "other_delayed_count": statistics.overall.attention - 1,
        "other_delayed_url": f"{home}?status=attention{visibility.extra_parameters}#actions",
        "changes": [_timeline_entry(note, status_labels) for note in notes[:MAX_RECENT_CHANGES]],
        "more_changes": len(notes) > MAX_RECENT_CHANGES,
        "updated_url": f"{home}?sort=-updated{visibility.extra_parameters}#actions",
        "last_update": formats.format_partial_date(statistics.last_update),
        "quarter_from": formats.format_partial_date(start),
        "quarter_to": formats.format_partial_date(on),
    }


def _glyph_legend(statistics: PlanStatistics) -> list[tuple[str, str]]:
    """The glyphs in use with their labels: [("completed", "Completed")]; cancelled and merged share one glyph."""
    status_labels = statistics.plan.status_labels
    legend = [
        (state, labels.status_label(state, status_labels))
        for state in labels.STATUSES_BY_PROGRESS
        if statistics.counts[state] and state not in NOT_COUNTED
    ]
    uncounted = [state for state in sorted(NOT_COUNTED) if statistics.counts[state]]
    if len(uncounted) > 1:
        legend.append(("cancelled", str(action_list.STATUS_GROUPS["left_out"][0])))
    elif uncounted:
        legend.append((uncounted[0], labels.status_label(uncounted[0], status_labels)))
    return legend


def _headline_stats(statistics: PlanStatistics, visibility: PlanVisibility) -> list[dict[str, Any]]:
    """The headline numbers, only those that apply: [{"number", "of", "label", "rule", "url", "link"}]."""
    counts, counted, status_labels = statistics.counts, statistics.counted, statistics.plan.status_labels
    unreported = counts[labels.NO_STATUS]
    uncounted = statistics.describe_uncounted()
    attention = {state: counts[state] for state in NEEDS_ATTENTION}

    def stat(number: int, of: int, label: str, rule: str, status: str = "") -> dict[str, Any]:
        url = (
            f"{reverse('front')}?status={status}{visibility.extra_parameters}#actions"
            if status and number
            else ""
        )
        return {
            "number": number, "of": of, "label": label, "rule": rule, "url": url, "link": _("See them"),
        }  # fmt: skip

    stats = []
    if unreported < counted:
        rule = (
            _("%(n)s leaves out %(what)s.") % {"n": formats.format_number(counted), "what": uncounted}
            if uncounted
            else ""
        )
        stats = [
            stat(counts["completed"], counted, _("actions completed"), rule, "completed"),
            stat(
                counts["on_track"],
                counted,
                _("on track"),
                _("Will meet the promised date, as departments report it."),
            ),
            stat(
                sum(attention.values()),
                counted,
                _("need attention"),
                formats.capitalize_first(
                    labels.format_status_counts(attention, status_labels)
                    or _("none at risk, off track, overdue or on hold")
                )
                + ".",
                "attention",
            ),
        ]
    if statistics.last_update and statistics.owing_count:
        rule = _("Open actions with a report in the last %(days)d days.") % {
            "days": statistics.plan.cadence_days
        }
        stats.append(
            stat(statistics.up_to_date_count, statistics.owing_count, _("updates are up to date"), rule)
        )
    if unreported:
        stats.append(
            stat(
                unreported,
                counted,
                _("have no status yet"),
                _("The city has not reported on them."),
                labels.NO_STATUS,
            )
        )
    if counts[OVERDUE]:
        rule = _("Open after the due date, whatever the last report says.")
        stats.append(stat(counts[OVERDUE], counted, _("overdue"), rule, OVERDUE))
    return stats


def _timeline_entry(note: dict[str, Any], status_labels: dict[str, str]) -> dict[str, Any]:
    """A progress note as an entry of the timeline: the note with "url", "heading", "date" and "transition"."""
    is_changed = note["status"] and note["before"] and note["status"] != note["before"]
    statuses = {
        "before": formats.lowercase_first(labels.status_label(note["before"], status_labels)),
        "now": formats.lowercase_first(labels.status_label(note["status"], status_labels)),
    }
    return note | {
        "url": city_path("dashboard:action", note["code"]),
        "heading": formats.action_heading(note["number"], note["title"]),
        "needs_attention": note["status"] in Action.NEEDS_ATTENTION,
        "date": formats.format_partial_date(note["noted_on"]),
        "transition": _("went from %(before)s to %(now)s") % statuses if is_changed else "",
    }


def _eyebrow(plan: Plan, on: dt.date) -> str:
    """ "Racial equity plan, 2025–2029, year 3", or that it is a draft."""
    phrases = [plan.title]
    period = labels.format_period(plan)
    if period and period not in plan.title:
        phrases.append(period)
    if plan.is_draft:
        phrases.append(_("draft, not adopted yet"))
    elif plan.period_start and plan.period_start <= on <= (plan.period_end or on):
        phrases.append(_("year %(n)d") % {"n": formats.year_since(plan.period_start, on=on)})
    return ", ".join(phrases)
