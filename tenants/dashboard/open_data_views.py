"""The downloads of a city's plan: actions, the whole plan and its numbers, as CSV, JSON and XLSX."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tenants.dashboard import action_list, open_data
from tenants.dashboard.statistics import PlanStatistics, Row, load_statistics
from tenants.dashboard.views import LIST_PARAMS
from tenants.dashboard.visibility import PlanVisibility, add_cache_headers, resolve_visibility
from tenants.plans.imports.public_export import public_workbook
from tenants.plans.spreadsheets import SheetError
from tenants.web.exports import csv_response, json_response
from tenants.web.page_cache import cache_for_anonymous

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@cache_for_anonymous(params=LIST_PARAMS)
@require_safe
def actions_csv(request: HttpRequest) -> HttpResponse:
    """The actions of the home page's list with the same query string, all pages of it."""
    visibility, statistics, rows = _filtered_rows(request)
    records = (
        open_data.action_record(row, jurisdiction=visibility.jurisdiction, plan=statistics.plan)
        for row in rows
    )
    return add_cache_headers(
        csv_response(f"{visibility.jurisdiction.slug}-actions.csv", open_data.ACTION_COLUMNS, records),
        visibility,
    )


@cache_for_anonymous(params=LIST_PARAMS)
@require_safe
def actions_json(request: HttpRequest) -> HttpResponse:
    """The same actions as JSON."""
    visibility, statistics, rows = _filtered_rows(request)
    actions = [
        open_data.action_record(row, jurisdiction=visibility.jurisdiction, plan=statistics.plan)
        for row in rows
    ]
    return add_cache_headers(
        json_response(
            open_data.file_metadata(visibility.jurisdiction, statistics)
            | {"count": len(actions), "actions": actions}
        ),
        visibility,
    )


@cache_for_anonymous()
@require_safe
def plan_json(request: HttpRequest) -> HttpResponse:
    """The whole plan as a tree, with measures, milestones and updates."""
    visibility, statistics = _statistics_for(request, with_text=True)
    plan = {
        "summary": statistics.plan.summary,
        "vision": statistics.plan.vision,
        "numbers": open_data.statistics_records(statistics)[0],
        "goals": open_data.plan_tree(visibility.jurisdiction, statistics),
    }
    return add_cache_headers(
        json_response(open_data.file_metadata(visibility.jurisdiction, statistics) | plan), visibility
    )


@cache_for_anonymous()
@require_safe
def plan_xlsx(request: HttpRequest) -> HttpResponse:
    """The whole plan as a spreadsheet in the layout that members share, one sheet for each department's goals."""
    visibility = resolve_visibility(request)
    if visibility.plan is None or not visibility.plan.goals.filter(retired_at=None).exists():
        raise Http404
    try:
        content = public_workbook(visibility.plan)
    except SheetError as error:
        raise Http404 from error
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{visibility.jurisdiction.slug}-plan.xlsx"'
    return add_cache_headers(response, visibility)


@cache_for_anonymous()
@require_safe
def numbers_csv(request: HttpRequest) -> HttpResponse:
    """The summary tables of the data page as one file."""
    visibility, statistics = _statistics_for(request)
    records = open_data.statistics_records(statistics)
    return add_cache_headers(
        csv_response(f"{visibility.jurisdiction.slug}-numbers.csv", open_data.NUMBER_COLUMNS, records),
        visibility,
    )


def _statistics_for(
    request: HttpRequest, *, with_text: bool = False
) -> tuple[PlanVisibility, PlanStatistics]:
    """The plan this visitor sees, with its numbers. Raises Http404 if there is none."""
    visibility = resolve_visibility(request)
    if visibility.plan is None:
        raise Http404
    return visibility, load_statistics(visibility.plan, with_text=with_text)


def _filtered_rows(request: HttpRequest) -> tuple[PlanVisibility, PlanStatistics, list[Row]]:
    """The rows that match the filters in the query string, with their long texts."""
    visibility, statistics = _statistics_for(request, with_text=True)
    filters = action_list.ActionFilterSet(request.GET, statistics, preview_query=visibility.preview_query)
    return visibility, statistics, filters.filter_queryset(statistics.rows)
