"""The whole plan as a tree, and the story of one action. A constant number of queries each."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from django.core.paginator import Paginator
from django.db.models import F
from django.utils.translation import gettext as _

from tenants.dashboard import action_list, labels
from tenants.dashboard.statistics import PlanStatistics, Row, is_past_due, title_with_label
from tenants.models import Affiliation
from tenants.plans.models import (
    Action,
    ActionParty,
    Goal,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    PlanLogEntry,
    ProgressNote,
    freshness,
)

ACTIONS_PER_PAGE = 100
NOTES_PER_PAGE = 20
# What a promise consists of; a change to anything else is housekeeping.
LEDGER_FIELDS = (
    "title",
    "details",
    "accountable",
    "owner_vacant_since",
    "start_date",
    "due_date",
    "is_continuous",
)


def build_outline(plan: Plan, rows: list[Row]) -> list[dict[str, Any]]:
    """Goals with their outcomes and rows: [{"pk", "name", "story", "outcomes": [{"pk", "name", "rows"}]}].

    Goals and outcomes without an action are part of it.
    """
    under: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        under[row["outcome_id"]].append(row)
    outcomes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    standing = Outcome.objects.filter(goal__plan=plan, retired_at=None, goal__retired_at=None)
    for outcome in standing.order_by("position", "pk").values(
        "pk", "uuid", "label", "title", "stage", "goal_id"
    ):
        name = f"{outcome['label']}. {outcome['title']}" if outcome["label"] else outcome["title"]
        outcomes[outcome["goal_id"]].append(outcome | {"name": name, "rows": under[outcome["pk"]]})
    goals = Goal.objects.filter(plan=plan, retired_at=None).order_by("position", "pk")
    return [
        goal | {"name": title_with_label(goal["label"], goal["title"]), "outcomes": outcomes[goal["pk"]]}
        for goal in goals.values("pk", "uuid", "label", "title", "story", "department", "sectors")
    ]


def paginate_outline(goals: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The outline cut after every hundredth action; a goal or outcome that is cut is named on both pages."""
    found: list[list[dict[str, Any]]] = [[]]
    room = ACTIONS_PER_PAGE
    for goal in goals:
        if not room and any(outcome["rows"] for outcome in goal["outcomes"]):
            found.append([])
            room = ACTIONS_PER_PAGE
        part = goal | {"outcomes": [], "goes_on": False}
        found[-1].append(part)
        for outcome in goal["outcomes"]:
            rest, goes_on = outcome["rows"], False
            while True:
                if rest and not room:
                    part = goal | {"outcomes": [], "goes_on": True}
                    found.append([part])
                    room = ACTIONS_PER_PAGE
                taken, rest = rest[:room], rest[room:]
                part["outcomes"].append(outcome | {"rows": taken, "goes_on": goes_on})
                room -= len(taken)
                goes_on = True
                if not rest:
                    break
    return found


def most_delayed_action_context(facts: PlanStatistics, row: Row) -> dict[str, Any]:
    """What the front page tells about the action that is furthest behind: one query."""
    status_labels, on = facts.plan.status_labels, facts.on
    told = Action.objects.values("reason", "next_step", "details").get(pk=row["pk"])
    return (
        action_list.build_display_rows([row], facts=facts, keep="")[0]
        | told
        | {
            "title": labels.action_heading("", row["title"]),
            "status": labels.status_label(row["status"], status_labels),
            "since": labels.format_partial_date(row["status_since"]),
            "due": labels.format_due(row["due_date"], row["due_precision"], row["is_continuous"]),
            "late": labels.time_since(row["due_date"], on=on) if row["is_late"] else "",
        }
    )


def adjacent_actions(plan: Plan, code: str) -> dict[str, dict[str, str] | None]:
    """The actions before and after this one in plan order: {"previous": {"code", "name"}, "next": None}."""
    current = Action.objects.current().filter(outcome__goal__plan=plan)
    codes = list(current.in_plan_order().values_list("code", flat=True))
    index = codes.index(code)
    beside = {
        "previous": codes[index - 1] if index else "",
        "next": codes[index + 1] if index + 1 < len(codes) else "",
    }
    texts: dict[str, Any] = {
        row["code"]: row for row in current.filter(code__in=beside.values()).values("code", "number", "title")
    }
    return {
        side: {"code": name, "name": labels.action_heading(texts[name]["number"], texts[name]["title"])}
        if name
        else None
        for side, name in beside.items()
    }


