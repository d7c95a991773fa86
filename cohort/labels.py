"""Labels of choices and stages, and the addresses of public sites, for the pages across cities."""

from __future__ import annotations

import datetime as dt

from django.db.models import TextChoices
from django.utils.translation import gettext as _

from tenants.dashboard.labels import year_since
from tenants.memo import said_once
from tenants.models import Jurisdiction

_Stage = Jurisdiction.MembershipStage
STAGES_FURTHEST_FIRST = [
    _Stage.MENTOR, _Stage.SUSTAINING, _Stage.IMPLEMENTING, _Stage.ADOPTED_PLAN, _Stage.PLANNING,
    _Stage.LEARNING, _Stage.ONBOARDING, _Stage.DORMANT, _Stage.LAPSED,
]  # fmt: skip


@said_once
def choice_label(choices: type[TextChoices], value: str) -> str:
    """The label of a choice; empty if there is none. Django's own `get_…_display` hashes all choices for each row."""
    return str(choices(value).label) if value else ""


def membership_stage_label(jurisdiction: Jurisdiction, adopted_on: dt.date | None, *, on: dt.date) -> str:
    """ "Implementing, year 3", or the stage alone."""
    stage = choice_label(Jurisdiction.MembershipStage, jurisdiction.entry_stage)
    if (
        adopted_on is None
        or jurisdiction.entry_stage not in (_Stage.ADOPTED_PLAN, _Stage.IMPLEMENTING)
        or adopted_on > on
    ):
        return stage
    return _stage_in_year(stage, year_since(adopted_on, on=on))


@said_once
def _stage_in_year(stage: str, year: int) -> str:
    return _("%(stage)s, year %(year)d") % {"stage": stage, "year": year}


def site_url(jurisdiction: Jurisdiction, path: str = "/") -> str:
    """Address of a path on the jurisdiction's public site; empty while it has no public site."""
    return jurisdiction.base_url + path if jurisdiction.is_launched else ""
