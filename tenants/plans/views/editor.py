"""The plan as a tree to edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tenants.access import Permission, has_permission, permission_required
from tenants.plans import labels, plan_health, selectors, services
from tenants.plans.forms.action import department_names
from tenants.plans.forms.quick import REASON_SUGGESTIONS, InlineForm
from tenants.plans.models import Action, Goal, Outcome, Plan
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.standing import NO_STATUS
from tenants.plans.views.common import get_plan, permission_context

MAX_ACTIONS_WITH_ALL_GOALS_LOADED = 60  # with more actions the folded goals are empty, and load when opened
PAGE_SIZE = 50
MAX_QUERY_LENGTH = 200


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def editor(request: HttpRequest) -> HttpResponse:
    """The tree, one goal open.

    `?goal=` names it, or `?at=` by one of its actions; `?edit=` opens the short form of an action. `?q=` lists the
    actions with these words in number or title, `?missing=` those that do not meet a check of plan_health; `?page=`
    shows the next 50.
    """
    form = None
    code = _query(request).get("edit", "")
    if code and has_permission(request.user, Permission.EDIT_PLAN, current_jurisdiction()):
        actions = Action.objects.current().select_related("outcome__goal__plan", "accountable")
        action = actions.filter(code=code).first()
        form = InlineForm(action=action) if action else None
    return render_editor(request, form)


def _query(request: HttpRequest) -> dict[str, str]:
    """The parameters of the address; PostgreSQL takes no null characters."""
    return {name: str(value).replace("\0", "") for name, value in request.GET.items()}


def render_editor(
    request: HttpRequest, form: InlineForm | None = None, extra: Mapping[str, Any] | None = None
) -> HttpResponse:
    """The editor's page; with the short form of an action in the place of its row."""
    plan = get_plan()
    query = {"at": form.action.code} if form else _query(request)
    stage_counts = selectors.count_by_stage(plan)
    counted = sum(line["count"] for line in stage_counts)
    permissions = permission_context(request.user)
    context = outline(request.user, plan, query) | permissions
    context |= {
        "section": "plan",
        "plan": plan,
        "is_adopted": services.is_adopted(plan),
        "stage_counts": stage_counts,
        "total": counted,
        "not_counted": selectors.actions_of(plan).count() - counted,
        "retired": Action.objects.filter(outcome__goal__plan=plan).exclude(retired_at=None).count(),
        "form": form,
        "form_code": form.action.code if form else "",
        "moved": query.get("moved", ""),
    }
    if permissions["can_edit"]:
        context |= {"departments": department_names(), "reason_suggestions": REASON_SUGGESTIONS}
    context |= extra or {}
    return render(request, "plans/editor.html", context, status=422 if form and form.errors else 200)


def outline(user: Any, plan: Plan, query: Mapping[str, str]) -> dict[str, Any]:
    """The goals, with the outcomes and actions that are loaded, on this page; a constant number of queries.

    {"tree": [{"goal", "count": see `_goal_count`, "is_open", "is_loaded", "is_first", "is_last", "outcomes":
    [{"outcome", "actions"}]}], "page", "today", "at": the code of the named action, "q", "missing", "is_filtered", "matches"}
    """
    goals = list(Goal.objects.filter(plan=plan, retired_at=None).order_by("position", "pk"))
    counts = selectors.count_standings_by_goal(plan)
    filtered = _filtered(plan, query)
    if filtered is None:
        total = sum(count.total() for count in counts.values())
        open_ids = _open_goal_ids(query, goals)
        is_all_loaded = total <= MAX_ACTIONS_WITH_ALL_GOALS_LOADED
        loaded_ids = {goal.pk for goal in goals} if is_all_loaded else open_ids
        size = MAX_ACTIONS_WITH_ALL_GOALS_LOADED if is_all_loaded else PAGE_SIZE
        actions: Any = Action.objects.current().filter(outcome__goal__in=loaded_ids)
        outcomes: Any = Outcome.objects.filter(goal__in=loaded_ids, retired_at=None)
    else:
        actions, outcomes = filtered
        size = PAGE_SIZE
    ordered = (
        actions.select_related("accountable", "owner__user", "outcome__goal__plan", "merged_into")
        .prefetch_related("measures")
        .in_plan_order()
    )
    page = Paginator(ordered, size).get_page(_page_number(query, ordered, size) or query.get("page"))
    if filtered is not None:
        loaded_ids = open_ids = {action.outcome.goal_id for action in page} | set(
            outcomes.values_list("goal_id", flat=True)
        )
        outcomes = Outcome.objects.filter(Q(pk__in=outcomes) | Q(pk__in={a.outcome_id for a in page}))
    by_outcome = _by_outcome(page, user)
    rows = list(outcomes.order_by("goal__position", "position", "pk"))
    tree = [
        {
            "goal": goal,
            "count": _goal_count(counts.get(goal.pk, Counter()), plan),
            "is_open": goal.pk in open_ids,
            "is_loaded": goal.pk in loaded_ids,
            "is_first": goal.pk == goals[0].pk,
            "is_last": goal.pk == goals[-1].pk,
            "outcomes": [
                {"outcome": outcome, "actions": by_outcome.get(outcome.pk, [])}
                for outcome in rows
                if outcome.goal_id == goal.pk and (outcome.pk in by_outcome or not page.has_next())
            ],
        }
        for goal in goals
        if filtered is None or goal.pk in loaded_ids
    ]
    missing = query.get("missing", "")
    return {
        "tree": tree,
        "jumps": goals,
        "page": page,
        "today": timezone.localdate(),
        "at": query.get("at", ""),
        "q": query.get("q", "").strip(),
        "missing": missing if missing in plan_health.CHECK_LABELS else "",
        "missing_label": plan_health.CHECK_LABELS.get(missing, ""),
        "is_filtered": filtered is not None,
        "matches": page.paginator.count if missing != plan_health.BETTER_OFF else len(rows),
    }


