"""The plan as a tree to edit."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tenants.access import Permission, permission_required
from tenants.plans import selectors, services
from tenants.plans.models import Action, Goal, Outcome, Plan
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.views.common import get_plan, permission_context

MAX_ACTIONS_WITH_ALL_GOALS_OPEN = 60  # with more actions one goal is open at a time
PAGE_SIZE = 50


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def editor(request: HttpRequest) -> HttpResponse:
    """The tree. `?goal=` opens a goal, `?page=` shows the next 50 of its actions, `?at=` shows an action."""
    plan = get_plan()
    context = outline(request, plan) | permission_context(request.user)
    context |= {
        "section": "plan",
        "plan": plan,
        "is_adopted": services.is_adopted(plan),
        "stage_counts": selectors.count_by_stage(plan),
        "total": selectors.actions_of(plan).count(),
        "retired": Action.objects.filter(outcome__goal__plan=plan).exclude(retired_at=None).count(),
    }
    return render(request, "plans/editor.html", context)


def outline(request: HttpRequest, plan: Plan) -> dict[str, Any]:
    """The goals, with the outcomes and actions of the open ones on this page; a constant number of queries.

    {"tree": [{"goal", "count": as in `count_actions`, "is_open", "outcomes": [{"outcome", "actions"}]}], "page", "today"}
    """
    goals = list(Goal.objects.filter(plan=plan, retired_at=None).order_by("position", "pk"))
    counts = selectors.count_actions(plan, by="goal")
    total = sum(count["total"] for count in counts.values())
    is_all_open = total <= MAX_ACTIONS_WITH_ALL_GOALS_OPEN
    open_goals = {goal.pk for goal in goals} if is_all_open else _open_goal_ids(request, goals)
    outcomes = list(
        Outcome.objects.filter(goal__in=open_goals, retired_at=None).order_by(
            "goal__position", "position", "pk"
        )
    )
    actions = (
        Action.objects.current()
        .filter(outcome__goal__in=open_goals)
        .select_related("accountable", "outcome__goal__plan")
        .prefetch_related("measures")
        .in_plan_order()
    )
    size = MAX_ACTIONS_WITH_ALL_GOALS_OPEN if is_all_open else PAGE_SIZE
    page = Paginator(actions, size).get_page(_page_number(request, actions, size) or request.GET.get("page"))
    actions_by_outcome: dict[int, list[Action]] = {}
    reportable_ids = set(
        selectors.reportable_by(
            request.user,
            current_jurisdiction(),
            Action.objects.filter(pk__in=[action.pk for action in page]),
        ).values_list("pk", flat=True)
    )
    for action in page:
        action.may_report = action.pk in reportable_ids  # type: ignore[attr-defined]
        actions_by_outcome.setdefault(action.outcome_id, []).append(action)
    is_last = not page.has_next()
    tree = [
        {
            "goal": goal,
            "count": counts.get(goal.pk, {"total": 0, "completed": 0, "attention": 0}),
            "is_open": goal.pk in open_goals,
            "outcomes": [
                {"outcome": outcome, "actions": actions_by_outcome.get(outcome.pk, [])}
                for outcome in outcomes
                if outcome.goal_id == goal.pk and (outcome.pk in actions_by_outcome or is_last)
            ],
        }
        for goal in goals
    ]
    return {"tree": tree, "page": page, "today": timezone.localdate()}


def _open_goal_ids(request: HttpRequest, goals: list[Goal]) -> set[int]:
    """The goal that `?goal=` names, else that of the action that `?at=` names, else the first."""
    uuid = request.GET.get("goal", "")
    pks = [goal.pk for goal in goals if str(goal.uuid) == uuid]
    if not pks and (code := request.GET.get("at", "")):
        pks = list(Action.objects.filter(code=code).values_list("outcome__goal_id", flat=True))
    return set(pks or [goal.pk for goal in goals[:1]])


def _page_number(request: HttpRequest, actions: Any, size: int) -> int | None:
    """The page with the action that `?at=` names; None without one, or if `?page=` is given."""
    code = request.GET.get("at", "")
    if not code or "page" in request.GET:
        return None
    codes = list(actions.values_list("code", flat=True))
    return codes.index(code) // size + 1 if code in codes else None
