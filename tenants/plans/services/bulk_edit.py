"""Change the due date, the responsible department or the owner of several actions at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans.models import Action, Plan
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.services._common import (
    EditConflict,
    announce_actions,
    check_fields,
    lock_plan,
    version_token,
)
from tenants.plans.services.action_rows import get_or_create_department
from tenants.plans.services.actions import change_action

BULK_FIELDS = frozenset(
    {"accountable", "owner", "owner_vacant_since", "due_date", "due_precision", "is_continuous"}
)
DATE_FIELDS = ("due_date", "due_precision", "is_continuous")


@transaction.atomic
def edit_actions(
    plan: Plan, versions: Mapping[str, str], *, by: User | None, reason: str = "", **fields: Any
) -> list[Action]:
    """Change BULK_FIELDS of several actions of the plan, all or none. Announces `action_changed`.

    `versions` are the versions that the person saw, by the code of each action; an empty one is not checked.
    Returns the actions that changed, each with a log entry of its own.
    Raises EditConflict that names the actions which somebody changed meanwhile, unless they have these values already, as
    after going back and saving again; ValidationError without actions or
    fields, if a commitment of an adopted plan changes without a reason, or with the title of each action whose values
    would be wrong.
    """
    check_fields(fields, BULK_FIELDS, "edit_actions")
    if not versions:
        raise ValidationError(_("Choose at least one action."))
    if not fields:
        raise ValidationError(_("Choose what to change: the due date, the department or the owner."))
    plan = lock_plan(plan)
    actions = _lock_actions(plan, versions)
    if "accountable" in fields:
        fields["accountable"] = get_or_create_department(fields["accountable"], by=by)
    _check_versions(actions, versions, fields)
    related_rows = RelatedRows(actions=[action.pk for action in actions])
    changed: list[Action] = []
    problems: list[str] = []
    for action in actions:
        try:
            if change_action(
                action, _fields_for(action, fields), by=by, reason=reason, related_rows=related_rows
            ):
                changed.append(action)
        except ValidationError as error:
            if "reason" in getattr(error, "error_dict", {}):
                raise
            problems.append(f"{action}: {' '.join(error.messages)}")
    if problems:
        raise ValidationError(problems)
    if changed:
        announce_actions([action.pk for action in changed])
    return changed


def _lock_actions(plan: Plan, codes: Mapping[str, str]) -> list[Action]:
    """The actions of these codes, locked, in the order of their ids; the plan is locked already."""
    actions = list(
        Action.objects.current()
        .filter(outcome__goal__plan=plan, code__in=list(codes))
        .select_for_update(of=("self",))
        .select_related("outcome__goal__plan", "accountable", "merged_into")
        .order_by("pk")
    )
    if len(actions) < len(codes):
        raise ValidationError(
            _("Some of these actions are no longer in the plan. Nothing was saved; choose again.")
        )
    return actions


def _check_versions(actions: list[Action], versions: Mapping[str, str], fields: Mapping[str, Any]) -> None:
    changed = [
        str(action)
        for action in actions
        if versions[action.code] not in ("", version_token(action)) and not _has_values(action, fields)
    ]
    if changed:
        raise EditConflict(
            [
                _("Nothing was saved. These were changed after you opened the page. Review them, then save again:"),
                *changed,
            ]
        )  # fmt: skip


def _has_values(action: Action, fields: Mapping[str, Any]) -> bool:
    """True if a change to these values would change nothing of the action."""
    return all(
        action.owner_id == getattr(value, "pk", value) if name == "owner" else getattr(action, name) == value
        for name, value in fields.items()
    )


def _fields_for(action: Action, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of one action. The sheet's words for its dates go, as they gave other dates."""
    values = dict(fields)
    if any(name in fields and getattr(action, name) != fields[name] for name in DATE_FIELDS):
        values["timeline_raw"] = ""
    return values
