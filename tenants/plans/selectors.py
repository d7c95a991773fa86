"""Queries of the plan that several pages need. They read the active schema."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.db import connection
from django.db.models import Case, CharField, Count, F, OuterRef, Q, QuerySet, Subquery, When
from django.utils import timezone

from tenants import access
from tenants.models import Affiliation, Jurisdiction, Role, Visibility
from tenants.plans import spreadsheets
from tenants.plans.models import Action, ActionQuerySet, Plan, ProgressNote, freshness
from tenants.plans.standing import NEEDS_ATTENTION, NO_STATUS, NOT_COUNTED, standing_expression

# Roles that may report on every action; a department lead only on those of the own department.
_ROLES_REPORTING_ON_ALL = frozenset({Role.COORDINATOR, Role.PLAN_EDITOR})

# What `count_actions` groups by.
_EFFECTIVE_STAGE = Case(
    When(stage="", then=F("outcome__stage")), default=F("stage"), output_field=CharField()
)
COUNT_GROUPS: dict[str, Any] = {
    "standing": F("standing"),
    "goal": F("outcome__goal_id"),
    "department": F("accountable__name"),
    "stage": _EFFECTIVE_STAGE,
}


def current_jurisdiction() -> Jurisdiction:
    """The jurisdiction whose host is served."""
    jurisdiction: Jurisdiction = connection.tenant
    return jurisdiction


def current_plan() -> Plan | None:
    """The plan in force, whoever may see it; None before a city has one."""
    return Plan.objects.in_force().order_by("-pk").first()


def own_status_labels() -> dict[str, str]:
    """The status_labels of the plan in force."""
    plan = current_plan()
    return plan.status_labels if plan else {}


def visible_plan(audience: str) -> Plan | None:
    """The plan in force if `audience` ("public", "members" or "team") may see it, else None."""
    seen_by = {
        "public": [Visibility.PUBLIC],
        "members": [Visibility.PUBLIC, Visibility.COHORT],
        "team": list(Visibility.values),
    }
    return Plan.objects.in_force().filter(visibility__in=seen_by[audience]).order_by("-pk").first()


def actions_of(plan: Plan) -> ActionQuerySet:
    """The plan's actions that are not retired."""
    return Action.objects.current().filter(outcome__goal__plan=plan)


def count_actions(plan: Plan, *, by: str, on: dt.date | None = None) -> dict[Any, dict[str, int]]:
    """Count the plan's actions by "standing", "goal" (id), "department" (name) or "stage"; one query.

    {"Library": {"total": 9, "counted": 8, "completed": 4, "attention": 1, "no_status": 0}}. `counted` leaves
    cancelled and merged actions out. Actions without a department or stage are counted under "".
    Without `on` as of today.
    """
    rows = (
        actions_of(plan)
        .annotate(standing=standing_expression(on=on or timezone.localdate(), is_draft=plan.is_draft))
        .annotate(group=COUNT_GROUPS[by])
        .values("group")
        .annotate(
            total=Count("pk"),
            counted=Count("pk", filter=~Q(standing__in=NOT_COUNTED)),
            completed=Count("pk", filter=Q(standing=Action.Status.COMPLETED)),
            attention=Count("pk", filter=Q(standing__in=NEEDS_ATTENTION)),
            no_status=Count("pk", filter=Q(standing=NO_STATUS)),
        )
        .order_by("group")
    )
    return {row.pop("group") or "": row for row in rows}


def count_standings_by_goal(plan: Plan) -> dict[int, Counter[str]]:
    """The plan's actions by goal (id) and standing today; one query. Cancelled and merged ones are among them."""
    today = standing_expression(on=timezone.localdate(), is_draft=plan.is_draft)
    rows = actions_of(plan).annotate(standing=today).values_list("outcome__goal_id", "standing")
    counts: dict[int, Counter[str]] = {}
    for goal_id, standing, number in rows.annotate(number=Count("pk")).order_by():
        counts.setdefault(goal_id, Counter())[standing] = number
    return counts


def owing_updates(plan: Plan) -> ActionQuerySet:
    """The actions that updates are asked for: the open ones, unless the plan is completed."""
    actions = actions_of(plan) if plan.owes_updates else Action.objects.none()
    open_actions = actions.exclude(status__in=Action.CLOSED, status__isnull=False)
    return open_actions.annotate(undated_report=undated_report())


def undated_report() -> Subquery:
    """The label of an action's newest report without a date, like "Q3"; None if there is none. For an annotation.

    It says something of an action without a dated report only.
    """
    undated = ProgressNote.objects.filter(action=OuterRef("pk"), noted_on=None)
    return Subquery(undated.order_by("-position", "-pk").values("label")[:1])


