"""Shared by the services of a plan: lock, check, save and log, announce."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log
from tenants.plans.commitments import commitments_in, is_adopted
from tenants.plans.models import Action, Goal, Outcome, Plan, PlanLogEntry, ProgressNote
from tenants.signals import action_changed, plan_changed

PlanItem = TypeVar("PlanItem", Goal, Outcome, Action)
PlanRow = Plan | Goal | Outcome | Action
REPEAT_WINDOW = dt.timedelta(minutes=10)


class EditConflict(ValidationError):
    """The row was changed after the page was opened, by somebody else or in another window. Nothing was saved."""


def version_token(row: PlanRow | ProgressNote) -> str:
    """Version of a row for optimistic locking: an edit form carries it and the service compares it."""
    return row.updated_at.isoformat()


# ---- Announcements ---------------------------------------------------------------------------------------
def announce_plan(plan: Plan) -> None:
    plan_changed.send(Plan, jurisdiction=connection.tenant, plan_id=plan.pk)


def announce_actions(action_ids: list[int]) -> None:
    action_changed.send(Action, jurisdiction=connection.tenant, action_ids=action_ids)


# ---- Locks -----------------------------------------------------------------------------------------------
def lock_plan(plan: Plan) -> Plan:
    """The plan as it is now, locked until the transaction ends."""
    return Plan.objects.select_for_update().get(pk=plan.pk)


def lock_action(action: Action) -> Action:
    """The action as it is now, with its outcome, goal and plan; the plan and the action are locked, as by `lock_item`."""
    locked: Action = lock_item(action)[0]
    return locked


def lock_item(item: Any) -> tuple[Any, Plan]:
    """The goal, outcome or action as it is now, and its plan, both locked until the transaction ends.

    The plan comes first, also where only one row is to change: the same transaction may change its goal or outcome next.
    """
    path = {Goal: "goals", Outcome: "goals__outcomes", Action: "goals__outcomes__actions"}[type(item)]
    parents = {
        Goal: ["plan"], Outcome: ["goal__plan"], Action: ["outcome__goal__plan", "accountable"]
    }[type(item)]  # fmt: skip
    plan = Plan.objects.select_for_update().get(**{path: item.pk})
    rows = type(item).objects.select_for_update(of=("self",)).select_related(*parents)
    return rows.get(pk=item.pk), plan


def lock_plan_rows(plan: Plan) -> None:
    """Lock every goal, outcome and action of the plan until the transaction ends; the plan is locked already.

    A service that locks several rows locks the plan first: then no two can wait for each other.
    """
    for rows in (
        Goal.objects.filter(plan=plan),
        Outcome.objects.filter(goal__plan=plan),
        Action.objects.filter(outcome__goal__plan=plan),
    ):
        list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


# ---- Checks ----------------------------------------------------------------------------------------------
def check_fields(fields: dict[str, Any], allowed: frozenset[str], service: str) -> None:
    """Raise TypeError for a field that is not allowed; normalize the line breaks of the others, in place."""
    if unknown := sorted(set(fields) - allowed):
        raise TypeError(f"{service}() has no field {unknown[0]!r}; it has {', '.join(sorted(allowed))}.")
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = normalize_newlines(value)


def normalize_newlines(text: str) -> str:
    """The text with LF line breaks. Browsers send CRLF; without this, unchanged text would count as changed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_version(row: Any, version: str, *, by: User | None = None, logged_as: Any = None) -> None:
    """Raise EditConflict if the row was changed since `version`; an empty one is not checked.

    `by` is who saves now: the conflict may be their own, in another window. The log has the row's changes under
    `logged_as`, if not under the row itself.
    """
    if not version or version == version_token(row):
        return
    last = change_log.entries_for([(logged_as or row).uuid]).first()
    at = time_format(timezone.localtime(row.updated_at))
    if last and last.by and last.by == by:
        raise EditConflict(
            _(
                "Not saved yet: at %(time)s you saved this in another window. Compare both texts, then save again."
            )
            % {"time": at},
            code="self",
        )
    raise EditConflict(
        _("Not saved yet: at %(time)s %(who)s changed this. Compare both texts, then save again.")
        % {"who": last.by if last and last.by else _("Someone else"), "time": at},
        code="other",
    )


