"""The standing of an action on a day: the one rule that pages, downloads, API, search and the alliance's counts share.

Each action is in exactly one of eight groups: completed, on track, at risk, off track, overdue, on hold, not started and
"no status yet". An open action with a status whose due date has passed is overdue, whatever its last report says. One
without a status stays "no status yet", because what is unknown is not late. Cancelled and merged actions are not counted.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.db.models import Case, CharField, Q, Value, When

from tenants.plans.models import Action

NO_STATUS = "none"  # stands for "no status yet" in addresses and downloads
OVERDUE = "overdue"
NOT_COUNTED = frozenset({"cancelled", "merged"})
NEEDS_ATTENTION = frozenset({*Action.NEEDS_ATTENTION, OVERDUE})


def is_past_due(due: dt.date | None, *, on: dt.date, is_draft: bool) -> bool:
    """True from the day after the last day of the promise. A draft has promised nothing yet."""
    return due is not None and due < on and not is_draft


def standing(status: str | None, due: dt.date | None, *, on: dt.date, is_draft: bool) -> str:
    """The group of an action: one of the eight, or "cancelled" or "merged", which are not counted."""
    if not status:
        return NO_STATUS
    if status not in Action.CLOSED and is_past_due(due, on=on, is_draft=is_draft):
        return OVERDUE
    return status


def standing_expression(*, on: dt.date, is_draft: bool) -> Case:
    """`standing` as SQL, for queries of actions."""
    past_due = Q(pk=None) if is_draft else Q(due_date__lt=on) & ~Q(status__in=Action.CLOSED)
    return Case(
        When(Q(status=None) | Q(status=""), then=Value(NO_STATUS)),
        When(past_due, then=Value(OVERDUE)),
        default="status",
        output_field=CharField(),
    )


def overdue_from(
    status: str | None, due: dt.date | None, *, is_draft: bool, zone: ZoneInfo
) -> dt.datetime | None:
    """The instant at which the action becomes overdue if nothing is reported until then, else None.

    It is the midnight that ends the due day in the jurisdiction's time zone, so that readers elsewhere need no zone.
    """
    if not status or status in Action.CLOSED:
        return None
    return due_passed_from(due, is_draft=is_draft, zone=zone)


def due_passed_from(due: dt.date | None, *, is_draft: bool, zone: ZoneInfo) -> dt.datetime | None:
    """The instant from which a promise `is_past_due` in that time zone; None if it never is."""
    if due is None or is_draft or due == dt.date.max:
        return None
    # In UTC, because in a zone whose clocks change at this midnight it would compare as unequal to itself.
    return dt.datetime.combine(due + dt.timedelta(days=1), dt.time(), tzinfo=zone).astimezone(dt.UTC)
