"""The public pages of a city: the home page, the plan, each action, the data, and the stylesheet of its theme."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import condition, require_safe

from tenants.access import open_before_launch
from tenants.dashboard import action_detail, action_list, open_data, plan_outline, theme
from tenants.dashboard.statistics import PlanStatistics, StatGroup, load_statistics
from tenants.dashboard.summary import summary_context
from tenants.dashboard.visibility import PlanVisibility, add_cache_headers, resolve_visibility
from tenants.plans import labels
from tenants.plans.selectors import current_jurisdiction
from tenants.web.htmx import page_links
from tenants.web.page_cache import cache_for_anonymous

LIST_PARAMS = action_list.ActionFilterSet.cacheable_params()


@require_safe
def home(request: HttpRequest, home_page: Any = None) -> HttpResponse:
    """The home page. `home_page` is the city's page in the CMS, with its introduction."""
    visibility = resolve_visibility(request)
    context = visibility.context("progress") | {"home_page": home_page}
    if visibility.plan is None:
        return _render(request, "dashboard/no_plan.html", context, visibility)
    statistics = load_statistics(visibility.plan, with_text=bool(request.GET.get("q")))
    filters = action_list.ActionFilterSet(request.GET, statistics, preview_query=visibility.preview_query)
    context |= _action_list_context(statistics, filters, visibility)
    htmx = getattr(request, "htmx", None)  # absent on the request of a preview in the CMS
    if htmx and htmx.target == "action-rows" and not htmx.history_restore_request:
        return _render(request, "dashboard/_action_rows.html", context, visibility)
    context |= summary_context(statistics, filters, visibility)
    return _render(request, "dashboard/home.html", context, visibility)


@cache_for_anonymous(params=["goal", "page"])
@require_safe
def plan(request: HttpRequest) -> HttpResponse:
    """All goals, outcomes and actions, a hundred actions per page. `?goal=` opens the page where that goal begins."""
    visibility = resolve_visibility(request)
    if visibility.plan is None:
        return _render(request, "dashboard/no_plan.html", visibility.context("plan"), visibility)
    statistics = load_statistics(visibility.plan)
    goals = plan_outline.build_outline(visibility.plan, statistics.rows)
    pages = plan_outline.paginate_outline(goals)
    first_pages = {
        str(goal["pk"]): number for number, page in reversed(list(enumerate(pages, 1))) for goal in page
    }
    page_number = first_pages.get(request.GET.get("goal", "")) or _page_number(
        request.GET.get("page", ""), len(pages)
    )
    status_counts = {
        group.key: labels.format_status_counts(group.counts, visibility.plan.status_labels)
        for group in statistics.by_goal
    }
    for goal in pages[page_number - 1]:
        for outcome in goal["outcomes"]:
            outcome["rows"] = action_list.build_display_rows(
                outcome["rows"], statistics=statistics, preview_query=visibility.preview_query
            )
    context = visibility.context("plan") | {
        "statistics": statistics,
        "goals": [
            goal | {"status_counts": status_counts.get(str(goal["pk"]), _("no actions yet"))}
            for goal in goals
        ],
        "page_goals": pages[page_number - 1],
        "page_number": page_number,
        "page_numbers": range(1, len(pages) + 1),
        "period": labels.format_period(visibility.plan),
    }
    return _render(request, "dashboard/plan.html", context, visibility)


@cache_for_anonymous(params=["page"])
@require_safe
def action(request: HttpRequest, code: str) -> HttpResponse:
    """One action: what was promised, who answers, its status, and its history."""
    visibility = resolve_visibility(request)
    detail = visibility.plan and action_detail.action_detail_context(
        visibility.plan, code, on=timezone.localdate(), page=request.GET.get("page", "")
    )
    if not detail:
        raise Http404
    goal, plan_path = detail["goal"], reverse("dashboard:plan")
    detail["crumbs"] = [
        (_("Plan"), plan_path + visibility.query_suffix),
        (goal["heading"], f"{plan_path}?goal={goal['pk']}{visibility.extra_parameters}#goal-{goal['pk']}"),
    ]
    return _render(request, "dashboard/action.html", visibility.context("plan") | detail, visibility)


@cache_for_anonymous()
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """The numbers as tables, and the downloads."""
    visibility = resolve_visibility(request)
    if visibility.plan is None:
        return _render(request, "dashboard/no_plan.html", visibility.context("data"), visibility)
    statistics = load_statistics(visibility.plan)
    tables: list[tuple[str, str, list[StatGroup]]] = [
        (_("The whole plan"), _("Plan"), [statistics.overall]),
        (_("By goal"), _("Goal"), statistics.by_goal),
        (_("By department"), _("Department"), statistics.by_department),
        (_("By strategy"), labels.FIELD_LABELS["stage"], statistics.by_stage),
    ]
    columns = [
        (state, labels.status_label(state, visibility.plan.status_labels))
        for state in labels.STATUSES_BY_PROGRESS
        if statistics.counts[state]
    ]
    context = visibility.context("data") | {
        "statistics": statistics,
        "period": labels.format_period(visibility.plan),
        "columns": [label for _state, label in columns],
        "tables": [
            {
                "heading": heading,
                "of": of,
                "rows": [
                    {
                        "label": group.label,
                        "counted": group.counted,
                        "numbers": [(label, group.counts[state]) for state, label in columns],
                    }
                    for group in groups
                ],
            }
            for heading, of, groups in tables
        ],
        "columns_described": open_data.describe_columns(),
    }
    return _render(request, "dashboard/data.html", context, visibility)


def _brand_etag(request: HttpRequest) -> str:
    return '"' + hashlib.sha256(theme.stylesheet(current_jurisdiction()).encode()).hexdigest()[:20] + '"'


@open_before_launch
@require_safe
@condition(etag_func=_brand_etag)
def brand(request: HttpRequest) -> HttpResponse:
    """The colors of this host. They are public before the site's launch too: the stylesheet holds nothing else."""
    response = HttpResponse(theme.stylesheet(current_jurisdiction()), content_type="text/css; charset=utf-8")
    patch_cache_control(response, public=True, max_age=600)
    return response


def _action_list_context(
    statistics: PlanStatistics, filters: action_list.ActionFilterSet, visibility: PlanVisibility
) -> dict[str, Any]:
    rows = filters.filter_queryset(statistics.rows)
    page = action_list.paginate(rows, filters.data.get("page", ""))
    home_path = reverse("front")
    return {
        "statistics": statistics,
        "filters": filters,
        "chips": filters.chips(),
        "columns": filters.columns(),
        "rows": action_list.build_display_rows(
            list(page), statistics=statistics, preview_query=visibility.preview_query
        ),
        "match_count": len(rows),
        "total": len(statistics.rows),
        "page_links": page_links(page, lambda number: home_path + filters.query_string(page=number)),
        "page": page,
        "query": filters.query_string(),
        "all_url": filters.query_string(**dict.fromkeys((*filters.facet_names, "q"), "")),
    }


def _page_number(text: str, count: int) -> int:
    """The page number in a query parameter, limited to 1 to `count`; 1 if it is not a number."""
    return min(max(int(text), 1), count) if text.isascii() and text.isdigit() else 1


def _render(
    request: HttpRequest, template: str, context: dict[str, Any], visibility: PlanVisibility
) -> HttpResponse:
    return add_cache_headers(render(request, template, context), visibility)
