"""Record progress on an action."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log, labels
from tenants.plans.models import Action, ProgressNote
from tenants.plans.services._common import (
    announce_actions,
    lock_action,
    normalize_newlines,
    save_and_log,
)

# The statuses of a progress note. "Merged" is none of them: the plan's editors merge actions.
REPORTABLE_STATUSES = tuple(status for status in Action.Status if status != Action.Status.MERGED)


@transaction.atomic
def record_progress(
    action: Action,
    *,
    status: str,
    text: str,
    by: User | None,
    on: dt.date,
    next_step: str = "",
    reason: str = "",
) -> ProgressNote:
    """Add a dated note to an action and move it to `status`. Announces `action_changed`.

    A note dated before the newest one is saved, but leaves the status as it is.
    Raises ValidationError, by field: no text, a day in the future, a status that needs a reason or a next step and
    has none, a retired action.
    """
    action = lock_action(action)
    text, next_step, reason = (normalize_newlines(value).strip() for value in (text, next_step, reason))
    _check(action, status=status, text=text, next_step=next_step, reason=reason, on=on)
    is_newest = action.last_update_on is None or on >= action.last_update_on
    before = change_log.snapshot(action)
    last = action.progress_notes.aggregate(last=Max("position"))["last"]
    note = ProgressNote(
        action=action,
        noted_on=on,
        status=status,
        text=text,
        reason=reason,
        next_step=next_step,
        position=0 if last is None else last + 1,
        created_by=by,
        updated_by=by,
    )
    note.full_clean()
    note.save()
    if is_newest:
        if action.status != status:
            action.status_since, action.status_raw = on, ""
        action.status, action.reason, action.next_step = status, reason, next_step
        action.last_update_on = on
    after = change_log.snapshot(action) | {"progress_note": {"on": on.isoformat(), "text": text}}
    columns = ["status", "status_raw", "status_since", "reason", "next_step", "last_update_on"]
    save_and_log(action, "reported", before, by=by, columns=columns, reason=reason, after=after)
    announce_actions([action.pk])
    return note


def _status_label(action: Action, status: str) -> str:
    return labels.status_label(status, action.outcome.goal.plan.status_labels)


def _check(action: Action, *, status: str, text: str, next_step: str, reason: str, on: dt.date) -> None:
    errors: dict[str, str] = {}
    if action.retired_at or action.outcome.retired_at or action.outcome.goal.retired_at:
        raise ValidationError(
            _("“%(title)s” is retired. Bring it back before you report on it.") % {"title": action}
        )
    if status not in REPORTABLE_STATUSES:
        errors["status"] = _("Choose one of: %(list)s.") % {
            "list": ", ".join(_status_label(action, status) for status in REPORTABLE_STATUSES)
        }
    if not text:
        errors["text"] = _("Say what happened, in a sentence or two.")
    if status in Action.NEEDS_REASON and not reason:
        errors["reason"] = _("“%(status)s” needs a reason. Say what is in the way.") % {
            "status": _status_label(action, status)
        }
    if status in Action.NEEDS_NEXT_STEP and not next_step:
        errors["next_step"] = _("“%(status)s” needs a next step. Say what you will do, and by when.") % {
            "status": _status_label(action, status)
        }
    today = timezone.localdate()
    if on > today:
        errors["on"] = _("%(day)s has not come yet. Choose today, %(today)s, or an earlier day.") % {
            "day": date_format(on),
            "today": date_format(today),
        }
    if errors:
        raise ValidationError(errors)
