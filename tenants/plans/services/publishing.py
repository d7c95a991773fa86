"""Publish and unpublish the plan, open and close the site, record the adoption: three separate facts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.jurisdictions import services as jurisdiction_services
from tenants.models import Jurisdiction, Visibility
from tenants.plans import change_log
from tenants.plans.models import Action, Plan
from tenants.plans.selectors import actions_of
from tenants.plans.services._common import announce_plan, lock_plan, save_and_log
from tenants.signals import plan_published


@transaction.atomic
def publish_plan(
    plan: Plan, *, by: User | None, visibility: str = Visibility.PUBLIC, launch: bool = False
) -> Plan:
    """Let the cohort, or everybody, see the plan; with `launch` open the city's site in the same step.

    The membership stage follows. Announces `plan_published`, and `jurisdiction_changed` where the site opens.
    Raises ValidationError for a plan without a single action, or a visibility that shows it to nobody.
    """
    plan = lock_plan(plan)
    if visibility not in (Visibility.PUBLIC, Visibility.COHORT):
        raise ValidationError({"visibility": _("Choose members of the cohort, or everyone.")})
    if not actions_of(plan).exists():
        raise ValidationError(_("The plan has no actions yet. Add or import at least one, then publish."))
    before = change_log.snapshot(plan)
    plan.visibility = visibility
    plan.published_at = plan.published_at or timezone.now()
    changed = save_and_log(plan, "published", before, by=by, columns=["visibility", "published_at"])
    if launch:
        jurisdiction_services.set_site_state(connection.tenant, state=Jurisdiction.SiteState.LAUNCHED, by=by)
    jurisdiction_services.advance_stage(connection.tenant, to=_stage_of(plan), by=by)
    if changed:
        plan_published.send(Plan, jurisdiction=connection.tenant, plan_id=plan.pk)
    return plan


def _stage_of(plan: Plan) -> str:
    """The membership stage that a shown plan stands for: planning while it is a draft, adopted after the vote."""
    stages = Jurisdiction.MembershipStage
    return (stages.ADOPTED_PLAN if plan.adopted_on else stages.PLANNING).value


@transaction.atomic
def unpublish_plan(plan: Plan, *, by: User | None, reason: str, close_site: bool = False) -> Plan:
    """Show the plan only to the city's own team; with `close_site` close the site too. Announces `plan_published`.

    Raises ValidationError without a reason.
    """
    plan = lock_plan(plan)
    if not reason.strip():
        raise ValidationError(
            {"reason": _("Add a reason for unpublishing the plan. It stays in the history.")}
        )
    before = change_log.snapshot(plan)
    plan.visibility = Visibility.INTERNAL
    changed = save_and_log(plan, "unpublished", before, by=by, columns=["visibility"], reason=reason.strip())
    if close_site:
        jurisdiction_services.set_site_state(
            connection.tenant, state=Jurisdiction.SiteState.NOT_LAUNCHED, by=by
        )
    if changed:
        plan_published.send(Plan, jurisdiction=connection.tenant, plan_id=plan.pk)
    return plan


@transaction.atomic
def adopt(plan: Plan, *, on: dt.date, body: str, resolution: str = "", by: User | None) -> Plan:
    """Record that the city's body adopted the plan on a day. From then on changes of commitments need a reason.

    The membership stage follows. Announces `plan_changed`. Raises ValidationError for a day in the future or no body.
    """
    plan = lock_plan(plan)
    if on > timezone.localdate():
        raise ValidationError({
            "on": _("%(day)s is in the future. Record the adoption after the vote.") % {"day": date_format(on)}
        })  # fmt: skip
    if not body.strip():
        raise ValidationError(
            {"body": _("Enter who adopted the plan, such as “City Council” or “County Board”.")}
        )
    before = change_log.snapshot(plan)
    plan.adopted_on, plan.adopting_body, plan.resolution = on, body.strip(), resolution.strip()
    if plan.lifecycle == Plan.Lifecycle.DRAFT:
        plan.lifecycle = Plan.Lifecycle.ADOPTED
    plan.full_clean()
    columns = ["adopted_on", "adopting_body", "resolution", "lifecycle"]
    jurisdiction_services.advance_stage(connection.tenant, to=_stage_of(plan), by=by)
    if save_and_log(plan, "adopted", before, by=by, columns=columns):
        announce_plan(plan)
    return plan


def publish_warnings(plan: Plan) -> list[dict[str, Any]]:
    """Gaps of open actions that readers of the plan will notice; none of them prevents publishing. Two queries.

    [{"key": "no_date", "count": 2, "of": 31, "actions": [first five]}], in the order of the checks.
    """
    actions = list(
        actions_of(plan)
        .exclude(status__in=Action.CLOSED, status__isnull=False)
        .select_related("outcome__goal")
        .prefetch_related("measures")
        .in_plan_order()
    )
    checks: dict[str, Any] = {
        "starter": lambda a: a.source.get("starter"),
        "no_party": lambda a: a.accountable_id is None and a.owner_id is None,
        "no_date": lambda a: a.due_date is None and not a.is_continuous,
        "no_measure": lambda a: not a.measures.all(),
        "no_status": lambda a: a.status is None,
        "no_stage": lambda a: not a.stage and not a.outcome.stage,
    }
    warnings = []
    for key, has_gap in checks.items():
        incomplete = [action for action in actions if has_gap(action)]
        if incomplete:
            warnings.append(
                {"key": key, "count": len(incomplete), "of": len(actions), "actions": incomplete[:5]}
            )
    if not connection.tenant.has_contact:
        warnings.append({"key": "no_contact", "count": 1, "of": 1, "actions": []})
    if not plan.summary:
        warnings.append({"key": "no_summary", "count": 1, "of": 1, "actions": []})
    return warnings
