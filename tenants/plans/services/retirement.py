"""Retire goals, outcomes and actions, and restore them. Nothing is deleted."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log
from tenants.plans.services._common import (
    PlanItem,
    ancestors,
    announce_plan,
    check_version,
    lock_item,
    save_and_log,
)

MAX_REASON_LENGTH = 300  # characters: the size of the column


@transaction.atomic
def retire(item: PlanItem, *, reason: str, by: User | None, version: str = "") -> PlanItem:
    """Take an item, with everything under it, out of the plan. It stays in the database and can be restored.

    Announces `plan_changed`. Raises EditConflict; ValidationError without a reason or with one of over 300 characters.
    """
    item, plan = lock_item(item)
    if item.retired_at is not None:
        return item
    check_version(item, version, by=by)
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Add a reason. It stays in the history.")})
    if len(reason) > MAX_REASON_LENGTH:
        raise ValidationError(
            {"reason": _("The reason has %(count)s characters; the limit is 300.") % {"count": len(reason)}}
        )
    before = change_log.snapshot(item)
    item.retired_at, item.retired_reason = timezone.now(), reason
    save_and_log(item, "retired", before, by=by, columns=["retired_at", "retired_reason"], reason=reason)
    announce_plan(plan)
    return item


@transaction.atomic
def restore(item: PlanItem, *, by: User | None) -> PlanItem:
    """Bring a retired item back to its position. Announces `plan_changed`.

    Raises ValidationError while its outcome or goal is retired itself.
    """
    item, plan = lock_item(item)
    if item.retired_at is None:
        return item
    for ancestor in ancestors(item):
        if ancestor.retired_at is not None:
            raise ValidationError(
                _("It is part of “%(title)s”, which is archived. Restore that first.") % {"title": ancestor}
            )
    before = change_log.snapshot(item)
    item.retired_at, item.retired_reason = None, ""
    save_and_log(item, "restored", before, by=by, columns=["retired_at", "retired_reason"])
    announce_plan(plan)
    return item
