"""Move goals, outcomes and actions: up and down, behind another one, or to another parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log
from tenants.plans.models import Action, Goal, Outcome, Plan
from tenants.plans.services._common import (
    announce_plan,
    check_version,
    is_retired,
    lock_item,
    plan_of,
    save_and_log,
)

LAST = -1  # behind all siblings, for `move_to`
PARENT_NAMES: dict[type, str] = {Goal: "plan", Outcome: "goal", Action: "outcome"}


@transaction.atomic
def move(item: Goal | Outcome | Action, *, direction: str, by: User | None) -> bool:
    """Swap an item with the one above ("up") or below ("down") it. Announces `plan_changed`.

    Returns False, and changes nothing, if the item is already first or last, or is retired.
    """
    step = {"up": -1, "down": 1}[direction]
    item, plan = lock_item(item)
    siblings = list(_siblings(item).select_for_update().order_by("position", "pk"))
    old = next((index for index, sibling in enumerate(siblings) if sibling.pk == item.pk), None)
    if old is None:
        return False
    new = old + step
    if not 0 <= new < len(siblings):
        return False
    siblings[old], siblings[new] = siblings[new], siblings[old]
    _renumber(siblings)
    save_and_log(item, "moved", {"position": old}, by=by, columns=[], after={"position": new})
    announce_plan(plan)
    return True


@transaction.atomic
def move_to(
    item: Goal | Outcome | Action,
    parent: Plan | Goal | Outcome,
    *,
    by: User | None,
    after: int | None = LAST,
    reason: str = "",
    version: str = "",
) -> None:
    """Move an action within its outcome or to another one, an outcome within or to a goal, a goal within the plan.

    It stands after the sibling with the id `after`: first for None, at the end by default (but an item that stays with
    its parent is then not moved). Announces `plan_changed`. Raises EditConflict; ValidationError if the new parent is
    retired, part of what is retired, or of another plan, if `after` is not in it, or if an item of an adopted plan gets
    another parent without a reason.
    """
    item, plan = lock_item(item)
    check_version(item, version, by=by)
    name = PARENT_NAMES[type(item)]
    current = _read_again(parent)
    if current is None or plan_of(current).pk != plan.pk or (current != plan and is_retired(current)):
        raise ValidationError(_("It cannot be part of “%(title)s”: choose a part of this plan that is not archived.") % {
            "title": parent})  # fmt: skip
    parent = current
    is_new_parent = getattr(item, f"{name}_id") != parent.pk
    if not is_new_parent and after == LAST:
        return
    siblings = list(
        type(item)
        .objects.filter(**{f"{name}_id": parent.pk}, retired_at=None)
        .select_for_update()
        .order_by("position", "pk")
    )
    old = next((index for index, row in enumerate(siblings) if row.pk == item.pk), item.position)
    others = [row for row in siblings if row.pk != item.pk]
    new = _index_after(others, after)
    before = change_log.snapshot(item) | {"position": old}
    setattr(item, name, parent)
    _renumber([*others[:new], item, *others[new:]])
    after_move = change_log.snapshot(item) | {"position": new}
    if save_and_log(
        item, "moved", before, by=by, columns=[name, "position"], reason=reason, after=after_move
    ):
        announce_plan(plan)


def _read_again(parent: Any) -> Any:
    """The parent as it is now, as somebody may have retired it meanwhile; None if it is gone. The plan is locked."""
    rows = type(parent)._default_manager.filter(pk=parent.pk)
    if not isinstance(parent, Plan):
        rows = rows.select_related({Goal: "plan", Outcome: "goal__plan"}[type(parent)])
    return rows.first()


def _index_after(rows: Sequence[Any], after: int | None) -> int:
    """The index behind the row with the id `after`; 0 for None, the end for LAST."""
    if after is None:
        return 0
    if after == LAST:
        return len(rows)
    for index, row in enumerate(rows):
        if row.pk == after:
            return index + 1
    raise ValidationError(_("The plan has changed in the meantime. Choose the position again."))


def _siblings(item: Any) -> Any:
    name = PARENT_NAMES[type(item)]
    return type(item).objects.filter(**{f"{name}_id": getattr(item, f"{name}_id")}, retired_at=None)


def _renumber(rows: Sequence[Any]) -> None:
    """Set `position` of each row to its index in `rows`; one statement."""
    changed = []
    for index, row in enumerate(rows):
        if row.position != index:
            row.position = index
            changed.append(row)
    if changed:
        type(changed[0]).objects.bulk_update(changed, ["position"])
