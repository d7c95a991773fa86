"""What the alliance's host shows across cities. Reads the public copies and the registry, never a city's schema."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import TextChoices
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cohort.models import PublicAction, PublicPlan
from tenants.dashboard import labels
from tenants.memo import said_once
from tenants.models import Jurisdiction, Visibility
from tenants.models.us_states import state_name
from tenants.plans.models import Plan

Stage = Jurisdiction.MembershipStage
# Furthest along first.
STAGES_FURTHEST_FIRST = [
    Stage.MENTOR, Stage.SUSTAINING, Stage.IMPLEMENTING, Stage.ADOPTED_PLAN, Stage.PLANNING, Stage.LEARNING,
    Stage.ONBOARDING, Stage.DORMANT, Stage.LAPSED,
]  # fmt: skip
UNDER_WAY_LIFECYCLES = (Plan.Lifecycle.ADOPTED, Plan.Lifecycle.IMPLEMENTING, Plan.Lifecycle.COMPLETED)


def progress_rows(audience: str, *, on: dt.date) -> list[dict[str, Any]]:
    """A line for each plan that `audience` may see, by name of the place. One query for any number of cities."""
    visible = PublicPlan.objects.visible_to(audience).select_related("jurisdiction")
    return build_progress_rows(visible.order_by("jurisdiction__name", "pk"), on=on)


def build_progress_rows(plans: Iterable[PublicPlan], *, on: dt.date) -> list[dict[str, Any]]:
    """Plans, read with their jurisdictions, as lines of words and numbers."""
    return [_build_row(plan, on=on) for plan in plans]


def plans_under_way(audience: str, *, on: dt.date, limit: int = 10) -> list[dict[str, Any]]:
    """The lines of plans that were adopted: for the alliance's home page."""
    lines = [line for line in progress_rows(audience, on=on) if line["lifecycle"] in UNDER_WAY_LIFECYCLES]
    return lines[:limit]


def members_by_stage() -> list[dict[str, Any]]:
    """The stages of joining with the members that stand there, in order; sustaining and mentors stand at the end.

    [{"stage": "onboarding", "label": "Onboarding", "places": [{"name", "url", "note"}]}]; `url` is empty while
    the place has no public site.
    """
    steps = [Stage.ONBOARDING, Stage.LEARNING, Stage.PLANNING, Stage.ADOPTED_PLAN, Stage.IMPLEMENTING]
    found: dict[str, list[dict[str, str]]] = {step: [] for step in steps}
    for jurisdiction in members().order_by("short_name"):
        beyond = jurisdiction.entry_stage in (Stage.SUSTAINING, Stage.MENTOR)
        step = Stage.IMPLEMENTING if beyond else jurisdiction.entry_stage
        if step in found:
            note = labels.lowercase_first(choice_label(Stage, jurisdiction.entry_stage)) if beyond else ""
            found[step].append({"name": jurisdiction.short_name, "url": site_url(jurisdiction), "note": note})
    return [
        {"stage": step, "label": str(Stage(step).label), "jurisdictions": jurisdictions}
        for step, jurisdictions in found.items()
    ]


def changed_this_week(audience: str, *, on: dt.date, limit: int = 6) -> list[dict[str, Any]]:
    """Actions of all cities with an update in the last seven days, newest first.

    [{"title", "status", "state", "place", "url", "updated_on"}]
    """
    recent = PublicAction.objects.visible_to(audience).filter(
        last_update_on__gt=on - dt.timedelta(days=7), last_update_on__lte=on
    )
    return [
        {
            "title": action.title,
            "state": action.status or labels.NO_STATUS,
            "status": labels.status_label(action.status, {}),
            "jurisdiction": action.jurisdiction.short_name,
            "url": site_url(action.jurisdiction, action.path)
            if action.visibility == Visibility.PUBLIC
            else "",
            "updated_on": action.last_update_on,
        }
        for action in recent.select_related("jurisdiction").order_by(
            "-last_update_on", "jurisdiction__name", "pk"
        )[:limit]
    ]


