"""The rows of an action: its departments, measures and milestones. The services of actions write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans.models import Action, ActionParty, Department, Milestone, PerformanceMeasure


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


def write_related(action: Action, related: Mapping[str, Any], *, by: User | None) -> None:
    """Write the rows that `related` names: "responsible", "support", "measures", "milestones"."""
    if "responsible" in related:
        _write_parties(action, ActionParty.Role.RESPONSIBLE, related["responsible"], by=by)
    if "support" in related:
        _write_parties(action, ActionParty.Role.SUPPORT, related["support"], by=by)
    if "measures" in related:
        _write_measures(action, related["measures"], by=by)
    if "milestones" in related:
        _write_rows(action, Milestone, related["milestones"], by=by)


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


def _write_measures(action: Action, rows: Sequence[Mapping[str, Any]], *, by: User | None) -> None:
    """As `_write_rows`; each milestone stays with its measure, or with none where that is removed."""
    before = list(action.measures.order_by("position", "pk").values_list("pk", flat=True))
    after = {pk: index for index, pk in enumerate(_write_rows(action, PerformanceMeasure, rows, by=by))}
    for step in action.milestones.exclude(measure_position=None):
        old = step.measure_position
        new = after.get(before[old]) if old is not None and old < len(before) else None
        if new != old:
            step.measure_position = new
            step.save(update_fields=["measure_position"])


def _write_rows(
    action: Action,
    model: type[PerformanceMeasure] | type[Milestone],
    rows: Sequence[Mapping[str, Any]],
    *,
    by: User | None,
) -> list[int]:
    """Make the action's measures or milestones those of `rows`, in their order, and return their ids.

    A row is known by its "id", never by its words: it keeps what is not named. One without an id is new; an existing
    row that is not listed is removed. Raises ValidationError for an id that the action has no row of.
    """
    manager: Any = model._default_manager
    existing = {row.pk: row for row in manager.filter(action=action)}
    pks: list[int] = []
    for index, fields in enumerate(rows):
        pk = fields.get("id")
        row = existing.pop(pk, None) if pk else model(action=action, created_by=by)
        if row is None:
            raise ValidationError(_("A row you changed no longer exists. Open the form again."))
        values = {name: value for name, value in fields.items() if name != "id"} | {"position": index}
        if row.pk is None or any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            row.updated_by = by
            row.full_clean()
            row.save()
        pks.append(row.pk)
    manager.filter(pk__in=list(existing)).delete()
    return pks
