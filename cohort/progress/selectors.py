"""How the plans of all cities are going. Reads the public copies and the registry, never a city's schema."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from cohort.labels import membership_stage_label, site_url
from cohort.models import PublicAction, PublicPlan
from tenants.formats import action_heading, choice_label, format_number, format_partial_date
from tenants.models import Jurisdiction, Visibility
from tenants.models.us_states import state_name
from tenants.plans import labels
from tenants.plans.models import Plan


def visible_plans(audience: str) -> QuerySet[PublicPlan]:
    """The plans that `audience` may see, with their jurisdictions and numbers, by name. One query for any number."""
    plans = PublicPlan.objects.visible_to(audience).with_overdue().select_related("jurisdiction")
    return plans.order_by("jurisdiction__name", "pk")


def build_progress_rows(plans: Iterable[PublicPlan], *, on: dt.date) -> list[dict[str, Any]]:
    """Rows of numbers and labels; the plans are loaded with their jurisdictions, and `with_overdue`."""
    return [_build_row(plan, on=on) for plan in plans]


def progress_overview(audience: str, *, on: dt.date, limit: int = 10) -> dict[str, Any]:
    """{"rows", "total"} for the alliance's home page: drafts come last, and the total counts the plans beyond `limit` too."""
    plans = sorted(visible_plans(audience), key=lambda plan: plan.lifecycle == Plan.Lifecycle.DRAFT)
    return {"rows": build_progress_rows(plans[:limit], on=on), "total": total_sentence(plans)}


def total_sentence(plans: Iterable[PublicPlan]) -> str:
    """ "22 of 81 actions done in 3 jurisdictions. 1 draft plan is not counted."; "" while there is no plan but drafts."""
    plans = list(plans)
    counted = [plan for plan in plans if plan.lifecycle != Plan.Lifecycle.DRAFT]
    drafts = len(plans) - len(counted)
    if not counted:
        return ""
    text = ngettext(
        "%(done)s of %(all)s actions done in %(n)s jurisdiction.",
        "%(done)s of %(all)s actions done in %(n)s jurisdictions.",
        len(counted),
    ) % {
        "done": format_number(sum(plan.completed for plan in counted)),
        "all": format_number(sum(plan.actions for plan in counted)),
        "n": format_number(len(counted)),
    }
    if drafts:
        text += " " + ngettext(
            "%(n)s draft plan is not counted.", "%(n)s draft plans are not counted.", drafts
        ) % {"n": format_number(drafts)}
    return text


def changed_this_week(audience: str, *, on: dt.date, limit: int = 6) -> list[dict[str, Any]]:
    """Actions of all cities with an update in the last seven days, newest first.

    [{"heading", "status", "state", "jurisdiction", "url", "updated_on"}]
    """
    visible = PublicAction.objects.visible_to(audience).with_standing()
    recent = visible.filter(last_update_on__gt=on - dt.timedelta(days=7), last_update_on__lte=on)
    newest_first = recent.order_by("-last_update_on", "jurisdiction__name", "pk")
    return [
        {
            "heading": action_heading("", action.title, jurisdiction_name=action.jurisdiction.name),
            "state": action.standing,
            "status": labels.status_label(action.standing),
            "jurisdiction": action.jurisdiction.short_name,
            "url": site_url(action.jurisdiction, action.path)
            if action.visibility == Visibility.PUBLIC
            else "",
            "updated_on": action.last_update_on,
        }
        for action in newest_first.select_related("jurisdiction")[:limit]
    ]


def _build_row(plan: PublicPlan, *, on: dt.date) -> dict[str, Any]:
    jurisdiction, counts = plan.jurisdiction, plan.count_by_standing()
    is_public = plan.visibility == Visibility.PUBLIC
    language = get_language()
    is_draft = plan.lifecycle == Plan.Lifecycle.DRAFT
    by_state = {labels.NO_STATUS if name == "no_status" else name: count for name, count in counts.items()}
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
        "stage_label": membership_stage_label(jurisdiction, plan.adopted_on, on=on),
        "tagline": jurisdiction.tagline,
        "plan": plan.title,
        "lifecycle": plan.lifecycle,
        "lifecycle_label": choice_label(Plan.Lifecycle, plan.lifecycle),
        "goals": plan.goals,
        "actions": plan.actions,
        **counts,
        "left_out": plan.left_out,
        "last_update_on": plan.last_update_on,
        "last_update_label": format_partial_date(plan.last_update_on) or _("No dated update"),
        "is_draft": is_draft,
        "segments": [] if is_draft else labels.status_segments(by_state),
        "words": "" if is_draft else labels.format_status_counts(by_state, {}),
        "completed_label": _draft_label(plan.actions)
        if is_draft
        else _completed_label(plan.actions, plan.completed, plan.no_status, language),
        "summary": _("Draft plan: %(actions)s.") % {"actions": _draft_label(plan.actions)}
        if is_draft
        else _summary_sentence(
            plan.actions, plan.completed, counts["needs_attention"], plan.no_status, language
        ),
    }


def _draft_label(actions: int) -> str:
    """ "31 proposed actions": a draft has no status, so nothing of it is done or late."""
    text = ngettext("%(n)s proposed action", "%(n)s proposed actions", actions)
    return text % {"n": format_number(actions)}


# Cached for each language: most numbers are the same from one request to the next.
@lru_cache(4096)
def _completed_label(actions: int, completed: int, no_status: int, _language: str | None) -> str:
    """ "8 of 35", or how many have no status if none has one."""
    if no_status == actions:
        text = ngettext("%(n)s action, no status yet", "%(n)s actions, no status yet", actions)
        return text % {"n": format_number(actions)}
    numbers = {"done": format_number(completed), "all": format_number(actions)}
    return _("%(done)s of %(all)s") % numbers


@lru_cache(4096)
def _summary_sentence(
    actions: int, completed: int, needs_attention: int, no_status: int, _language: str | None
) -> str:
    """ "8 of 35 actions done, 8 need attention." """
    if not actions:
        return _("The plan has no actions yet.")
    if no_status == actions:
        return ngettext(
            "%(n)s action, no status reported yet.", "%(n)s actions, no status reported yet.", actions
        ) % {"n": format_number(actions)}
    done = _("%(done)s of %(all)s actions done") % {
        "done": format_number(completed),
        "all": format_number(actions),
    }
    if not needs_attention:
        return done + "."
    attention = ngettext("%(n)s needs attention", "%(n)s need attention", needs_attention)
    return f"{done}, {attention % {'n': format_number(needs_attention)}}."
