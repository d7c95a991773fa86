"""What the plan still lacks: the checks of the workspace's home, and the lists behind them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from tenants.plans import selectors
from tenants.plans.models import Action, Outcome, PerformanceMeasure, Plan

# Of open actions, by key. `?missing=` of the editor lists those that do not meet one.
ACTION_CHECKS: dict[str, Q] = {
    "owner": ~Q(accountable=None) | ~Q(owner=None),
    "date": ~Q(due_date=None) | Q(is_continuous=True),
    "measure": Q(has_measure=True),
    "baseline": Q(has_baseline=True),
}
BETTER_OFF = "better_off"  # the check of outcomes
CHECK_LABELS = {
    "owner": _("Has an owner"),
    "date": _("Has a due date or is ongoing"),
    "measure": _("Has a measure"),
    "baseline": _("Has a measure with a baseline"),
    BETTER_OFF: _("Outcome has a “better off” measure"),
}
MAX_LISTED = 3


def health_checks(plan: Plan) -> list[dict[str, Any]]:
    """Checks on the plan's open actions and its outcomes; a constant number of queries.

    [{"key", "label", "met", "of", "missing": [first three], "more": how many are not listed}]; the last one lists
    "outcomes" instead of "missing".
    """
    checked = _checked_actions(plan)
    counts = checked.aggregate(
        of=Count("pk"), **{key: Count("pk", filter=test) for key, test in ACTION_CHECKS.items()}
    )
    results = []
    for key in ACTION_CHECKS:
        missing_count = counts["of"] - counts[key]
        missing = list(actions_lacking(plan, key).in_plan_order()[:MAX_LISTED]) if missing_count else []
        results.append(_result(key, counts[key], counts["of"]) | {
            "missing": missing, "more": missing_count - len(missing)
        })  # fmt: skip
    lacking = outcomes_lacking(plan)
    total, missing_count = _outcomes(plan).count(), lacking.count()
    listed = list(lacking.order_by("goal__position", "position")[:MAX_LISTED])
    results.append(_result(BETTER_OFF, total - missing_count, total) | {
        "outcomes": listed, "more": missing_count - len(listed)
    })  # fmt: skip
    return results


def actions_lacking(plan: Plan, key: str) -> Any:
    """The open actions that do not meet a check of ACTION_CHECKS."""
    return _checked_actions(plan).exclude(ACTION_CHECKS[key])


def outcomes_lacking(plan: Plan) -> QuerySet[Outcome]:
    """The outcomes without a measure of whether anyone is better off."""
    better = PerformanceMeasure.objects.filter(
        action__outcome=OuterRef("pk"), action__retired_at=None, kind=PerformanceMeasure.Kind.BETTER_OFF
    )
    return _outcomes(plan).exclude(Exists(better))


def _result(key: str, met: int, of: int) -> dict[str, Any]:
    return {"key": key, "label": CHECK_LABELS[key], "met": met, "of": of}


def _checked_actions(plan: Plan) -> Any:
    measures = PerformanceMeasure.objects.filter(action=OuterRef("pk"))
    actions = selectors.actions_of(plan).exclude(status__in=Action.CLOSED, status__isnull=False)
    return actions.annotate(
        has_measure=Exists(measures), has_baseline=Exists(measures.exclude(baseline=""))
    )  # fmt: skip


def _outcomes(plan: Plan) -> QuerySet[Outcome]:
    return Outcome.objects.filter(goal__plan=plan, retired_at=None, goal__retired_at=None)
