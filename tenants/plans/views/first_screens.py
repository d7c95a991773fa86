"""What each role sees first in the workspace: its own tasks, then the plan."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.formats import format_number
from tenants.models import Affiliation, Jurisdiction, Role, Visibility
from tenants.people.reviews import WaitingText, texts_waiting_for
from tenants.people.visits import previous_visit
from tenants.plans import change_log, selectors
from tenants.plans.checklist import Step, read_checklist
from tenants.plans.models import Action, Plan, ProgressNote
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.views.histories import describe_entries

MAX_LINES = 8
MAX_CARDS = 5
MAX_NAMED = 3  # texts or actions that a task names


def steps(user: Any, plan: Plan) -> dict[str, Any]:
    """The first steps of a city, and the next one of them."""
    checklist = read_checklist(current_jurisdiction(), plan, user)
    to_do = [step for step in checklist if not step.done]
    return {
        "steps": checklist,
        "steps_done": len(checklist) - len(to_do),
        "steps_left": len(to_do),
        "next": next((step for step in to_do if step.url), None),
    }


def update_line(action: Action, plan: Plan, today: dt.date) -> dict[str, Any]:
    """An action with the age of its newest update."""
    return {
        "action": action,
        "state": selectors.freshness_of(action, plan, on=today),
        "days": (today - action.last_update_on).days if action.last_update_on else None,
    }


# ---- Coordinators and plan editors -----------------------------------------------------------------------
def for_those_who_run_the_plan(user: Any, plan: Plan) -> dict[str, Any]:
    """Tasks of their own, the updates that are due with who reports on them, and the state of the plan."""
    today, jurisdiction = timezone.localdate(), current_jurisdiction()
    due = selectors.updates_due(plan, on=today)
    leads = _leads_by_department(jurisdiction)
    lines = [
        update_line(action, plan, today)
        | {
            "may_report": True,
            "leads": leads.get(action.accountable.name.casefold(), []) if action.accountable else [],
        }
        for action in due[:MAX_LINES]
    ]
    checklist = steps(user, plan)
    tasks = [
        _review_task(texts_waiting_for(user)),
        _update_task(user, jurisdiction, due),
        _step_task(checklist),
    ]
    counts = selectors.count_actions(plan, by="goal", on=today).values()
    return checklist | {
        **_updates_in_time(plan, due),
        "lines": lines,
        "may_report": True,
        "tasks": [task for task in tasks if task],
        "counted": sum(group["counted"] for group in counts),
        "completed": sum(group["completed"] for group in counts),
        "attention": sum(group["attention"] for group in counts),
        **public_site(jurisdiction, plan),
    }


def _updates_in_time(plan: Plan, due: Any) -> dict[str, int]:
    """How many open actions there are, and how many of them have an update in time, an update due, or an undated one."""
    owing = selectors.owing_updates(plan)
    total, due_count = owing.count(), due.count()
    undated_count = selectors.with_undated_reports(owing).count()
    return {
        "total": total,
        "fresh": total - due_count - undated_count,
        "due_count": due_count,
        "undated_count": undated_count,
    }


def public_site(jurisdiction: Jurisdiction, plan: Plan) -> dict[str, Any]:
    """The address to hand on, and whether everybody finds the plan there."""
    return {
        "address": f"{jurisdiction.base_url}/",
        "is_public": jurisdiction.is_launched and plan.visibility == Visibility.PUBLIC,
        "is_shown": jurisdiction.is_launched and plan.visibility != Visibility.INTERNAL,
    }


def _leads_by_department(jurisdiction: Jurisdiction) -> dict[str, list[str]]:
    """The names of the department leads, by the name of their department in small letters."""
    leads: dict[str, list[str]] = {}
    for person in selectors.team_of(jurisdiction).filter(roles__contains=[Role.DEPARTMENT_LEAD]):
        leads.setdefault(person.department.strip().casefold(), []).append(str(person.user))
    return leads


def _review_task(texts: list[WaitingText]) -> dict[str, Any] | None:
    if not texts:
        return None
    return {
        "count": len(texts),
        "title": ngettext("Text waiting for your approval", "Texts waiting for your approval", len(texts)),
        "texts": texts[:MAX_NAMED],
        "more": len(texts) - MAX_NAMED,
        "url": texts[0].url if len(texts) == 1 else reverse("wagtailadmin_home"),
        "label": _("Review"),
    }


def _update_task(user: Any, jurisdiction: Jurisdiction, due: Any) -> dict[str, Any] | None:
    """Updates that nobody else writes: of the person's own actions, and of those assigned to nobody."""
    own = (
        Affiliation.objects.active().filter(user=user, jurisdiction=jurisdiction).values_list("pk", flat=True)
    )
    mine = due.filter(Q(owner__in=list(own)) | Q(owner=None, accountable=None))
    count = mine.count()
    if not count:
        return None
    actions = list(mine[:MAX_NAMED])
    return {
        "count": count,
        "title": ngettext("Update for you to write", "Updates for you to write", count),
        "text": _("They are assigned to you, or to no one."),
        "actions": actions,
        "more": count - len(actions),
        "url": reverse("plans:record-progress", args=[actions[0].code]),
        "label": _("Write it") if count == 1 else _("Write the first"),
    }