def _goal_count(counts: Counter[str], plan: Plan) -> dict[str, Any]:
    """{"total", "counted", "segments": the parts of its status bar, "words": the same and what is not counted}.

    The bar is for plans that have begun: a draft has none, nor a goal without any status.
    """
    parts = labels.status_segments(counts)
    counted = sum(part["count"] for part in parts)
    has_bar = not plan.is_draft and counted > counts[NO_STATUS]
    return {
        "total": counts.total(),
        "counted": counted,
        "segments": parts if has_bar else [],
        "words": labels.format_status_counts(counts, plan.status_labels),
    }


def _filtered(plan: Plan, query: Mapping[str, str]) -> tuple[Any, Any] | None:
    """The actions, and the outcomes that are listed without any, of a search or a check; None without these."""
    missing, words = query.get("missing", ""), query.get("q", "").strip()[:MAX_QUERY_LENGTH].split()
    no_outcomes = Outcome.objects.none()
    if missing == plan_health.BETTER_OFF:
        lacking = plan_health.outcomes_lacking(plan)
        return Action.objects.current().filter(outcome__in=lacking), lacking
    if missing in plan_health.ACTION_CHECKS:
        return plan_health.actions_lacking(plan, missing), no_outcomes
    if not words:
        return None
    condition = Q()
    for word in words:
        condition &= Q(title__icontains=word) | Q(number__istartswith=word)
    return selectors.actions_of(plan).filter(condition), no_outcomes


def _by_outcome(page: Any, user: Any) -> dict[int, list[Action]]:
    """The page's actions by outcome, each with `may_report`."""
    on_page = Action.objects.filter(pk__in=[action.pk for action in page])
    reportable = selectors.reportable_by(user, current_jurisdiction(), on_page)
    reportable_ids = set(reportable.values_list("pk", flat=True))
    actions: dict[int, list[Action]] = {}
    for action in page:
        action.may_report = action.pk in reportable_ids and action.status != Action.Status.MERGED
        actions.setdefault(action.outcome_id, []).append(action)
    return actions


def _open_goal_ids(query: Mapping[str, str], goals: list[Goal]) -> set[int]:
    """The goal that `?goal=` names, else that of the action that `?at=` names, else the first."""
    uuid, code = query.get("goal", ""), query.get("at", "")
    pks = [goal.pk for goal in goals if str(goal.uuid) == uuid]
    if not pks and code:
        pks = list(Action.objects.filter(code=code).values_list("outcome__goal_id", flat=True))
    return set(pks or [goal.pk for goal in goals[:1]])


def _page_number(query: Mapping[str, str], actions: Any, size: int) -> int | None:
    """The page with the action that `?at=` names; None without one, or if `?page=` is given."""
    code = query.get("at", "")
    if not code or "page" in query:
        return None
    codes = list(actions.values_list("code", flat=True))
    return codes.index(code) // size + 1 if code in codes else None
