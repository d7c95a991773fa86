"""The public pages of a city: how the plan goes, the plan, each action, the data."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import condition, require_safe

from tenants import access
from tenants.dashboard import action_detail, action_list, labels, open_data
from tenants.dashboard import theme as brand_css
from tenants.dashboard.statistics import (
    UNCOUNTED_STATUSES,
    PlanStatistics,
    Row,
    StatGroup,
    get_action_rows,
    get_recent_notes,
    quarter_start,
)
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Action, Plan
from tenants.plans.selectors import current_plan, visible_plan
from tenants.web.exports import csv_response, json_response
from tenants.web.page_cache import cache_for_anonymous

MAX_RECENT_CHANGES = 12


@dataclass(frozen=True)
class PlanVisibility:
    """What this visitor may see of the city's plan. `keep` is carried on in addresses while the team previews."""

    jurisdiction: Jurisdiction
    plan: Plan | None
    for_team: str = ""  # why only the team sees this; empty when everybody does
    keep: str = ""

    def context(self, section: str) -> dict[str, Any]:
        return {
            "plan": self.plan,
            "section": section,
            "for_team": self.for_team,
            "keep": self.keep,
            "tail": f"?{self.keep}" if self.keep else "",
        }


def resolve_visibility(request: HttpRequest) -> PlanVisibility:
    """The plan this visitor sees. Raises Http404 for strangers while the site is not launched."""
    jurisdiction = current_jurisdiction()
    is_team = access.has_permission(request.user, access.Permission.SEE_WORKSPACE, jurisdiction)
    if not jurisdiction.is_launched and not is_team:
        raise Http404
    wants_preview = is_team and "preview" in request.GET
    if jurisdiction.is_launched and not wants_preview:
        return PlanVisibility(jurisdiction, visible_plan("public"))
    plan = current_plan()
    if not jurisdiction.is_launched:
        return PlanVisibility(jurisdiction, plan, for_team=_("This site is not launched yet."))
    if plan and plan.visibility != Visibility.PUBLIC:
        return PlanVisibility(jurisdiction, plan, for_team=_("This plan is not public."), keep="preview=1")
    return PlanVisibility(jurisdiction, plan, keep="preview=1")


@require_safe
def home(request: HttpRequest, page: Any = None) -> HttpResponse:
    """How the plan goes. `page` is the city's home page in the CMS, with its opening words."""
    seen = resolve_visibility(request)
    context = seen.context("progress") | {"page": page}
    if seen.plan is None:
        return _render(request, "dashboard/no_plan.html", context, seen)
    facts = _load_statistics(seen.plan, with_text=bool(request.GET.get("q")))
    filters = action_list.ActionFilterSet.from_address(request.GET, facts, keep=seen.keep)
    context |= _list_context(facts, filters, seen)
    htmx = getattr(request, "htmx", None)  # absent on the request of a preview in the CMS
    if htmx and htmx.target == "action-rows" and not htmx.history_restore_request:
        return _render(request, "dashboard/_action_rows.html", context, seen)
    context |= summary_context(facts, filters, seen)
    return _render(request, "dashboard/home.html", context, seen)


@cache_for_anonymous
@require_safe
def plan(request: HttpRequest) -> HttpResponse:
    """All goals, outcomes and actions, a hundred actions a page. `?goal=` opens the page where that goal begins."""
    seen = resolve_visibility(request)
    if seen.plan is None:
        return _render(request, "dashboard/no_plan.html", seen.context("plan"), seen)
    facts = _load_statistics(seen.plan)
    goals = action_detail.build_outline(seen.plan, facts.rows)
    pages = action_detail.paginate_outline(goals)
    asked = request.GET.get("goal", "")
    first = {str(goal["pk"]): number for number, part in reversed(list(enumerate(pages, 1))) for goal in part}
    number = first.get(asked) or _page_number(request.GET.get("page", ""), len(pages))
    counts = {
        group.key: labels.format_status_counts(group.counts, seen.plan.status_labels)
        for group in facts.by_goal
    }
    for goal in pages[number - 1]:
        for outcome in goal["outcomes"]:
            outcome["rows"] = action_list.build_display_rows(outcome["rows"], facts=facts, keep=seen.keep)
    context = seen.context("plan") | {
        "facts": facts,
        "goals": [goal | {"words": counts.get(str(goal["pk"]), _("no actions yet"))} for goal in goals],
        "parts": pages[number - 1],
        "number": number,
        "numbers": range(1, len(pages) + 1),
        "period": format_period(seen.plan),
    }
    return _render(request, "dashboard/plan.html", context, seen)


