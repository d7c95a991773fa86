"""Merge an action into another one, and take that back."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log
from tenants.plans.commitments import is_adopted
from tenants.plans.models import Action, Plan, PlanLogEntry
from tenants.plans.services._common import (
    announce_actions,
    check_version,
    lock_item,
    lock_plan,
    normalize_newlines,
    save_and_log,
)

MERGE_COLUMNS = ("status", "status_raw", "status_since", "reason", "next_step", "merged_into")


@transaction.atomic
def merge_actions(
    action: Action, into: Action, *, by: User | None, reason: str = "", version: str = ""
) -> Action:
    """Give an action the status "merged", with `into` as the one that continues it. Announces `action_changed`.

    Nothing is moved or deleted: the merged action keeps its reports and is not counted. Both get a log entry.
    Raises EditConflict; ValidationError for an action that is retired or merged, the same action twice, a target that
    is retired, cancelled or merged, and without a reason if the plan is adopted.
    """
    if action.pk == into.pk:
        raise ValidationError({"into": _("An action cannot be merged into itself. Choose another one.")})
    plan = lock_plan(action.outcome.goal.plan)
    actions = _lock_pair(plan, action.pk, into.pk)
    action, target = actions[action.pk], actions.get(into.pk)
    check_version(action, version, by=by)
    reason = normalize_newlines(reason).strip()
    if not _is_current(action) or action.status == Action.Status.MERGED:
        raise ValidationError(_("“%(title)s” is already merged or archived.") % {"title": action})
    if target is None or not _is_current(target) or target.status in ("cancelled", "merged"):
        raise ValidationError(
            {"into": _("Choose an action in this plan that is not archived, cancelled or merged.")}
        )
    if is_adopted(plan) and not reason:
        raise ValidationError(
            {"reason": _("The plan is adopted. Add a reason for the merge; it will be published.")}
        )
    before = change_log.snapshot(action)
    action.status, action.status_raw, action.status_since = Action.Status.MERGED, "", timezone.localdate()
    action.reason, action.next_step, action.merged_into = reason, "", target
    save_and_log(action, "merged", before, by=by, columns=MERGE_COLUMNS, reason=reason)
    _log_took_in(target, [None, str(action)], by=by, reason=reason)
    announce_actions([action.pk, target.pk])
    return action


@transaction.atomic
def separate_action(action: Action, *, by: User | None, reason: str = "") -> Action:
    """Take a merge back: the action is counted again, with the status that it had before. Announces `action_changed`.

    Raises ValidationError for an action that is not merged or is retired, and without a reason if the plan is adopted.
    """
    action, plan = lock_item(action)
    reason = normalize_newlines(reason).strip()
    if action.status != Action.Status.MERGED or not _is_current(action):
        raise ValidationError(_("“%(title)s” is not merged.") % {"title": action})
    if is_adopted(plan) and not reason:
        raise ValidationError({"reason": _("The plan is adopted. Add a reason; it stays in the history.")})
    target = action.merged_into
    before = change_log.snapshot(action)
    for name, value in _values_before_the_merge(action).items():
        setattr(action, name, value)
    action.status_since, action.merged_into = timezone.localdate(), None
    save_and_log(action, "separated", before, by=by, columns=MERGE_COLUMNS, reason=reason)
    if target is not None:
        _log_took_in(target, [str(action), None], by=by, reason=reason)
    announce_actions([action.pk, *([target.pk] if target is not None else [])])
    return action


def _lock_pair(plan: Plan, *pks: int) -> dict[int, Action]:
    """The actions by id, locked in the order of their ids; the plan is locked already."""
    rows = (
        Action.objects.filter(outcome__goal__plan=plan, pk__in=pks)
        .select_for_update(of=("self",))
        .select_related("outcome__goal__plan", "accountable")
        .order_by("pk")
    )
    return {row.pk: row for row in rows}


def _is_current(action: Action) -> bool:
    return not (action.retired_at or action.outcome.retired_at or action.outcome.goal.retired_at)


def _values_before_the_merge(action: Action) -> dict[str, Any]:
    """Status, reason and next step as the log has them from before the merge; no status if it does not know."""
    entry = (
        PlanLogEntry.objects.filter(object_uuid=action.uuid, verb="merged", fields__has_key="status")
        .order_by("-at", "-pk")
        .first()
    )
    old = {name: change[0] for name, change in entry.fields.items()} if entry else {}
    return {
        "status": old.get("status") or None,
        "status_raw": old.get("status_raw") or "",
        "reason": old.get("reason") or ("" if entry is None or "reason" in entry.fields else action.reason),
        "next_step": old.get("next_step") or "",
    }


def _log_took_in(target: Action, change: list[Any], *, by: User | None, reason: str) -> None:
    verb = "took_in" if change[0] is None else "gave_back"
    change_log.build_entry(
        target, verb, by=by, at=timezone.now(), fields={"took_in": change}, reason=reason
    ).save()