def _step_task(checklist: dict[str, Any]) -> dict[str, Any] | None:
    left, following = checklist["steps_left"], checklist["next"]
    if not left or not isinstance(following, Step):
        return None
    return {
        "count": left,
        "title": ngettext("Setup step left", "Setup steps left", left),
        "text": _("Next: %(step)s. %(done)s of %(all)s are done.")
        % {
            "step": following.label,
            "done": format_number(checklist["steps_done"]),
            "all": format_number(len(checklist["steps"])),
        },
        "url": "?steps=1#steps",
        "label": _("Finish setup"),
    }


# ---- Department leads ------------------------------------------------------------------------------------
def for_a_lead(user: Any, plan: Plan) -> dict[str, Any]:
    """The person's own open actions as cards, those whose update is due first, each with its last report."""
    today, jurisdiction = timezone.localdate(), current_jurisdiction()
    affiliation = Affiliation.objects.active().filter(user=user, jurisdiction=jurisdiction).first()
    open_actions = selectors.owing_updates(plan).select_related("accountable", "outcome__goal__plan")
    mine = selectors.reportable_by(user, jurisdiction, open_actions)
    due_count = selectors.reportable_by(user, jurisdiction, selectors.updates_due(plan, on=today)).count()
    actions = list(selectors.order_by_oldest_update(mine)[:MAX_CARDS])
    reports = _newest_reports(actions)
    cards: list[dict[str, Any]] = []
    for action in actions:
        next_due = _next_due_on(action, plan)
        cards.append(
            update_line(action, plan, today)
            | {
                "is_due": next_due <= today if next_due else action.undated_report is None,  # type: ignore[attr-defined]
                "due_on": next_due,
                "report": reports.get(action.pk),
                "is_own_report": reports.get(action.pk) and reports[action.pk].created_by_id == user.pk,
            }
        )
    dates = [card["due_on"] for card in cards if card["due_on"]]
    return {
        "department": affiliation.department.strip() if affiliation else "",
        "cards": cards,
        "mine": mine.count(),
        "due_count": due_count,
        "next_due_on": min(dates, default=None),
        **_changes_since_last_visit(user, affiliation, plan),
        "coordinators": [
            person.user
            for person in selectors.team_of(jurisdiction).filter(roles__contains=[Role.COORDINATOR])
        ],
        **public_site(jurisdiction, plan),
    }


def _changes_since_last_visit(user: Any, affiliation: Affiliation | None, plan: Plan) -> dict[str, Any]:
    """What others have changed in the person's actions since the visit before this one; {} on the first visit."""
    since = previous_visit(affiliation) if affiliation else None
    if since is None:
        return {}
    mine = selectors.reportable_by(user, current_jurisdiction(), selectors.actions_of(plan))
    entries = change_log.entries_for(mine.values_list("uuid", flat=True)).filter(at__gte=since)
    by_others = entries.exclude(by=user)[: MAX_LINES + 1]
    lines = describe_entries(by_others)
    return {"since": since, "changes": lines[:MAX_LINES], "has_more_changes": len(lines) > MAX_LINES}


def _next_due_on(action: Action, plan: Plan) -> dt.date | None:
    """The first day on which an update is due; None for an action that never had one."""
    if action.last_update_on is None:
        return None
    return action.last_update_on + dt.timedelta(days=plan.cadence_days + 1)


def _newest_reports(actions: list[Action]) -> dict[int, ProgressNote]:
    """The newest report on each of these actions, by its primary key. One query."""
    notes = ProgressNote.objects.filter(action__in=actions).order_by(
        "action", F("noted_on").desc(nulls_last=True), "-position", "-pk"
    )
    return {note.action_id: note for note in notes.select_related("created_by").distinct("action")}


# ---- Viewers and contributors ----------------------------------------------------------------------------
def for_a_reader(plan: Plan) -> dict[str, Any]:
    """How the plan's updates stand, without anything that this person could not do."""
    today = timezone.localdate()
    due = selectors.updates_due(plan, on=today)
    return {
        **_updates_in_time(plan, due),
        "lines": [update_line(action, plan, today) for action in due[:MAX_LINES]],
        "may_report": False,
        **public_site(current_jurisdiction(), plan),
    }