@cache_for_anonymous
@require_safe
def action(request: HttpRequest, code: str) -> HttpResponse:
    """One action: what was promised, who answers, how it goes, and its history."""
    seen = resolve_visibility(request)
    story = seen.plan and action_detail.action_detail_context(
        seen.plan, code, on=timezone.localdate(), page=request.GET.get("page", "")
    )
    if not story:
        raise Http404
    goal, more = story["goal"], f"&{seen.keep}" if seen.keep else ""
    story["crumbs"] = [
        (_("Plan"), f"/plan/{seen.context('plan')['tail']}"),
        (goal["name"], f"/plan/?goal={goal['pk']}{more}#goal-{goal['pk']}"),
    ]
    return _render(request, "dashboard/action.html", seen.context("plan") | story, seen)


@cache_for_anonymous
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """The numbers as tables, and the files."""
    seen = resolve_visibility(request)
    if seen.plan is None:
        return _render(request, "dashboard/no_plan.html", seen.context("data"), seen)
    facts = _load_statistics(seen.plan)
    tables: list[tuple[str, str, list[StatGroup]]] = [
        (_("The whole plan"), _("Plan"), [facts.all]),
        (_("By goal"), _("Goal"), facts.by_goal),
        (_("By department"), _("Department"), facts.by_department),
        (_("By kind of step"), _("Kind of step"), facts.by_stage),
    ]
    columns = [
        (state, labels.status_label(state, seen.plan.status_labels))
        for state in labels.STATUSES_BY_PROGRESS
        if facts.counts[state]
    ]
    context = seen.context("data") | {
        "facts": facts,
        "period": format_period(seen.plan),
        "columns": [name for _state, name in columns],
        "tables": [
            {
                "heading": heading,
                "of": of,
                "rows": [
                    {
                        "name": group.name,
                        "counted": group.counted,
                        "numbers": [(name, group.counts[state]) for state, name in columns],
                    }
                    for group in groups
                ],
            }
            for heading, of, groups in tables
        ],
        "columns_described": open_data.describe_columns(),
    }
    return _render(request, "dashboard/data.html", context, seen)


@cache_for_anonymous
@require_safe
def actions_csv(request: HttpRequest) -> HttpResponse:
    """The actions that the list on the front page shows with the same address, all pages of it."""
    seen, facts, rows = _filtered_rows(request)
    records = (open_data.action_record(row, jurisdiction=seen.jurisdiction, plan=facts.plan) for row in rows)
    return add_cache_headers(
        csv_response(f"{seen.jurisdiction.slug}-actions.csv", open_data.ACTION_COLUMNS, records), seen
    )


@cache_for_anonymous
@require_safe
def actions_json(request: HttpRequest) -> HttpResponse:
    """The same as JSON."""
    seen, facts, rows = _filtered_rows(request)
    actions = [open_data.action_record(row, jurisdiction=seen.jurisdiction, plan=facts.plan) for row in rows]
    return add_cache_headers(
        json_response(
            open_data.file_metadata(seen.jurisdiction, facts) | {"count": len(actions), "actions": actions}
        ),
        seen,
    )


@cache_for_anonymous
@require_safe
def plan_json(request: HttpRequest) -> HttpResponse:
    """The whole plan as a tree, with measures, milestones and updates."""
    seen, facts = _statistics_for(request, with_text=True)
    plan = {
        "summary": facts.plan.summary,
        "vision": facts.plan.vision,
        "numbers": open_data.statistics_records(facts)[0],
        "goals": open_data.plan_tree(seen.jurisdiction, facts),
    }
    return add_cache_headers(json_response(open_data.file_metadata(seen.jurisdiction, facts) | plan), seen)


@cache_for_anonymous
@require_safe
def numbers_csv(request: HttpRequest) -> HttpResponse:
    """The summary tables of the data page in one file."""
    seen, facts = _statistics_for(request)
    records = open_data.statistics_records(facts)
    return add_cache_headers(
        csv_response(f"{seen.jurisdiction.slug}-numbers.csv", open_data.NUMBER_COLUMNS, records), seen
    )


def current_jurisdiction() -> Jurisdiction:
    return cast(Jurisdiction, connection.tenant)


def _brand_etag(request: HttpRequest) -> str:
    return '"' + hashlib.sha256(brand_css.stylesheet(current_jurisdiction()).encode()).hexdigest()[:20] + '"'


