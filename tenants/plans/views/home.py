"""The home page of the workspace, the checks on the plan, and the list of updates."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tenants import access
from tenants.access import Permission, permission_required
from tenants.plans import change_log, selectors
from tenants.plans.models import Action, Outcome, PerformanceMeasure, Plan
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.views import first_screens
from tenants.plans.views.common import get_plan, permission_context
from tenants.plans.views.histories import describe_entries

PAGE_SIZE = 50
MAX_CHANGES = 8


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def home(request: HttpRequest) -> HttpResponse:
    """The first screen of each role: who runs the plan, who reports on some of its actions, and who reads it."""
    jurisdiction, plan = current_jurisdiction(), get_plan()
    permissions = permission_context(request.user)
    context = {"section": "home", "plan": plan, "today": timezone.localdate()} | permissions
    if permissions["can_edit"]:
        if not jurisdiction.is_launched:
            return render(request, "plans/first.html", context | first_screens.steps(request.user, plan))
        extra = first_screens.for_those_who_run_the_plan(request.user, plan)
        extra |= {
            "health_checks": health_checks(plan),
            "stage_counts": selectors.count_by_stage(plan),
            "changes": describe_entries(_newest_changes()),
        }
        return render(request, "plans/home.html", context | extra)
    if access.has_permission(request.user, Permission.REPORT_PROGRESS, jurisdiction):
        return render(request, "plans/lead.html", context | first_screens.for_a_lead(request.user, plan))
    return render(request, "plans/reader.html", context | first_screens.for_a_reader(plan))


def _newest_changes() -> Any:
    entries = change_log.entries_for().exclude(
        verb__in=["imported", "undone"], object_type__in=["goal", "outcome", "action"]
    )
    return entries[:MAX_CHANGES]


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def updates(request: HttpRequest) -> HttpResponse:
    """The actions that owe updates, with the age of the newest one; `?mine=1` shows those the person may report on."""
    plan, today = get_plan(), timezone.localdate()
    actions = selectors.owing_updates(plan)
    mine = selectors.reportable_by(request.user, current_jurisdiction(), actions)
    only_mine = request.GET.get("mine") == "1"
    shown = (mine if only_mine else actions).select_related("accountable")
    page = Paginator(selectors.order_by_oldest_update(shown), PAGE_SIZE).get_page(request.GET.get("page"))
    reportable_ids = set(mine.filter(pk__in=[action.pk for action in page]).values_list("pk", flat=True))
    context = {
        "section": "updates",
        "plan": plan,
        "page": page,
        "lines": [
            first_screens.update_line(action, plan, today) | {"may_report": action.pk in reportable_ids}
            for action in page
        ],
        "may_report": bool(reportable_ids),
        "only_mine": only_mine,
        "mine": mine.count(),
        "all": actions.count(),
    }
    return render(request, "plans/updates.html", context)


def health_checks(plan: Plan) -> list[dict[str, Any]]:
    """Checks on the plan's open actions and its outcomes: [{"label", "met", "of", "missing": [first three], "more"}].

    A constant number of queries.
    """
    actions = selectors.actions_of(plan).exclude(status__in=Action.CLOSED, status__isnull=False)
    measures = PerformanceMeasure.objects.filter(action=OuterRef("pk"))
    checks = {
        "owner": ~Q(accountable=None) | ~Q(owner=None),
        "date": ~Q(due_date=None) | Q(is_continuous=True),
        "measure": Q(has_measure=True),
        "baseline": Q(has_baseline=True),
    }
    checked: Any = actions.annotate(
        has_measure=Exists(measures), has_baseline=Exists(measures.exclude(baseline="")),
    )  # fmt: skip
    counts = checked.aggregate(
        of=Count("pk"), **{key: Count("pk", filter=test) for key, test in checks.items()}
    )
    labels = {
        "owner": _("Has an owner"),
        "date": _("Has a due date or is ongoing"),
        "measure": _("Has a measure"),
        "baseline": _("Has a measure with a baseline"),
    }
    results = []
    for key, test in checks.items():
        missing = list(checked.exclude(test).in_plan_order()[:3]) if counts[key] < counts["of"] else []
        results.append(
            {
                "label": labels[key],
                "met": counts[key],
                "of": counts["of"],
                "missing": missing,
                "more": counts["of"] - counts[key] - len(missing),
            }
        )
    outcomes = Outcome.objects.filter(goal__plan=plan, retired_at=None, goal__retired_at=None)
    better = PerformanceMeasure.objects.filter(
        action__outcome=OuterRef("pk"), action__retired_at=None, kind=PerformanceMeasure.Kind.BETTER_OFF
    )
    lacking = outcomes.exclude(Exists(better))
    total, missing_count = outcomes.count(), lacking.count()
    listed = list(lacking.order_by("goal__position", "position")[:3])
    results.append(
        {
            "label": _("Outcome has a “better off” measure"),
            "met": total - missing_count,
            "of": total,
            "outcomes": listed,
            "more": missing_count - len(listed),
        }
    )
    return results