def updates_due(plan: Plan, *, on: dt.date) -> QuerySet[Action]:
    """Of those, the ones without an update or whose newest one is older than the plan's cadence, oldest update first.

    An action with an undated report is none of them: nobody knows how old it is.
    """
    due_before = on - dt.timedelta(days=plan.cadence_days)
    due = owing_updates(plan).filter(
        Q(last_update_on=None, undated_report=None) | Q(last_update_on__lt=due_before)
    )
    return order_by_oldest_update(due.select_related("accountable"))


def with_undated_reports(actions: QuerySet[Action]) -> QuerySet[Action]:
    """Of those, the ones whose only reports have no date."""
    reported = actions.filter(last_update_on=None).annotate(undated_report=undated_report())
    return reported.exclude(undated_report=None)


def order_by_oldest_update(actions: QuerySet[Action]) -> QuerySet[Action]:
    return actions.order_by(
        F("last_update_on").asc(nulls_first=True),
        "outcome__goal__position",
        "outcome__position",
        "position",
        "pk",
    )


def freshness_of(action: Action, plan: Plan, *, on: dt.date) -> str:
    """The freshness of an action. It knows undated reports of actions that are annotated with `undated_report` only."""
    return freshness(
        action.last_update_on,
        on=on,
        cadence_days=plan.cadence_days,
        grace_days=plan.grace_days,
        has_undated=getattr(action, "undated_report", None) is not None,
    )


def reportable_by(
    user: Any, jurisdiction: Jurisdiction, actions: QuerySet[Action] | None = None
) -> QuerySet[Action]:
    """The subset of `actions` (all by default) on which this person may record progress.

    Coordinators and plan editors: every action. A department lead: actions that the person owns, and those that
    the person's department is accountable or responsible for; departments are compared by name, case-insensitive.
    """
    actions = Action.objects.all() if actions is None else actions
    roles = access.get_roles(user, jurisdiction)
    if user.is_superuser or roles & _ROLES_REPORTING_ON_ALL:
        return actions
    if Role.DEPARTMENT_LEAD not in roles:
        return actions.none()
    affiliation = Affiliation.objects.active().filter(user=user, jurisdiction=jurisdiction).first()
    if affiliation is None:
        return actions.none()
    own = Q(owner_id=affiliation.pk)
    if affiliation.department.strip():
        name = affiliation.department.strip()
        responsible_for = Action.objects.filter(
            parties__department__name__iexact=name, parties__role="responsible"
        )
        own |= Q(accountable__name__iexact=name) | Q(pk__in=responsible_for.values("pk"))
    return actions.filter(own)


def may_report(user: Any, jurisdiction: Jurisdiction, action: Action) -> bool:
    return reportable_by(user, jurisdiction, Action.objects.filter(pk=action.pk)).exists()


def may_correct(user: Any, jurisdiction: Jurisdiction, note: ProgressNote) -> bool:
    """True for coordinators and plan editors, and for the department lead who wrote the report."""
    roles = access.get_roles(user, jurisdiction)
    if user.is_superuser or roles & _ROLES_REPORTING_ON_ALL:
        return True
    return Role.DEPARTMENT_LEAD in roles and note.created_by_id == user.pk


def count_by_stage(plan: Plan) -> list[dict[str, Any]]:
    """Number of actions that count in each stage: [{"stage": "normalize", "count": 8, "percent": 21}].

    The stage "" is listed, last, only if an action has none.
    """
    counts = count_actions(plan, by="stage")
    total = sum(group["counted"] for group in counts.values())
    order = ["normalize", "organize", "operationalize", ""]
    return [
        {
            "stage": stage,
            "count": counts.get(stage, {}).get("counted", 0),
            "percent": round(100 * counts.get(stage, {}).get("counted", 0) / total) if total else 0,
        }
        for stage in order
        if stage or counts.get("", {}).get("counted")
    ]


def team_of(jurisdiction: Jurisdiction) -> QuerySet[Affiliation]:
    """The active affiliations of a jurisdiction, by name."""
    return (
        Affiliation.objects.active()
        .filter(jurisdiction=jurisdiction)
        .select_related("user")
        .order_by("user__last_name", "user__first_name", "pk")
    )


def date_conventions_of(jurisdiction: Jurisdiction, *, date_order: str = "") -> spreadsheets.DateConventions:
    """How this city writes dates: its fiscal year, and "month/day/year" unless `date_order` is given."""
    return spreadsheets.DateConventions(jurisdiction.fiscal_year_start_month, date_order or "month/day/year")
