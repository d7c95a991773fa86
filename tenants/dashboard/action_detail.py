"""The template context of one action: its page, and its summary on the front page. A constant number of queries."""

from __future__ import annotations

import datetime as dt
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
    Milestone,
    PerformanceMeasure,
    Plan,
    PlanLogEntry,
    ProgressNote,
    freshness,
)

NOTES_PER_PAGE = 20
# The fields whose changes the public page shows as changes to the promise; other changes are housekeeping.
PUBLIC_COMMITMENT_FIELDS = (
    "title",
    "details",
    "accountable",
    "owner_vacant_since",
    "start_date",
    "due_date",
    "is_continuous",
)


def most_delayed_action_context(statistics: PlanStatistics, row: Row) -> dict[str, Any]:
    """The front page's summary of the action that is furthest behind: one query."""
    status_labels, on = statistics.plan.status_labels, statistics.on
    texts = Action.objects.values("reason", "next_step", "details").get(pk=row["pk"])
    return (
        action_list.build_display_rows([row], statistics=statistics, preview_query="")[0]
        | texts
        | {
            "title": labels.action_heading("", row["title"]),
            "status": labels.status_label(row["status"], status_labels),
            "since": labels.format_partial_date(row["status_since"]),
            "due": labels.format_due(row["due_date"], row["due_precision"], row["is_continuous"]),
            "overdue_since": labels.time_since(row["due_date"], on=on) if row["is_late"] else "",
        }
    )


def adjacent_actions(plan: Plan, code: str) -> dict[str, dict[str, str] | None]:
    """The actions before and after this one in plan order: {"previous": {"code", "name"}, "next": None}."""
    current = Action.objects.current().filter(outcome__goal__plan=plan)
    codes = list(current.in_plan_order().values_list("code", flat=True))
    index = codes.index(code)
    adjacent_codes = {
        "previous": codes[index - 1] if index else "",
        "next": codes[index + 1] if index + 1 < len(codes) else "",
    }
    adjacent = current.filter(code__in=adjacent_codes.values()).values("code", "number", "title")
    rows: dict[str, Any] = {row["code"]: row for row in adjacent}
    return {
        side: {"code": code, "name": labels.action_heading(rows[code]["number"], rows[code]["title"])}
        if code
        else None
        for side, code in adjacent_codes.items()
    }


def action_detail_context(plan: Plan, code: str, *, on: dt.date, page: str = "") -> dict[str, Any] | None:
    """The template context of an action's page, as display text; None if the plan has no such current action."""
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
        "short_name": _("Action %(number)s") % {"number": action.number}
        if action.number
        else _("This action"),
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
        "overdue_since": labels.time_since(action.due_date, on=on) if is_late and action.due_date else "",
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
        "milestones": _milestones(plan, action, on=on),
        "commitment_changes": _commitment_changes(plan, action),
        "notes": _with_status_changes(list(notes), status_labels),
        "notes_page": notes,
    } | adjacent_actions(plan, code)


def _get_public_owner(action: Action) -> dict[str, str] | None:
    """The accountable person's name and title, if their affiliation is public; otherwise None."""
    if action.owner_id is None:
        return None
    owner = (
        Affiliation.objects.active().filter(pk=action.owner_id, is_public=True).select_related("user").first()
    )
    return {"name": owner.user.get_full_name(), "title": owner.title} if owner else None


def _party_names_by_role(action: Action) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {role: [] for role in ActionParty.Role.values}
    rows = ActionParty.objects.filter(action=action).order_by("position", "pk")
    for role, name in rows.values_list("role", "department__name"):
        names[role].append(name)
    return names


def _measures_by_kind(action: Action) -> list[dict[str, Any]]:
    """Measures grouped by kind, in the order how much, how well, better off; kinds without a measure are omitted."""
    measures: dict[str, list[Any]] = {kind: [] for kind in PerformanceMeasure.Kind.values}
    rows = PerformanceMeasure.objects.filter(action=action).order_by("position", "pk")
    for row in rows.values("kind", "text", "baseline", "target"):
        measures[row["kind"]].append(row)
    return [
        {"kind": str(PerformanceMeasure.Kind(kind).label), "measures": rows_of_kind}
        for kind, rows_of_kind in measures.items()
        if rows_of_kind
    ]


def _milestones(plan: Plan, action: Action, *, on: dt.date) -> list[dict[str, Any]]:
    rows = Milestone.objects.filter(action=action).order_by("due_date", "position", "pk")
    return [
        {
            "title": row["title"] or _("Step"),
            "done": labels.format_partial_date(row["done_date"]),
            "due": labels.format_partial_date(row["due_date"], row["due_precision"]),
            "is_late": not row["done_date"] and is_past_due(plan, row["due_date"], on=on),
        }
        for row in rows.values("title", "done_date", "due_date", "due_precision")
    ]


def _progress_notes(action: Action) -> Any:
    notes = ProgressNote.objects.filter(action=action)
    newest_first = notes.order_by(F("noted_on").desc(nulls_last=True), "-position", "-pk")
    return newest_first.values("noted_on", "label", "status", "text", "reason", "next_step")


def _with_status_changes(notes: list[dict[str, Any]], status_labels: dict[str, str]) -> list[dict[str, Any]]:
    """Each note with its heading: the status, or the change from one status to another. `notes` are newest first."""
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
        note["needs_attention"] = now in Action.NEEDS_ATTENTION
        note["date"] = labels.format_partial_date(note["noted_on"])
    return notes


def _commitment_changes(plan: Plan, action: Action) -> list[dict[str, Any]]:
    """Changes to the promise since the plan was published, newest first: [{"at", "field", "was", "now", "reason"}]."""
    if plan.published_at is None:
        return []
    changes = PlanLogEntry.objects.filter(object_uuid=action.uuid, at__gte=plan.published_at)
    entries = []
    for change in changes.order_by("-at", "-pk")[:50]:
        for name, values in change.fields.items():
            if name in PUBLIC_COMMITMENT_FIELDS and isinstance(values, list) and len(values) == 2:
                was, now = (_format_value(name, value) for value in values)
                entries.append(
                    {
                        "at": change.at,
                        "field": _field_label(name),
                        "was": was,
                        "now": now,
                        "reason": change.reason,
                    }
                )
    return entries


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
