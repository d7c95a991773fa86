"""The progress of all plans, on the alliance's host."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cohort.labels import STAGES_FURTHEST_FIRST
from cohort.models import PublicPlan
from cohort.progress import selectors
from tenants.access import get_audience
from tenants.formats import format_partial_date
from tenants.models import Jurisdiction, Visibility
from tenants.models.us_states import state_name
from tenants.web.exports import LICENSE, csv_response, json_response
from tenants.web.filters import ListFilterSet, SortFilter, field_label
from tenants.web.htmx import page_links, render_partial_or_page
from tenants.web.page_cache import cache_for_anonymous

PAGE_SIZE = 100
EXPORT_COLUMNS = [
    "jurisdiction", "kind", "state", "stage", "plan", "lifecycle", "actions_counted", "completed", "on_track",
    "at_risk", "off_track", "overdue", "on_hold", "needs_attention", "not_started", "no_status", "left_out",
    "last_update", "shared_with", "address", "counted_on",
]  # fmt: skip


class ProgressFilterSet(ListFilterSet):
    """The order of the table."""

    sort = SortFilter(
        keys={
            "name": lambda plan: plan.jurisdiction.name.casefold(),
            "state": lambda plan: state_name(plan.jurisdiction.state) if plan.jurisdiction.state else None,
            "stage": lambda plan: (
                STAGES_FURTHEST_FIRST.index(plan.jurisdiction.entry_stage)
                if plan.jurisdiction.entry_stage in STAGES_FURTHEST_FIRST
                else None
            ),
            "done": lambda plan: plan.completed / plan.actions if plan.actions else None,
            "attention": lambda plan: (
                plan.count_by_standing()["needs_attention"] / plan.actions if plan.actions else None
            ),
            "updated": lambda plan: plan.last_update_on,
        },
        choices=[
            ("name", _("Jurisdiction")),
            ("state", field_label(Jurisdiction, "state")),
            ("stage", field_label(Jurisdiction, "entry_stage")),
            ("done", _("Actions done")),
            ("attention", _("Need attention")),
            ("updated", _("Last update")),
        ],
        initial="name",
    )

    class Meta:
        model = PublicPlan
        fields = ()


LIST_PARAMS = ProgressFilterSet.cacheable_params()


@cache_for_anonymous(params=LIST_PARAMS)
@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """The progress of all plans. One query for all of them."""
    plans, filters = _sorted_plans(request)
    today = timezone.localdate()
    page = Paginator(plans, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "section": "progress",
        "rows": selectors.build_progress_rows(page, on=today),
        "count": len(plans),
        "columns": filters.columns(),
        "counted_on": format_partial_date(today),
        "members_only": sum(plan.visibility != Visibility.PUBLIC for plan in plans),
        "page": page,
        "page_links": page_links(page, lambda number: filters.query_string(page=number)),
        "query_string": filters.query_string(),
    }
    return render_partial_or_page(
        request, "cohort/_progress_rows.html", "cohort/progress.html", "plan-rows", context
    )


@cache_for_anonymous(params=LIST_PARAMS)
@require_safe
def progress_csv(request: HttpRequest) -> HttpResponse:
    rows, today = _rows(request)
    return csv_response("plans.csv", EXPORT_COLUMNS, (_export_row(row, today) for row in rows))


@cache_for_anonymous(params=LIST_PARAMS)
@require_safe
def progress_json(request: HttpRequest) -> HttpResponse:
    rows, today = _rows(request)
    return json_response(
        {
            "alliance": settings.ALLIANCE_NAME,
            "counted_on": today,
            "rule": (
                "Totals leave out cancelled and merged actions. An open action with a status that is past its due date "
                "is counted as overdue. Plans differ: do not rank them."
            ),
            "licence": LICENSE,  # this key is public: others read it
            "count": len(rows),
            "plans": [_export_row(row, today) for row in rows],
        }
    )


def _sorted_plans(request: HttpRequest) -> tuple[list[PublicPlan], ProgressFilterSet]:
    """The plans that the reader may see, in the order of the filters."""
    filters = ProgressFilterSet(request.GET)
    return filters.filter_queryset(list(selectors.visible_plans(get_audience(request.user)))), filters


def _rows(request: HttpRequest) -> tuple[list[dict[str, Any]], dt.date]:
    """The rows of a download, and the day they were counted on."""
    today = timezone.localdate()
    plans, _filters = _sorted_plans(request)
    return selectors.build_progress_rows(plans, on=today), today


def _export_row(row: dict[str, Any], today: dt.date) -> dict[str, Any]:
    return {
        "jurisdiction": row["name"],
        "kind": row["kind"],
        "state": row["state"],
        "stage": row["stage"],
        "plan": row["plan"],
        "lifecycle": row["lifecycle"],
        "actions_counted": row["actions"],
        "completed": row["completed"],
        "on_track": row["on_track"],
        "at_risk": row["at_risk"],
        "off_track": row["off_track"],
        "overdue": row["overdue"],
        "on_hold": row["on_hold"],
        "needs_attention": row["needs_attention"],
        "not_started": row["not_started"],
        "no_status": row["no_status"],
        "left_out": row["left_out"],
        "last_update": row["last_update_on"],
        "shared_with": "members" if row["members_only"] else "public",
        "address": row["url"],
        "counted_on": today,
    }