@require_safe
@condition(etag_func=_brand_etag)
def brand(request: HttpRequest) -> HttpResponse:
    """The colors of this host, also on pages that strangers cannot see: it holds nothing else."""
    response = HttpResponse(
        brand_css.stylesheet(current_jurisdiction()), content_type="text/css; charset=utf-8"
    )
    patch_cache_control(response, public=True, max_age=600)
    return response


def _load_statistics(plan: Plan, *, with_text: bool = False) -> PlanStatistics:
    today = timezone.localdate()
    return PlanStatistics(plan, get_action_rows(plan, on=today, with_text=with_text), on=today)


def _statistics_for(
    request: HttpRequest, *, with_text: bool = False
) -> tuple[PlanVisibility, PlanStatistics]:
    """What this visitor sees, with its numbers. Raises Http404 where there is no plan to see."""
    seen = resolve_visibility(request)
    if seen.plan is None:
        raise Http404
    return seen, _load_statistics(seen.plan, with_text=with_text)


def _filtered_rows(request: HttpRequest) -> tuple[PlanVisibility, PlanStatistics, list[Row]]:
    """The rows that the filters in the address leave, with their long texts."""
    seen, facts = _statistics_for(request, with_text=True)
    filters = action_list.ActionFilterSet.from_address(request.GET, facts, keep=seen.keep)
    return seen, facts, action_list.filter_rows(facts.rows, filters)


def _list_context(
    facts: PlanStatistics, filters: action_list.ActionFilterSet, seen: PlanVisibility
) -> dict[str, Any]:
    found = action_list.filter_rows(facts.rows, filters)
    page = action_list.paginate(found, filters.page)
    return {
        "facts": facts,
        "filters": filters,
        "chips": action_list.active_filters(filters, facts),
        "columns": action_list.sortable_columns(filters),
        "rows": action_list.build_display_rows(list(page), facts=facts, keep=seen.keep),
        "found": len(found),
        "total": len(facts.rows),
        "page_links": [
            {"number": n, "url": filters.query(page=str(n)), "is_here": n == page.number}
            for n in page.paginator.page_range
        ],
        "page_now": page,
        "query": filters.query(),
        "all_url": filters.query(status="", goal="", department="", stage="", q=""),
    }


def summary_context(
    facts: PlanStatistics, filters: action_list.ActionFilterSet, seen: PlanVisibility
) -> dict[str, Any]:
    plan, on = facts.plan, facts.on
    status_labels, start = plan.status_labels, quarter_start(on)
    behind = facts.behind()
    notes = get_recent_notes(plan, start, until=on, limit=MAX_RECENT_CHANGES + 1)
    stats = _headline_stats(facts, seen)
    is_reported = bool(behind and behind["status"] in Action.NEEDS_ATTENTION)
    alike = facts.all.attention if is_reported else facts.all.late
    return {
        "choices": action_list.facets(filters, facts),
        "kicker": _eyebrow(plan, on),
        "lead": facts.lead(),
        "stats": stats,
        "numbers_heading": _("The plan in %(n)s numbers") % {"n": labels.spell_number(len(stats))}
        if len(stats) > 1
        else _("The plan in numbers"),
        "left_out": facts.left_out_words(),
        "by_goal": facts.table(
            facts.by_goal, lambda key: f"/plan/?goal={key}{_append_query(seen)}#goal-{key}"
        ),
        "by_department": facts.table(
            facts.by_department, lambda key: f"/?department={key}{_append_query(seen)}#actions"
        ),
        "by_stage": facts.table(facts.by_stage, lambda key: f"/?stage={key}{_append_query(seen)}#actions"),
        "marks_each": facts.marks_each(),
        "keys": _glyph_legend(facts),
        "behind": behind and action_detail.most_delayed_action_context(facts, behind),
        "is_draft": plan.lifecycle == Plan.Lifecycle.DRAFT,
        "has_stages": any(group.key != labels.NO_STATUS for group in facts.by_stage),
        "more_behind": alike - 1,
        "more_behind_url": f"/?status={'attention' if is_reported else 'late'}{_append_query(seen)}#actions",
        "changes": [_timeline_entry(note, status_labels) for note in notes[:MAX_RECENT_CHANGES]],
        "more_changes": len(notes) > MAX_RECENT_CHANGES,
        "updated_url": f"/?sort=-updated{_append_query(seen)}#actions",
        "last_update": labels.format_partial_date(facts.last_update),
        "quarter_from": labels.format_partial_date(start),
        "quarter_to": labels.format_partial_date(on),
    }


