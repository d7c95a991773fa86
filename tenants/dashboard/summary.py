"""The template context of the front page, which depends on how far the plan is: a draft, a promise, running, completed."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import formats
from tenants.dashboard import action_list, due_dates, news, plan_outline
from tenants.dashboard.statistics import PlanStatistics, StatGroup
from tenants.dashboard.timeline import Timeline, build_timeline, timeline_context
from tenants.dashboard.visibility import PlanVisibility
from tenants.plans import labels
from tenants.plans.models import Plan
from tenants.plans.standing import NEEDS_ATTENTION, NO_STATUS, NOT_COUNTED, OVERDUE

MAX_MISSED = 6
MAX_EXAMPLES = 2

ListUrl = Callable[..., str]


class Stage(StrEnum):
    """How far a plan is, as its front page tells it."""

    DRAFT = "draft"
    PROMISED = "promised"  # adopted, and nothing reported yet
    RUNNING = "running"
    COMPLETED = "completed"

    @property
    def has_progress(self) -> bool:
        return self in (Stage.RUNNING, Stage.COMPLETED)


def stage_of(statistics: PlanStatistics) -> Stage:
    if statistics.plan.lifecycle == Plan.Lifecycle.DRAFT:
        return Stage.DRAFT
    if statistics.plan.lifecycle == Plan.Lifecycle.COMPLETED:
        return Stage.COMPLETED
    return Stage.RUNNING if statistics.reported_count else Stage.PROMISED


def summary_context(
    statistics: PlanStatistics, filters: action_list.ActionFilterSet, visibility: PlanVisibility
) -> dict[str, Any]:
    """The context of the front page besides that of the action list."""
    plan, on, stage = statistics.plan, statistics.on, stage_of(statistics)

    def list_url(**params: str) -> str:
        return f"{reverse('front')}?{urlencode(params)}{visibility.extra_parameters}#actions"

    context = {
        "stage": str(stage),
        "facets": [facet for facet in filters.facets() if stage.has_progress or facet["name"] != "status"],
        "eyebrow": _eyebrow(plan, on),
        "today": formats.format_partial_date(on),
        "page_url": visibility.jurisdiction.build_url("front"),
        "uncounted": statistics.describe_uncounted(),
    }
    if stage.has_progress:
        return context | _progress_context(statistics, filters, visibility, list_url)
    return context | _outline_context(statistics, visibility, list_url)


def _progress_context(
    statistics: PlanStatistics,
    filters: action_list.ActionFilterSet,
    visibility: PlanVisibility,
    list_url: ListUrl,
) -> dict[str, Any]:
    timeline = build_timeline(statistics)
    behind, done = news.behind_and_done(statistics, visibility, list_url)
    strip = due_dates.strip_context(statistics, list_url)
    tables = {
        "goal": (_("By goal"), _("Goal"), statistics.by_goal),
        "department": (_("By responsible office"), _("Responsible"), statistics.by_department)
        if any(row["goal_department"] for row in statistics.rows)  # the departments are those of the goals
        else (_("By department"), _("Department"), statistics.by_department),
        "stage": (_("By strategy"), str(labels.FIELD_LABELS["stage"]), statistics.by_stage),
    }
    has_stages = any(group.key != labels.NO_STATUS for group in statistics.by_stage)
    return {
        "lead": statistics.lead_paragraph(),
        "share_title": _share_title(statistics, visibility),
        "counted_count": statistics.counted,
        "segments": status_segments(statistics, list_url, selected=filters.values["status"]),
        "heads": _status_heads(statistics),
        "rules": _counting_rules(statistics),
        "stats": _headline_stats(statistics, list_url),
        "behind": behind,
        "done": done,
        "timeline": timeline and timeline_context(timeline, statistics),
        "missed": timeline and _missed_rows(timeline, statistics, visibility),
        "strip": strip,
        "sections": [
            ("numbers", _("At a glance")),
            *([("behind", _("Where we are behind"))] if behind else []),
            *([("done", _("What got done"))] if done else []),
            *([("time", _("Over time"))] if timeline else []),
            *([("due", _("Due dates"))] if strip else []),
            ("groups", _("By goal and department")),
            ("actions", _("Every action")),
            ("changed", _("What changed")),
        ],
        "tables": [
            {
                "id": f"{name}s",
                "heading": heading,
                "of": of,
                "is_open": name == "goal",
                "largest": max((group.counted for group in groups), default=0),
                "lines": summary_lines(statistics, groups, lambda key, name=name: list_url(**{name: key})),
            }
            for name, (heading, of, groups) in tables.items()
            if groups and (name != "stage" or has_stages)
        ],
    } | news.recent_changes(statistics, list_url)


def status_segments(
    statistics: PlanStatistics, list_url: ListUrl, *, selected: str = ""
) -> list[dict[str, Any]]:
    """The parts of the status bar, each a link to its list: [{"state", "label", "count", "url", "is_current", …}].

    "is_alone" is set where the sum above is that of this part only.
    """
    parts = _counted_parts(statistics.counts, statistics.plan.status_labels)
    attention = sum(part["state"] in NEEDS_ATTENTION for part in parts)
    return [
        part
        | {
            "url": list_url(status=part["state"]),
            "is_current": part["state"] == selected,
            "is_alone": part["state"] not in NEEDS_ATTENTION or attention == 1,
        }
        for part in parts
    ]


def summary_lines(
    statistics: PlanStatistics, groups: Iterable[StatGroup], url: Callable[[str], str]
) -> list[dict[str, Any]]:
    """A line of a table for each goal, department or strategy: its bar, and the same in words."""
    status_labels = statistics.plan.status_labels
    lines = []
    for group in groups:
        counted = {state: n for state, n in group.counts.items() if state not in NOT_COUNTED}
        left_out = {state: n for state, n in group.counts.items() if state in NOT_COUNTED}
        lines.append(
            {
                "label": group.label,
                "url": url(group.key),
                "counted": group.counted,
                "segments": _counted_parts(group.counts, status_labels),
                "words": labels.format_status_counts(counted, status_labels),
                "left_out": labels.format_status_counts(left_out, status_labels),
            }
        )
    return lines


def _counted_parts(counts: Counter[str], status_labels: dict[str, str]) -> list[dict[str, Any]]:
    return [
        part | {"label": labels.status_label(part["state"], status_labels)}
        for part in labels.status_segments(counts)
    ]


def _status_heads(statistics: PlanStatistics) -> list[dict[str, Any]]:
    """The sums above the status bar: [{"count", "label", "parts"}], with the number of parts below each."""
    counts, status_labels = statistics.counts, statistics.plan.status_labels
    attention = [counts[state] for state in NEEDS_ATTENTION if counts[state]]
    heads = [
        (counts["completed"], _("done"), 1),
        (counts["on_track"], formats.lowercase_first(labels.status_label("on_track", status_labels)), 1),
        (sum(attention), ngettext("needs attention", "need attention", sum(attention)), len(attention)),
        (
            counts["not_started"],
            formats.lowercase_first(labels.status_label("not_started", status_labels)),
            1,
        ),
        (counts[NO_STATUS], formats.lowercase_first(labels.status_label(NO_STATUS, status_labels)), 1),
    ]
    return [{"count": count, "label": label, "parts": parts} for count, label, parts in heads if count]


def _counting_rules(statistics: PlanStatistics) -> list[dict[str, Any]]:
    """What each part of the status bar counts: [{"label", "count", "rule"}]."""
    status_labels = statistics.plan.status_labels
    reported = Counter(row["status"] for row in statistics.rows if row["state"] == OVERDUE)
    unreported = [row for row in statistics.rows if row["state"] == NO_STATUS]
    with_report = sum(row["has_report"] for row in unreported)
    rules = {
        "completed": _("Reported as completed"),
        OVERDUE: _("Open after its due date. Its last report says: %(counts)s")
        % {"counts": labels.format_status_counts(reported, status_labels)},
        NO_STATUS: ngettext(
            "No status is given. %(n)s of them has a report",
            "No status is given. %(n)s of them have a report",
            with_report,
        )
        % {"n": formats.format_number(with_report)},
    }
    return [
        part
        | {
            "rule": rules.get(part["state"])
            or _("Reported as “%(status)s”, and not past its due date")
            % {"status": formats.lowercase_first(part["label"])}
        }
        for part in _counted_parts(statistics.counts, status_labels)
    ]


def _headline_stats(statistics: PlanStatistics, list_url: ListUrl) -> list[dict[str, Any]]:
    """Numbers about the reports, only those that apply: [{"number", "of", "label", "rule", "url"}]."""
    owing, stats = statistics.owing_count, []
    if owing and (statistics.last_update or statistics.undated_count):
        rule = _("Open actions with a report in the last %(days)d days.") % {
            "days": statistics.plan.cadence_days
        }
        stats.append((statistics.up_to_date_count, owing, _("updates are up to date"), rule, ""))
    if statistics.undated_count:
        rule = _("Open actions whose report names no date, or a quarter without its year.")
        stats.append((statistics.undated_count, owing, _("have an undated report"), rule, ""))
    unreported = statistics.unreported_count
    if unreported:
        rule = _("Open actions without a report in words. A status alone is not an update.")
        stats.append((unreported, owing, _("have no update yet"), rule, ""))
    passed = sum(row["due_passed"] and row["state"] == NO_STATUS for row in statistics.rows)
    if passed:
        rule = _("Their due date has passed, and whether they are done is not reported.")
        stats.append(
            (
                passed,
                statistics.counts[NO_STATUS],
                _("without a status are past their due date"),
                rule,
                NO_STATUS,
            )
        )
    return [
        {
            "number": number,
            "of": of,
            "label": label,
            "rule": rule,
            "url": list_url(status=status, sort="due") if status else "",
        }
        for number, of, label, rule, status in stats
    ]


def _missed_rows(
    timeline: Timeline, statistics: PlanStatistics, visibility: PlanVisibility
) -> list[dict[str, Any]]:
    """The first of those that were due and are not completed, longest overdue first, with what became of the date."""
    on = statistics.on
    missed = sorted(timeline.missed_rows, key=lambda row: (row["due_date"] or dt.date.max, row["pk"]))
    display_rows = action_list.build_display_rows(
        missed[:MAX_MISSED], statistics=statistics, preview_query=visibility.preview_query
    )
    for row, shown in zip(missed, display_rows, strict=False):
        if row["due_passed"]:
            shown["what"] = _("due %(day)s, %(age)s") % {
                "day": shown["due"],
                "age": formats.time_since(row["due_date"], on=on),
            }
        elif row["due_date"]:
            shown["what"] = _("moved to %(day)s") % {"day": shown["due"]}
        else:
            shown["what"] = formats.lowercase_first(shown["due"])
    return display_rows


def _outline_context(
    statistics: PlanStatistics, visibility: PlanVisibility, list_url: ListUrl
) -> dict[str, Any]:
    """The page of a plan without any progress: its goals and outcomes with counts of actions. Two queries."""
    plan, is_draft = statistics.plan, stage_of(statistics) == Stage.DRAFT
    plan_path = reverse("dashboard:plan")
    goals = plan_outline.build_outline(plan, statistics.rows)
    for number, goal in enumerate(goals):
        goal["count"] = sum(len(outcome["rows"]) for outcome in goal["outcomes"])
        goal["url"] = f"{plan_path}?goal={goal['pk']}{visibility.extra_parameters}#goal-{goal['pk']}"
        goal["state"] = "tint" if number % 2 else "brand"
        for outcome in goal["outcomes"]:
            outcome["examples"] = [
                formats.action_heading(row["number"], row["title"]) for row in outcome["rows"][:MAX_EXAMPLES]
            ]
            outcome["url"] = (
                f"{plan_path}?goal={goal['pk']}{visibility.extra_parameters}#outcome-{outcome['pk']}"
            )
    years = due_dates.by_year(statistics, list_url)
    outcome_count = sum(len(goal["outcomes"]) for goal in goals)
    lead = (
        _draft_lead(len(goals), outcome_count, len(statistics.rows))
        if is_draft
        else statistics.lead_paragraph()
    )
    return {
        "lead": lead,
        "share_title": _("%(name)s: draft racial equity plan") % {"name": visibility.jurisdiction.short_name}
        if is_draft
        else _("%(name)s: racial equity plan") % {"name": visibility.jurisdiction.short_name},
        "sections": [
            ("short", _("In short")),
            ("propose", _("What we propose") if is_draft else _("What we promised")),
            ("actions", _("Every action")),
            ("contact", _("Contact")),
        ],
        "goals": goals,
        "goal_segments": [
            {
                "state": goal["state"],
                "label": goal["heading"],
                "count": goal["count"],
                "url": f"#proposed-{goal['pk']}",
            }
            for goal in goals
        ],
        "action_count": len(statistics.rows),
        "years": years,
        "most_in_a_year": max((line["count"] for line in years), default=0),
        "begun_count": statistics.reported_count,
        "undated_count": sum(row["undated_report"] is not None for row in statistics.rows),
    }


def _draft_lead(goals: int, outcomes: int, actions: int) -> str:
    """ "Four goals, nine outcomes, 31 proposed actions. Nothing is decided yet." """
    counts = [
        ngettext("%(n)s goal", "%(n)s goals", goals) % {"n": formats.spell_number(goals)},
        ngettext("%(n)s outcome", "%(n)s outcomes", outcomes) % {"n": formats.spell_number(outcomes)},
        ngettext("%(n)s proposed action", "%(n)s proposed actions", actions)
        % {"n": formats.spell_number(actions)},
    ]
    return f"{formats.capitalize_first(', '.join(counts))}. {_('Nothing is decided yet.')}"


def _share_title(statistics: PlanStatistics, visibility: PlanVisibility) -> str:
    """ "8 of 35 actions done, 10 need attention: Marrow Bend’s racial equity plan"."""
    return ngettext(
        "%(done)s of %(all)s actions done, %(attention)s needs attention: racial equity plan of %(name)s",
        "%(done)s of %(all)s actions done, %(attention)s need attention: racial equity plan of %(name)s",
        statistics.overall.attention,
    ) % {
        "done": formats.format_number(statistics.overall.completed),
        "all": formats.format_number(statistics.counted),
        "attention": formats.format_number(statistics.overall.attention),
        "name": visibility.jurisdiction.short_name,
    }


def _eyebrow(plan: Plan, on: dt.date) -> str:
    """ "Racial equity plan, 2025–2029, year 3"; a draft has no year yet."""
    phrases = [plan.title]
    period = labels.format_period(plan)
    if period and period not in plan.title:
        phrases.append(period)
    if not plan.is_draft and plan.period_start and plan.period_start <= on <= (plan.period_end or on):
        phrases.append(_("year %(n)d") % {"n": formats.year_since(plan.period_start, on=on)})
    return ", ".join(phrases)
