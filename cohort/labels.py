"""The label of a member's stage, and the addresses of public sites, for the pages across cities."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from tenants.formats import choice_label, year_since
from tenants.models import Jurisdiction

MembershipStage = Jurisdiction.MembershipStage
STAGES_FURTHEST_FIRST = [
    MembershipStage.MENTOR,
    MembershipStage.SUSTAINING,
    MembershipStage.IMPLEMENTING,
    MembershipStage.ADOPTED_PLAN,
    MembershipStage.PLANNING,
    MembershipStage.LEARNING,
    MembershipStage.ONBOARDING,
    MembershipStage.DORMANT,
    MembershipStage.LAPSED,
]


def membership_stage_label(jurisdiction: Jurisdiction, adopted_on: dt.date | None, *, on: dt.date) -> str:
    """ "Implementing, year 3", or the stage alone."""
    stage = choice_label(MembershipStage, jurisdiction.entry_stage)
    if (
        adopted_on is None
        or jurisdiction.entry_stage not in (MembershipStage.ADOPTED_PLAN, MembershipStage.IMPLEMENTING)
        or adopted_on > on
    ):
        return stage
    year = year_since(adopted_on, on=on)
    return _("%(stage)s, year %(year)d") % {"stage": stage, "year": year}


def site_url(jurisdiction: Jurisdiction, path: str = "/") -> str:
    """Address of a path on the jurisdiction's public site; empty while it has no public site."""
    return jurisdiction.base_url + path if jurisdiction.is_launched else ""