def check_parent(parent: Goal | Outcome) -> None:
    """Raise ValidationError if the goal or outcome is retired, or part of what is: what is added there would be hidden."""
    if is_retired(parent):
        raise ValidationError(
            _("“%(title)s” is archived. Restore it before you add to it.") % {"title": parent}
        )


# ---- Change log ------------------------------------------------------------------------------------------
def build_change_entry(
    row: PlanRow,
    verb: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    plan: Plan,
    by: User | None,
    at: dt.datetime,
    reason: str = "",
) -> PlanLogEntry | None:
    """An unsaved log entry of what differs between two snapshots; None if nothing does. `before` is empty for a new row.

    Raises ValidationError if a commitment of an adopted plan changes without a reason; a new row changes none.
    """
    changed = change_log.diff(before, after)
    if not changed:
        return None
    if (
        before
        and not reason.strip()
        and is_adopted(plan)
        and commitments_in(row._meta.model_name or "", changed)
    ):
        raise ValidationError(
            {"reason": _("The plan is adopted. Add a reason for this change; it will be published.")}
        )
    return change_log.build_entry(row, verb, by=by, at=at, fields=changed, reason=reason)


# ---- Forms that are sent twice ---------------------------------------------------------------------------
def find_repeat(siblings: Any, fields: Mapping[str, Any], *, by: User | None) -> Any:
    """The sibling that this person has added with the same texts a moment ago, with `is_repeat`; None without one.

    Somebody who went back and sent the form again gets this row instead of a second one. Lock the parent first.
    """
    texts = {
        name: fields[name]
        for name in ("label", "number", "title", "details", "story", "why")
        if name in fields
    }
    if by is None or "title" not in texts:
        return None
    since = timezone.now() - REPEAT_WINDOW
    row = siblings.filter(created_by=by, created_at__gte=since, retired_at=None, **texts).first()
    if row is not None:
        row.is_repeat = True
    return row


# ---- Saving ----------------------------------------------------------------------------------------------
def next_position(rows: Any) -> int:
    """Position behind the last of `rows`; 0 if there are none."""
    return (rows.aggregate(last=Max("position"))["last"] or 0) + 1 if rows.exists() else 0


def ancestors(item: Any) -> list[Any]:
    """The outcome and goal of an action, the goal of an outcome, none of a goal."""
    if isinstance(item, Action):
        return [item.outcome, item.outcome.goal]
    return [item.goal] if isinstance(item, Outcome) else []


def is_retired(item: Any) -> bool:
    """Whether the goal, outcome or action is retired, or part of what is."""
    return any(row.retired_at is not None for row in (item, *ancestors(item)))


def plan_of(row: Any) -> Plan:
    """The plan of a row, or the plan itself."""
    top = row if isinstance(row, Plan) else [row, *ancestors(row)][-1].plan
    return cast(Plan, top)


def without_starter_flag(row: Any) -> dict[str, Any]:
    """The row's `source` without the flag of starter text."""
    return {name: value for name, value in row.source.items() if name != "starter"}


def clear_ancestors_starter_flag(item: Any) -> None:
    for ancestor in ancestors(item):
        if ancestor.source.get("starter"):
            type(ancestor).objects.filter(pk=ancestor.pk).update(source=without_starter_flag(ancestor))


def save_and_log(
    row: Any,
    verb: str,
    before: Mapping[str, Any],
    *,
    by: User | None,
    columns: Iterable[str],
    reason: str = "",
    after: Mapping[str, Any] | None = None,
) -> PlanLogEntry | None:
    """Save the named columns and a log entry of what changed since the snapshot `before`.

    Returns the entry; None, and nothing saved, if nothing changed.
    Raises ValidationError if a commitment of an adopted plan changes without a reason.
    """
    if after is None:
        after = change_log.snapshot(row)
    entry = build_change_entry(
        row, verb, before, after, plan=plan_of(row), by=by, at=timezone.now(), reason=reason
    )
    if entry is None:
        return None
    row.updated_by = by
    names = {*columns, "updated_by", "updated_at"}
    if hasattr(row, "source"):
        row.source = without_starter_flag(row)
        names.add("source")
    row.save(update_fields=names)
    clear_ancestors_starter_flag(row)
    entry.save()
    return entry


def log_added(row: PlanRow, plan: Plan, *, by: User | None) -> None:
    """Write the log entry of a new row."""
    entry = build_change_entry(
        row, "added", {}, change_log.snapshot(row), plan=plan, by=by, at=timezone.now()
    )
    if entry is not None:
        entry.save()
