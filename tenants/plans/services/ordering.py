"""Move goals, outcomes and actions: up and down, or to another parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log
from tenants.plans.models import Action, Goal, Outcome
from tenants.plans.services._common import (
    announce_plan,
    check_version,
    lock_item,
    next_position,
    save_and_log,
)


@transaction.atomic
def move(item: Goal | Outcome | Action, *, direction: str, by: User | None) -> bool:
    """Swap an item with the one above ("up") or below ("down") it. Announces `plan_changed`.

    Returns False, and changes nothing, if the item is already first or last.
    """
    step = {"up": -1, "down": 1}[direction]
    item, plan = lock_item(item)
    siblings = list(_siblings(item).select_for_update().order_by("position", "pk"))
    old = next(index for index, sibling in enumerate(siblings) if sibling.pk == item.pk)
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
    item: Outcome | Action, parent: Goal | Outcome, *, by: User | None, reason: str = "", version: str = ""
) -> None:
    """Put an action at the end of another outcome, or an outcome at the end of another goal.

    Announces `plan_changed`. Raises EditConflict; ValidationError if the new parent is retired or of another plan,
    or if an item of an adopted plan moves without a reason.
    """
    item, plan = lock_item(item)
    check_version(item, version, by=by)
    name = "outcome" if isinstance(item, Action) else "goal"
    parent_plan_id = parent.goal.plan_id if isinstance(parent, Outcome) else parent.plan_id
    if parent_plan_id != plan.pk or parent.retired_at is not None:
        raise ValidationError(_("“%(title)s” cannot hold it: choose a part of this plan that is not retired.") % {
            "title": parent})  # fmt: skip
    if getattr(item, f"{name}_id") == parent.pk:
        return
    before = change_log.snapshot(item)
    setattr(item, name, parent)
    item.position = next_position(item.__class__.objects.filter(**{name: parent}))  # type: ignore[attr-defined]
    save_and_log(item, "moved", before, by=by, columns=[name, "position"], reason=reason)
    announce_plan(plan)


def _siblings(item: Any) -> Any:
    name = {Goal: "plan", Outcome: "goal", Action: "outcome"}[type(item)]
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