def action_detail_context(plan: Plan, code: str, *, on: dt.date, page: str = "") -> dict[str, Any] | None:
    """Everything the page of one action says, in words; None if the plan has no such action now."""
    action = (
        Action.objects.current()
        .filter(outcome__goal__plan=plan, code=code)
        .select_related("outcome__goal", "accountable")
        .first()
    )
    if action is None:
        return None
    status_labels = plan.status_labels
    status = labels.status_label(action.status, status_labels)
    is_open = action.status not in Action.CLOSED
    is_late = is_past_due(plan, action.due_date, on=on) and is_open
    notes = Paginator(_progress_notes(action), NOTES_PER_PAGE).get_page(page)
    fresh = freshness(
        action.last_update_on, on=on, cadence_days=plan.cadence_days, grace_days=plan.grace_days
    )
    parties = _party_names_by_role(action)
    stage = action.stage or action.outcome.stage
    return {
        "action": action,
        "name": labels.action_heading(action.number, action.title),
        "title": labels.action_heading("", action.title),
        "short": _("Action %(number)s") % {"number": action.number} if action.number else _("This action"),
        "goal": {
            "pk": action.outcome.goal_id,
            "name": title_with_label(action.outcome.goal.label, action.outcome.goal.title),
        },
        "state": action.status or labels.NO_STATUS,
        "status": status,
        "since": labels.format_partial_date(action.status_since),
        "needs_attention": action.status in Action.NEEDS_ATTENTION,
        "why_heading": _("Why it is %(status)s") % {"status": labels.lowercase_first(status)},
        "is_open": is_open,
        "is_late": is_late,
        "late_since": labels.time_since(action.due_date, on=on) if is_late and action.due_date else "",
        "fresh": fresh if is_open else "",
        "days": (on - action.last_update_on).days if action.last_update_on else None,
        "updated": labels.time_since(action.last_update_on, on=on) if action.last_update_on else "",
        "department": action.accountable.name if action.accountable else "",
        "person": _get_public_owner(action),
        "vacant": labels.format_partial_date(action.owner_vacant_since),
        "responsible": parties["responsible"],
        "support": parties["support"],
        "start": labels.format_partial_date(action.start_date, action.start_precision or "day"),
        "due": labels.format_due(action.due_date, action.due_precision, action.is_continuous),
        "stage": labels.stage_label(stage) if stage else "",
        "measures": _measures_by_kind(action),
        "milestones": _milestones(action, on=on),
        "ledger": _commitment_changes(plan, action),
        "notes": _with_status_changes(list(notes), status_labels),
        "notes_page": notes,
    } | adjacent_actions(plan, code)


def _get_public_owner(action: Action) -> dict[str, str] | None:
    """Who answers, if that person's affiliation is public; otherwise nobody is named."""
    if action.owner_id is None:
        return None
    found = (
        Affiliation.objects.active().filter(pk=action.owner_id, is_public=True).select_related("user").first()
    )
    return {"name": found.user.get_full_name(), "title": found.title} if found else None


def _party_names_by_role(action: Action) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {role: [] for role in ActionParty.Role.values}
    rows = ActionParty.objects.filter(action=action).order_by("position", "pk")
    for role, name in rows.values_list("role", "department__name"):
        found[role].append(name)
    return found


def _measures_by_kind(action: Action) -> list[dict[str, Any]]:
    """Grouped by question, in the order how much, how well, better off; questions without a measure are left out."""
    kinds: dict[str, list[Any]] = {kind: [] for kind in PerformanceMeasure.Kind.values}
    rows = PerformanceMeasure.objects.filter(action=action).order_by("position", "pk")
    for row in rows.values("kind", "text", "baseline", "target"):
        kinds[row["kind"]].append(row)
    return [
        {"question": str(PerformanceMeasure.Kind(kind).label), "measures": found}
        for kind, found in kinds.items()
        if found
    ]


def _milestones(action: Action, *, on: dt.date) -> list[dict[str, Any]]:
    rows = Milestone.objects.filter(action=action).order_by("due_date", "position", "pk")
    return [
        {
            "title": row["title"] or _("Step"),
            "done": labels.format_partial_date(row["done_date"]),
            "due": labels.format_partial_date(row["due_date"], row["due_precision"]),
            "is_late": not row["done_date"] and row["due_date"] < on,
        }
        for row in rows.values("title", "done_date", "due_date", "due_precision")
    ]


def _progress_notes(action: Action) -> Any:
    notes = ProgressNote.objects.filter(action=action)
    newest_first = notes.order_by(F("noted_on").desc(nulls_last=True), "-position", "-pk")
    return newest_first.values("noted_on", "label", "status", "text", "reason", "next_step")


def _with_status_changes(notes: list[dict[str, Any]], status_labels: dict[str, str]) -> list[dict[str, Any]]:
    """Each note with its heading: the status, or from which to which it went; newest first."""
    before = ""
    for note in reversed(notes):
        now = note["status"]
        if now and before and now != before:
            note["heading"] = _("%(before)s to %(now)s") % {
                "before": labels.status_label(before, status_labels),
                "now": labels.lowercase_first(labels.status_label(now, status_labels)),
            }
        else:
            note["heading"] = labels.status_label(now, status_labels) if now else ""
        before = now or before
        note["is_off"] = now in Action.NEEDS_ATTENTION
        note["when"] = labels.format_partial_date(note["noted_on"])
    return notes


def _commitment_changes(plan: Plan, action: Action) -> list[dict[str, Any]]:
    """How the promise changed since the plan was published, newest first: what, was, is, reason."""
    if plan.published_at is None:
        return []
    changes = PlanLogEntry.objects.filter(object_uuid=action.uuid, at__gte=plan.published_at)
    found = []
    for change in changes.order_by("-at", "-pk")[:50]:
        for name, values in change.fields.items():
            if name in LEDGER_FIELDS and isinstance(values, list) and len(values) == 2:
                was, now = (_format_value(name, value) for value in values)
                found.append(
                    {
                        "at": change.at,
                        "what": _field_label(name),
                        "was": was,
                        "now": now,
                        "reason": change.reason,
                    }
                )
    return found


def _field_label(name: str) -> str:
    return labels.capitalize_first(str(getattr(Action._meta.get_field(name), "verbose_name", name)))


def _format_value(name: str, value: Any) -> str:
    if value in (None, ""):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name.endswith(("_date", "_since")):
        try:
            return labels.format_partial_date(dt.date.fromisoformat(str(value)))
        except ValueError:
            return str(value)
    return str(value)