def members() -> Any:
    """The places that belong to the alliance now."""
    return Jurisdiction.objects.tenants().exclude(entry_stage=Stage.OFFBOARDED)


def site_url(jurisdiction: Jurisdiction, path: str = "/") -> str:
    """The address of a place's public site, or empty while it has none."""
    return jurisdiction.base_url + path if jurisdiction.is_launched else ""


def stage_text(jurisdiction: Jurisdiction, adopted_on: dt.date | None, *, on: dt.date) -> str:
    """ "Implementing, year 3", or the stage alone."""
    stage = choice_label(Stage, jurisdiction.entry_stage)
    if (
        adopted_on is None
        or jurisdiction.entry_stage not in (Stage.ADOPTED_PLAN, Stage.IMPLEMENTING)
        or adopted_on > on
    ):
        return stage
    year = on.year - adopted_on.year + 1 - ((on.month, on.day) < (adopted_on.month, adopted_on.day))
    return _stage_in_year(stage, year)


@said_once
def _stage_in_year(stage: str, year: int) -> str:
    return _("%(stage)s, year %(year)d") % {"stage": stage, "year": year}


@said_once
def choice_label(choices: type[TextChoices], value: str) -> str:
    """What a choice is called; empty for none. Django's own `get_…_display` hashes all choices for each row."""
    return str(choices(value).label) if value else ""


def _build_row(plan: PublicPlan, *, on: dt.date) -> dict[str, Any]:
    jurisdiction = plan.jurisdiction
    is_public = plan.visibility == Visibility.PUBLIC
    return {
        "uuid": jurisdiction.uuid,
        "slug": jurisdiction.slug,
        "name": jurisdiction.name,
        "url": site_url(jurisdiction) if is_public else "",
        "members_only": not is_public,
        "kind": choice_label(Jurisdiction.Kind, jurisdiction.kind),
        "state": jurisdiction.state,
        "state_name": state_name(jurisdiction.state),
        "size": choice_label(Jurisdiction.PopulationBand, jurisdiction.population_band),
        "stage": jurisdiction.entry_stage,
        "stage_text": stage_text(jurisdiction, plan.adopted_on, on=on),
        "tagline": jurisdiction.tagline,
        "plan": plan.title,
        "lifecycle": plan.lifecycle,
        "lifecycle_text": choice_label(Plan.Lifecycle, plan.lifecycle),
        "goals": plan.goals,
        "actions": plan.actions,
        "completed": plan.completed,
        "on_track": plan.on_track,
        "needs_attention": plan.needs_attention,
        "not_started": plan.not_started,
        "no_status": plan.no_status,
        "left_out": plan.left_out,
        "last_update_on": plan.last_update_on,
        "last_update_text": labels.format_partial_date(plan.last_update_on) or _("No update yet"),
        "done_text": _completed_label(plan.actions, plan.completed, plan.no_status),
        "sentence": _summary_sentence(plan.actions, plan.completed, plan.needs_attention, plan.no_status),
    }


@said_once
def _completed_label(actions: int, completed: int, no_status: int) -> str:
    """ "8 of 35", or how many have no status if none has one."""
    if no_status == actions:
        words = ngettext("%(n)s action, no status yet", "%(n)s actions, no status yet", actions)
        return words % {"n": formats.number_format(actions)}
    done, all_of_them = formats.number_format(completed), formats.number_format(actions)
    return _("%(done)s of %(all)s") % {"done": done, "all": all_of_them}


@said_once
def _summary_sentence(actions: int, completed: int, needs_attention: int, no_status: int) -> str:
    """ "8 of 35 actions done, 8 need attention." """
    if not actions:
        return _("The plan has no actions yet.")
    if no_status == actions:
        return ngettext(
            "%(n)d action, no status reported yet.", "%(n)d actions, no status reported yet.", actions
        ) % {"n": actions}
    done = _("%(done)d of %(all)d actions done") % {"done": completed, "all": actions}
    if not needs_attention:
        return done + "."
    attention = ngettext("%(n)d needs attention", "%(n)d need attention", needs_attention)
    return f"{done}, {attention % {'n': needs_attention}}."
