"""Add and edit actions, with their parties, measures and milestones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.models import Affiliation
from tenants.plans import change_log
from tenants.plans.models import (
    Action,
    ActionParty,
    Department,
    Milestone,
    Outcome,
    PerformanceMeasure,
)
from tenants.plans.services._common import (
    announce_actions,
    check_fields,
    check_version,
    lock_action,
    lock_item,
    log_added,
    next_position,
    save_and_log,
)

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

    `fields` are ACTION_FIELDS, as for `edit_action`.
    """
    check_fields(fields, ACTION_FIELDS, "add_action")
    outcome, plan = lock_item(outcome)
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
    _write_related(action, related, by=by)
    log_added(action, plan, by=by)
    announce_actions([action.pk])
    return action


@transaction.atomic
def edit_action(
    action: Action, *, by: User | None, version: str = "", reason: str = "", **fields: Any
) -> Action:
    """Change an action. Announces `action_changed`; an edit that changes nothing writes nothing.

    Besides columns, `fields` may hold `accountable` (a name or a Department or None), `responsible` and `support`
    (names), `measures` ([{"kind", "text", "baseline", "target"}]) and `milestones` ([{"title", "due_date",
    "due_precision", "done_date"}]): each replaces the existing value or rows.
    Raises EditConflict if the action was changed since `version`; ValidationError if a commitment of an adopted plan
    changes without a reason, or a field is invalid.
    """
    check_fields(fields, ACTION_FIELDS, "edit_action")
    action = lock_action(action)
    check_version(action, version)
    before = change_log.snapshot(action)
    columns, related = _split_fields(fields)
    if "number" in columns and action.source.get("code") == action.number:
        action.source["code"] = columns["number"]
    for name, value in columns.items():
        setattr(action, name, value)
    _check_action(action)
    _write_related(action, related, by=by)
    after = change_log.snapshot(action)
    if {"accountable", "responsible", "support", "owner_vacant_since"} & set(change_log.diff(before, after)):
        action.accountability_raw = _format_accountability(after, action.owner_vacant_since)
        after["accountability_raw"] = action.accountability_raw
    if save_and_log(
        action, "edited", before, by=by, columns=[*columns, "accountability_raw"], reason=reason, after=after
    ):
        announce_actions([action.pk])
    return action


def get_or_create_department(name: str | Department | None, *, by: User | None) -> Department | None:
    """The department of that name, case-insensitive; created if it is new. None for an empty name."""
    if name is None or isinstance(name, Department):
        return name
    name = " ".join(name.split())
    if not name:
        return None
    department = Department.objects.filter(name__iexact=name).first()
    if department is None:
        department = Department(name=name, created_by=by, updated_by=by)
        department.full_clean()
        department.save()
    return department


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
            raise ValidationError({"owner": _("Choose somebody of this jurisdiction’s team.")})
    action.full_clean(exclude=["owner"], validate_unique=False)


def _write_related(action: Action, related: Mapping[str, Any], *, by: User | None) -> None:
    if "responsible" in related:
        _write_parties(action, ActionParty.Role.RESPONSIBLE, related["responsible"], by=by)
    if "support" in related:
        _write_parties(action, ActionParty.Role.SUPPORT, related["support"], by=by)
    if "measures" in related:
        _write_rows(
            action.measures.all(),
            PerformanceMeasure,
            [dict(fields, action=action) for fields in related["measures"]],
            by=by,
        )
    if "milestones" in related:
        _write_rows(
            action.milestones.all(),
            Milestone,
            [dict(fields, action=action) for fields in related["milestones"]],
            by=by,
        )


def _write_parties(action: Action, role: str, names: Iterable[str], *, by: User | None) -> None:
    """Make the departments of these names, in their order, the action's only parties of that role."""
    departments: dict[int, Department] = {}
    for name in names:
        department = get_or_create_department(name, by=by)
        if department and not (
            role == ActionParty.Role.RESPONSIBLE and department.pk == action.accountable_id
        ):
            departments.setdefault(department.pk, department)
    existing = {party.department_id: party for party in action.parties.filter(role=role)}
    for index, (pk, department) in enumerate(departments.items()):
        party = existing.pop(pk, None)
        if party is None:
            ActionParty.objects.create(action=action, department=department, role=role, position=index)
        elif party.position != index:
            party.position = index
            party.save(update_fields=["position"])
    for party in existing.values():
        party.delete()


def _write_rows(
    existing: Any,
    model: type[PerformanceMeasure] | type[Milestone],
    new_fields: Sequence[dict[str, Any]],
    *,
    by: User | None,
) -> None:
    """Make the action's rows those of `new_fields`, in their order; a row of the same identity is updated."""
    identity = ("kind", "text") if model is PerformanceMeasure else ("title", "due_date")
    by_identity: dict[tuple[Any, ...], Any] = {}
    for row in existing.order_by("position", "pk"):
        by_identity.setdefault(tuple(getattr(row, name) for name in identity), row)
    pks = []
    for index, fields in enumerate(new_fields):
        row = by_identity.pop(tuple(fields.get(name, "") for name in identity), None)
        if row is None:
            row = model(created_by=by)
        for name, value in fields.items():
            setattr(row, name, value)
        row.position, row.updated_by = index, by
        row.full_clean()
        row.save()
        pks.append(row.pk)
    existing.exclude(pk__in=pks).delete()


def _format_accountability(values: Mapping[str, Any], vacant_since: dt.date | None) -> str:
    """The cell of a sheet for these parties: "Library; Finance", then "Support: Clerk" on a line of its own."""
    leads = [name for name in (values["accountable"], *values["responsible"]) if name]
    lines = ["; ".join(leads)] if leads else []
    if vacant_since and not leads:
        lines = [f"Vacant since {vacant_since.isoformat()}"]
    if values["support"]:
        lines = [*(f"Lead: {line}" for line in lines), "Support: " + "; ".join(values["support"])]
    return "\n".join(lines)
