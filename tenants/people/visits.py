"""When somebody was in a workspace before this visit, for the list of what has changed since."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q
from django.utils import timezone

from tenants.models import Affiliation

VISIT = dt.timedelta(hours=6)  # what is opened within this time of a visit's beginning belongs to that visit


def previous_visit(affiliation: Affiliation) -> dt.datetime | None:
    """The beginning of the visit before this one; None on the first. Begins a visit if the last one is over.

    Two pages that are opened at once begin one visit: the second update finds no row.
    """
    now = timezone.now()
    if affiliation.visit_began_at is None or affiliation.visit_began_at <= now - VISIT:
        is_over = Q(visit_began_at=None) | Q(visit_began_at__lte=now - VISIT)
        rows = Affiliation.objects.filter(is_over, pk=affiliation.pk)
        if rows.update(previous_visit_at=F("visit_began_at"), visit_began_at=now):
            return affiliation.visit_began_at
        affiliation.refresh_from_db(fields=["previous_visit_at"])
    return affiliation.previous_visit_at