def _glyph_legend(facts: PlanStatistics) -> list[tuple[str, str]]:
    """The marks in use with their words; cancelled and merged share one mark."""
    status_labels = facts.plan.status_labels
    keys = [
        (state, labels.status_label(state, status_labels))
        for state in labels.STATUSES_BY_PROGRESS
        if facts.counts[state] and state not in UNCOUNTED_STATUSES
    ]
    left_out = [state for state in sorted(UNCOUNTED_STATUSES) if facts.counts[state]]
    if len(left_out) > 1:
        keys.append(("cancelled", _("Cancelled or merged")))
    elif left_out:
        keys.append((left_out[0], labels.status_label(left_out[0], status_labels)))
    return keys


def _headline_stats(facts: PlanStatistics, seen: PlanVisibility) -> list[dict[str, Any]]:
    """The numbers at the top, those that exist: [{"number", "of", "label", "rule", "url", "link"}]."""
    counts, counted, status_labels = facts.counts, facts.counted, facts.plan.status_labels
    unsaid = counts[labels.NO_STATUS]
    left_out = facts.left_out_words()
    attention = {state: counts[state] for state in ("at_risk", "off_track", "on_hold")}

    def stat(number: int, of: int, label: str, rule: str, status: str = "") -> dict[str, Any]:
        url = f"/?status={status}{_append_query(seen)}#actions" if status and number else ""
        return {
            "number": number, "of": of, "label": label, "rule": rule, "url": url, "link": _("See them"),
        }  # fmt: skip

    found = []
    if unsaid < counted:
        rule = _("%(n)d leaves out %(what)s.") % {"n": counted, "what": left_out} if left_out else ""
        found = [
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
                labels.capitalize_first(
                    labels.format_status_counts(attention, status_labels)
                    or _("none at risk, off track or on hold")
                )
                + ".",
                "attention",
            ),
        ]
    if facts.last_update and facts.open:
        rule = _("Open actions with a report in the last %(days)d days.") % {"days": facts.plan.cadence_days}
        found.append(stat(facts.up_to_date, facts.open, _("updates are up to date"), rule))
    if unsaid:
        found.append(
            stat(
                unsaid,
                counted,
                _("have no status yet"),
                _("The city has not reported on them."),
                labels.NO_STATUS,
            )
        )
    if facts.all.late:
        rule = _("Still open after the promised day.")
        found.append(stat(facts.all.late, facts.open, _("are past their promised date"), rule, "late"))
    return found


def _timeline_entry(note: dict[str, Any], status_labels: dict[str, str]) -> dict[str, Any]:
    """A progress note as an entry of the timeline."""
    moved = note["status"] and note["before"] and note["status"] != note["before"]
    steps = {
        "before": labels.lowercase_first(labels.status_label(note["before"], status_labels)),
        "now": labels.lowercase_first(labels.status_label(note["status"], status_labels)),
    }
    return note | {
        "name": labels.action_heading(note["number"], note["title"]),
        "is_off": note["status"] in Action.NEEDS_ATTENTION,
        "when": labels.format_partial_date(note["noted_on"]),
        "went": _("went from %(before)s to %(now)s") % steps if moved else "",
    }


def _append_query(seen: PlanVisibility) -> str:
    return f"&{seen.keep}" if seen.keep else ""


def _eyebrow(plan: Plan, on: dt.date) -> str:
    """ "Racial equity plan, 2025–2029, year 3", or that it is a draft."""
    parts = [plan.title]
    period = format_period(plan)
    if period and period not in plan.title:
        parts.append(period)
    if plan.lifecycle == Plan.Lifecycle.DRAFT:
        parts.append(_("draft, not adopted yet"))
    elif plan.period_start and plan.period_start <= on <= (plan.period_end or on):
        parts.append(_("year %(n)d") % {"n": on.year - plan.period_start.year + 1})
    return ", ".join(parts)


def format_period(plan: Plan) -> str:
    """ "2025–2029", "2025", or empty."""
    years = [str(day.year) for day in (plan.period_start, plan.period_end) if day]
    return "–".join(dict.fromkeys(years))


def _page_number(asked: str, count: int) -> int:
    return min(max(int(asked), 1), count) if asked.isascii() and asked.isdigit() else 1


def _render(
    request: HttpRequest, template: str, context: dict[str, Any], seen: PlanVisibility
) -> HttpResponse:
    return add_cache_headers(render(request, template, context), seen)


def add_cache_headers(response: HttpResponse, seen: PlanVisibility) -> HttpResponse:
    """What only the team sees is kept by no cache, nor is the list without its page around it taken for the page."""
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    if seen.for_team or seen.keep:
        add_never_cache_headers(response)
    return response
