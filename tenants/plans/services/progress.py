"""Record progress on an action; correct or withdraw a report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

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
    check_version,
    lock_action,
    normalize_newlines,
    save_and_log,
)

# The statuses of a progress note. "Merged" is none of them: the plan's editors merge actions.
REPORTABLE_STATUSES = tuple(status for status in Action.Status if status != Action.Status.MERGED)
# The columns of an action that follow its newest report.
_REPORTED_COLUMNS = ("status", "status_raw", "status_since", "reason", "next_step", "last_update_on")


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
    milestones: Mapping[UUID, dt.date | None] | None = None,
) -> ProgressNote:
    """Add a dated note to an action and move it to `status`. Announces `action_changed`.

    `milestones` are days on which milestones were done, by their uuid, or None for one that is not done; others stay.
    A note dated before the newest one is saved, but leaves the status as it is. The same report by the same person, sent
    again before anything else is reported, adds nothing: the note of the first is returned, with `is_repeat`.
    Raises ValidationError, by field: no text, a day in the future, a status that needs a reason or a next step and
    has none, a retired action.
    """
    action = lock_action(action)
    text, next_step, reason = _normalize(text, next_step, reason)
    _check(action, status=status, text=text, next_step=next_step, reason=reason, on=on)
    before = change_log.snapshot(action)
    values = {"noted_on": on, "status": status, "text": text, "reason": reason, "next_step": next_step}
    same = _find_repeat(action, values, by=by)
    if same is not None:
        note, logged = same, {}
        note.is_repeat = True
    else:
        note = _add_note(action, by=by, **values)
        logged = {"progress_note": {"on": on.isoformat(), "text": text}}
    _record_done_dates(action, milestones or {}, by=by)
    after = change_log.snapshot(action) | logged
    if save_and_log(action, "reported", before, by=by, columns=_REPORTED_COLUMNS, reason=reason, after=after):
        announce_actions([action.pk])
    return note


@transaction.atomic
def correct_progress(
    note: ProgressNote,
    *,
    status: str,
    text: str,
    by: User | None,
    on: dt.date | None,
    next_step: str = "",
    reason: str = "",
    version: str = "",
) -> ProgressNote:
    """Change a report; the change log keeps what it said before, pages show the day of the correction.

    The status of the action follows its newest report. Announces `action_changed`; a correction that changes nothing
    writes nothing. Raises EditConflict if the note was changed since `version`; ValidationError as record_progress, and
    for a note that is withdrawn.
    """
    action, note = _lock_note(note)
    check_version(note, version, by=by, logged_as=action)
    text, next_step, reason = _normalize(text, next_step, reason)
    _check(action, status=status, text=text, next_step=next_step, reason=reason, on=on, note=note)
    old, before, newest = _logged(note), change_log.snapshot(action), _newest_report(action)
    day_before = note.noted_on
    note.noted_on, note.status, note.text = on, status, text
    note.reason, note.next_step = reason, next_step
    if _logged(note) == old:
        return note
    note.corrected_at, note.updated_by = timezone.now(), by
    note.full_clean()
    note.save()
    _follow_reports(action, note, newest_before=newest, day_before=day_before)
    _save(action, "corrected", before | {"progress_note": old}, by=by, note=_logged(note))
    return note


@transaction.atomic
def withdraw_progress(note: ProgressNote, *, reason: str, by: User | None) -> ProgressNote:
    """Take back a report made by mistake: it is in the change log, and shown nowhere else.

    The status of the action follows the newest report that is left; without one it is as it was before the first.
    Milestones that were marked as done stay so. Announces `action_changed`. Raises ValidationError without a reason, for
    a note that is withdrawn already, and for one of a merged action: its status from before the merge would come back.
    """
    if not reason.strip():
        raise ValidationError({"reason": _("Add a reason. It stays in the history.")})
    action, note = _lock_note(note)
    if action.status == Action.Status.MERGED:
        raise ValidationError(
            _("“%(title)s” was merged into another action. Undo the merge before you withdraw a report.")
            % {"title": action}
        )
    old, before, newest = _logged(note), change_log.snapshot(action), _newest_report(action)
    note.withdrawn_at, note.updated_by = timezone.now(), by
    note.save(update_fields=["withdrawn_at", "updated_by", "updated_at"])
    _follow_reports(action, note, newest_before=newest, day_before=note.noted_on)
    _save(action, "withdrawn", before | {"progress_note": old}, by=by, reason=reason.strip())
    return note


# ---- Notes -----------------------------------------------------------------------------------------------
def _normalize(*texts: str) -> list[str]:
    return [normalize_newlines(text).strip() for text in texts]


def _find_repeat(action: Action, values: Mapping[str, Any], *, by: User | None) -> ProgressNote | None:
    """The note that was written last, if this person wrote it with the same values."""
    last = action.progress_notes.order_by("-position", "-pk").first()
    if by is None or last is None or last.created_by_id != by.pk:
        return None
    return last if all(getattr(last, name) == value for name, value in values.items()) else None


def _add_note(action: Action, *, by: User | None, **values: Any) -> ProgressNote:
    """Save a new note behind the others; the action follows it if none is newer."""
    last = action.progress_notes.aggregate(last=Max("position"))["last"]
    position = 0 if last is None else last + 1
    note = ProgressNote(action=action, position=position, created_by=by, updated_by=by, **values)
    note.full_clean()
    note.save()
    if action.last_update_on is None or values["noted_on"] >= action.last_update_on:
        if action.status != note.status:
            action.status_since, action.status_raw = note.noted_on, ""
        action.status, action.reason, action.next_step = note.status, note.reason, note.next_step
        action.last_update_on = note.noted_on
    return note


def _lock_note(note: ProgressNote) -> tuple[Action, ProgressNote]:
    """The action and the note as they are now, both locked until the transaction ends."""
    action = lock_action(note.action)
    current = ProgressNote.objects.select_for_update().filter(pk=note.pk).first()
    if current is None:
        raise ValidationError(_("This report was withdrawn. Nothing was changed."))
    return action, current


def _logged(note: ProgressNote) -> dict[str, Any]:
    """A note as the change log has it."""
    return {
        "on": note.noted_on.isoformat() if note.noted_on else "",
        "label": note.label,
        "status": note.status,
        "text": note.text,
        "reason": note.reason,
        "next_step": note.next_step,
    }


def _newest_report(action: Action) -> ProgressNote | None:
    """The newest dated note with a status."""
    notes = action.progress_notes.exclude(noted_on=None).exclude(status="")
    return notes.order_by("-noted_on", "-position", "-pk").first()


def _follow_reports(
    action: Action, note: ProgressNote, *, newest_before: ProgressNote | None, day_before: dt.date | None
) -> None:
    """Bring the action's status and the day of its last update in line with its reports, after `note` was changed.

    What was set since by other means, such as a sheet or a merge, stays.
    """
    last, day = action.last_update_on, None if note.withdrawn_at else note.noted_on
    if day_before == last or (day is not None and (last is None or day > last)):
        action.last_update_on = action.progress_notes.aggregate(last=Max("noted_on"))["last"]
    newest = _newest_report(action)
    if newest_before is not None and newest_before.pk == note.pk:
        follows = action.status == newest_before.status
    else:
        is_newest_now = newest is not None and newest.pk == note.pk
        follows = is_newest_now and action.status != Action.Status.MERGED
    if not follows:
        return
    if newest is None:
        _restore_unreported(action)
        return
    if newest.status != action.status:
        action.status_raw = ""
    if newest.status != action.status or day != day_before:
        action.status_since = _status_since(action, newest)
    action.status, action.reason, action.next_step = newest.status, newest.reason, newest.next_step


def _status_since(action: Action, newest: ProgressNote) -> dt.date | None:
    """The day of the first of the newest reports that all have the same status."""
    since = newest.noted_on
    notes = action.progress_notes.exclude(noted_on=None).exclude(status="")
    for day, status in notes.order_by("-noted_on", "-position", "-pk").values_list("noted_on", "status"):
        if status != newest.status:
            break
        since = day
    return since


def _restore_unreported(action: Action) -> None:
    """The status of an action whose last report is withdrawn: what it was before the first one, by the log."""
    entries = change_log.entries_for([action.uuid]).filter(verb__in=("reported", "corrected"))
    first: dict[str, Any] = {}  # by field: its value before the first report that changed it
    for fields in entries.order_by("at", "pk").values_list("fields", flat=True):
        for name, change in fields.items():
            first.setdefault(name, change[0])
    for name in ("status", "status_raw", "reason", "next_step"):
        if name in first:
            empty = None if name == "status" else ""
            setattr(action, name, first[name] or empty)
    if "status" in first:
        action.status_since = None


def _save(
    action: Action,
    verb: str,
    before: Mapping[str, Any],
    *,
    by: User | None,
    note: Any = None,
    reason: str = "",
) -> None:
    after = change_log.snapshot(action) | ({"progress_note": note} if note else {})
    save_and_log(action, verb, before, by=by, columns=_REPORTED_COLUMNS, reason=reason, after=after)
    announce_actions([action.pk])


def _record_done_dates(action: Action, done: Mapping[UUID, dt.date | None], *, by: User | None) -> None:
    """Set on which day each of these milestones was done, or that it is not done."""
    today = timezone.localdate()
    for milestone in action.milestones.filter(uuid__in=list(done)):
        day = done[milestone.uuid]
        if day and day > today:
            raise ValidationError({"milestones": _future_day(day, today)})
        if day != milestone.done_date:
            milestone.done_date, milestone.updated_by = day, by
            milestone.save(update_fields=["done_date", "updated_by", "updated_at"])


# ---- Checks ----------------------------------------------------------------------------------------------
def _status_label(action: Action, status: str) -> str:
    return labels.status_label(status, action.outcome.goal.plan.status_labels)


def _future_day(day: dt.date, today: dt.date) -> str:
    return _("%(day)s is in the future. Choose today, %(today)s, or an earlier date.") % {
        "day": date_format(day),
        "today": date_format(today),
    }


def _check(
    action: Action,
    *,
    status: str,
    text: str,
    next_step: str,
    reason: str,
    on: dt.date | None,
    note: ProgressNote | None = None,
) -> None:
    """Raise ValidationError, by field. `note` is the one to correct: what it never had may stay empty."""
    errors: dict[str, str] = {}
    if action.retired_at or action.outcome.retired_at or action.outcome.goal.retired_at:
        raise ValidationError(
            _("“%(title)s” is archived. Restore it before you report on it.") % {"title": action}
        )
    if action.status == Action.Status.MERGED:
        raise ValidationError(
            _("“%(title)s” was merged into another action. Report on that one.") % {"title": action}
        )
    if status not in REPORTABLE_STATUSES and not (note is not None and status == note.status == ""):
        errors["status"] = _("Choose one of: %(list)s.") % {
            "list": ", ".join(_status_label(action, status) for status in REPORTABLE_STATUSES)
        }
    if not text:
        errors["text"] = _("Describe what happened in a sentence or two.")
    if status in Action.NEEDS_REASON and not reason:
        errors["reason"] = _("“%(status)s” needs a reason. Describe what is in the way.") % {
            "status": _status_label(action, status)
        }
    if status in Action.NEEDS_NEXT_STEP and not next_step:
        errors["next_step"] = _("“%(status)s” needs a next step. Describe what you will do and by when.") % {
            "status": _status_label(action, status)
        }
    today = timezone.localdate()
    if on is None and (note is None or note.noted_on is not None):
        errors["on"] = _("Enter the date of this report.")
    elif on is not None and on > today:
        errors["on"] = _future_day(on, today)
    if errors:
        raise ValidationError(errors)
