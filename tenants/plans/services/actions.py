"""Add and edit actions, with their parties, measures and milestones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.models import Affiliation
from tenants.plans import change_log
from tenants.plans.models import Action, Outcome
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.services._common import (
    announce_actions,
    check_fields,
    check_parent,
    check_version,
    find_repeat,
    lock_action,
    lock_item,
    log_added,
    next_position,
    save_and_log,
)
from tenants.plans.services.action_rows import get_or_create_department, write_related

ACTION_FIELDS = frozenset(
    {
        *(
            "number",
            "title",
            "details",
            "why",
            "stage",
            "sectors",
            "topics",
            "accountable",
            "responsible",
            "support",
        ),
        *("owner", "owner_vacant_since", "start_date", "start_precision", "due_date", "due_precision"),
        *("is_continuous", "timeline_raw", "resources", "implementation_plan", "changes", "indicator_text"),
        *("measures", "milestones"),
    }
)
RELATED_FIELDS = frozenset({"responsible", "support", "measures", "milestones"})


@transaction.atomic
def add_action(outcome: Outcome, *, by: User | None, **fields: Any) -> Action:
    """Add an action at the end of an outcome, with a code of its own. Announces `action_changed`.

    `fields` are ACTION_FIELDS, as for `edit_action`. Added twice with the same texts by the same person
    in a few minutes, it is the same action, with `is_repeat`. Raises ValidationError for an invalid field, and for an
    outcome that is retired.
    """
    check_fields(fields, ACTION_FIELDS, "add_action")
    outcome, plan = lock_item(outcome)
    if same := find_repeat(outcome.actions, fields, by=by):
        return same
    check_parent(outcome)
    columns, related = _split_fields(fields)
    action = Action(
        outcome=outcome,
        code=f"a{plan.next_code}",
        position=next_position(outcome.actions.all()),
        created_by=by,
        updated_by=by,
        **columns,
    )
    _check_action(action)
    action.save()
    plan.next_code += 1
    plan.save(update_fields=["next_code"])
    write_related(action, related, by=by)
    log_added(action, plan, by=by)
    announce_actions([action.pk])
    return action


@transaction.atomic
def edit_action(
    action: Action, *, by: User | None, version: str = "", reason: str = "", **fields: Any
) -> Action:
    """Change an action. Announces `action_changed`; an edit that changes nothing writes nothing.

    Besides columns, `fields` may hold `accountable` (a name or a Department or None), `responsible` and `support`
    (names), and as rows `measures` ([{"id", "kind", "text", "baseline", "target"}]) and `milestones` ([{"id", "title",
    "due_date", "due_precision", "done_date"}]): each replaces the existing value or rows. A row with the id of an
    existing one changes that one, and keeps what it does not name; a row without an id is new.
    Raises EditConflict if the action was changed since `version`; ValidationError if a commitment of an adopted plan
    changes without a reason, or a field is invalid.
    """
    check_fields(fields, ACTION_FIELDS, "edit_action")
    action = lock_action(action)
    check_version(action, version, by=by)
    if change_action(action, fields, by=by, reason=reason):
        announce_actions([action.pk])
    return action


def change_action(
    action: Action,
    fields: Mapping[str, Any],
    *,
    by: User | None,
    reason: str,
    related_rows: RelatedRows | None = None,
) -> bool:
    """Change and log a locked action, as `edit_action` does; True if something changed. The caller announces it.

    Pass `related_rows` for many actions whose related rows stay: without it each one costs eight queries more.
    """
    before = change_log.snapshot(action, related_rows)
    columns, related = _split_fields(fields)
    if "number" in columns and action.source.get("code") == action.number:
        action.source["code"] = columns["number"]
    for name, value in columns.items():
        setattr(action, name, value)
    _check_action(action)
    write_related(action, related, by=by)
    after = change_log.snapshot(action, None if related else related_rows)
    if {"accountable", "responsible", "support", "owner_vacant_since"} & set(change_log.diff(before, after)):
        action.accountability_raw = _format_accountability(after, action.owner_vacant_since)
        after["accountability_raw"] = action.accountability_raw
    entry = save_and_log(
        action, "edited", before, by=by, columns=[*columns, "accountability_raw"], reason=reason, after=after
    )
    return entry is not None


def _split_fields(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The action's own columns, with their values as model instances, and the fields stored in related rows."""
    columns = {name: value for name, value in fields.items() if name not in RELATED_FIELDS}
    if "accountable" in columns:
        columns["accountable"] = get_or_create_department(columns["accountable"], by=None)
    if columns.get("owner") is not None and not isinstance(columns["owner"], Affiliation):
        columns["owner"] = Affiliation.objects.get(pk=columns["owner"])
    return columns, {name: value for name, value in fields.items() if name in RELATED_FIELDS}


def _check_action(action: Action) -> None:
    if action.owner_id is not None:
        jurisdiction = connection.tenant
        if not Affiliation.objects.filter(pk=action.owner_id, jurisdiction=jurisdiction).exists():
            raise ValidationError({"owner": _("Choose someone on this jurisdiction’s team.")})
    action.full_clean(exclude=["owner"], validate_unique=False)


def _format_accountability(values: Mapping[str, Any], vacant_since: dt.date | None) -> str:
    """The cell of a sheet for these parties: "Library; Finance", then "Support: Clerk" on a line of its own."""
    leads = [name for name in (values["accountable"], *values["responsible"]) if name]
    lines = ["; ".join(leads)] if leads else []
    if vacant_since and not leads:
        lines = [f"Vacant since {vacant_since.isoformat()}"]
    if values["support"]:
        lines = [*(f"Lead: {line}" for line in lines), "Support: " + "; ".join(values["support"])]
    return "\n".join(lines)
