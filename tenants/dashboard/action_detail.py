"""The template context of one action: its page, and its summary on the home page. A constant number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.paginator import Paginator
from django.db.models import F
from django.utils.translation import gettext as _

from tenants import formats
from tenants.dashboard import action_list
from tenants.dashboard.statistics import PlanStatistics, Row
from tenants.models import Affiliation
from tenants.plans import change_log, labels
from tenants.plans.commitments import changes_a_commitment, commitments_in, promised_since
from tenants.plans.models import (
    Action,
    ActionParty,
    Milestone,
    PerformanceMeasure,
    Plan,
    PlanLogEntry,
    ProgressNote,
)
from tenants.plans.selectors import freshness_of, undated_report
from tenants.plans.standing import OVERDUE, is_past_due

NOTES_PER_PAGE = 20
MAX_CHANGES = 50  # of the promise


def most_delayed_action_context(statistics: PlanStatistics, row: Row) -> dict[str, Any]:
    """The home page's summary of the action that is furthest behind: one query."""
    texts = Action.objects.values("reason", "next_step", "details").get(pk=row["pk"])
    return (
        action_list.build_display_rows([row], statistics=statistics, preview_query="")[0]
        | texts
        | {
            "title": formats.action_heading("", row["title"]),
            "since": formats.format_partial_date(row["status_since"]),
            "overdue_since": formats.time_since(row["due_date"], on=statistics.on)
            if row["state"] == OVERDUE
            else "",
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
        side: {"code": code, "heading": formats.action_heading(rows[code]["number"], rows[code]["title"])}
        if code
        else None
        for side, code in adjacent_codes.items()
    }


def action_detail_context(plan: Plan, code: str, *, on: dt.date, page: str = "") -> dict[str, Any] | None:
    """The template context of an action's page, as display text; None if the plan has no such current action."""
    action: Any = (
        Action.objects.current()
        .filter(outcome__goal__plan=plan, code=code)
        .select_related("outcome__goal", "accountable")
        .annotate(undated_report=undated_report())
        .first()
    )
    if action is None:
        return None
    status_labels = plan.status_labels
    reported = labels.status_label(action.status, status_labels)
    is_open = action.status not in Action.CLOSED
    closed_on = formats.format_partial_date(action.status_since)
    due_passed = is_open and is_past_due(action.due_date, on=on, is_draft=plan.is_draft)
    notes = Paginator(_progress_notes(action), NOTES_PER_PAGE).get_page(page)
    fresh = freshness_of(action, plan, on=on)
    undated: str | None = None if action.last_update_on else action.undated_report  # type: ignore[attr-defined]
    parties = _party_names_by_role(action)
    stage = action.stage or action.outcome.stage
    texts = labels.standing_texts(
        action.status,
        action.due_date,
        plan,
        on=on,
        has_report=action.last_update_on is not None or undated is not None,
    )
    return (
        texts
        | {
            "action": action,
            "heading": formats.action_heading(action.number, action.title),
            "title": formats.action_heading("", action.title),
            "short_name": _("Action %(number)s") % {"number": action.number}
            if action.number
            else _("This action"),
            "goal": {
                "pk": action.outcome.goal_id,
                "heading": formats.title_with_label(action.outcome.goal.label, action.outcome.goal.title),
                "department": formats.sentence_case(action.outcome.goal.department),
            },
            "outcome": formats.sentence_case(action.outcome.title),
            "since": "" if not is_open else formats.format_partial_date(action.status_since),
            "closed_on": "" if is_open else closed_on,
            "last_report": formats.format_partial_date(action.last_update_on),
            "is_reported_behind": action.status in Action.NEEDS_ATTENTION,
            "why_heading": _("Why it is %(status)s") % {"status": formats.lowercase_first(reported)},
            "is_open": is_open,
            "due_passed_since": formats.time_since(action.due_date, on=on)
            if due_passed and action.due_date
            else "",
            "fresh": fresh if is_open and plan.owes_updates else "",
            "undated": labels.format_undated_report(undated) if undated is not None else "",
            "days": (on - action.last_update_on).days if action.last_update_on else None,
            "updated": formats.time_since(action.last_update_on, on=on) if action.last_update_on else "",
            "department": action.accountable.name if action.accountable else "",
            "person": _get_public_owner(action),
            "vacant": labels.format_vacancy(action.owner_vacant_since),
            "not_assigned": labels.NOT_ASSIGNED,
            "responsible": parties["responsible"],
            "support": parties["support"],
            "start": formats.format_partial_date(action.start_date, action.start_precision or "day"),
            "due": labels.format_due(action.due_date, action.due_precision, action.is_continuous),
            "stage": labels.stage_label(stage) if stage else "",
            "measures": _measures_by_kind(action),
            "milestones": _milestones(plan, action, on=on),
            "description": _share_text(plan, action, texts),
            "commitment_changes": _commitment_changes(plan, action),
            "notes": _with_status_changes(list(notes), status_labels),
            "notes_page": notes,
            "continued_by": _continued_by(plan, action),
        }
        | adjacent_actions(plan, code)
    )


def _continued_by(plan: Plan, action: Action) -> dict[str, str] | None:
    """The action that a merged one was merged into: {"code", "heading"}; None while that is archived."""
    if action.status != Action.Status.MERGED or action.merged_into_id is None:
        return None
    target = Action.objects.current().filter(outcome__goal__plan=plan, pk=action.merged_into_id).first()
    return (
        {"code": target.code, "heading": formats.action_heading(target.number, target.title)}
        if target
        else None
    )


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
    """Milestones by date: [{"title", "is_done", "when"}], `when` as a sentence without an accusation.

    One without a title is a further date of the action. That one is past its date does not say that it is not done; once
    the action is closed, no report on it is missing.
    """
    is_open = action.status not in Action.CLOSED
    rows = Milestone.objects.filter(action=action).order_by("due_date", "position", "pk")
    milestones = []
    for row in rows.values("title", "done_date", "due_date", "due_precision"):
        due = formats.format_partial_date(row["due_date"], row["due_precision"])
        if row["done_date"]:
            when = _("done %(day)s") % {"day": formats.format_partial_date(row["done_date"])}
        elif is_open and is_past_due(row["due_date"], on=on, is_draft=plan.is_draft):
            when = _("due %(day)s, no report on it yet") % {"day": due}
        else:
            when = _("due %(day)s") % {"day": due}
        if row["title"]:
            title = row["title"]
        else:
            title = _("Also due: %(day)s") % {"day": due}
            when = when if row["done_date"] else ""
        milestones.append({"title": title, "is_done": bool(row["done_date"]), "when": when})
    return milestones


def _share_text(plan: Plan, action: Action, texts: Mapping[str, str]) -> str:
    """What other sites show below the title of a shared link: standing, report and due date, as the page has them."""
    due = labels.format_due(action.due_date, action.due_precision, action.is_continuous)
    if plan.is_draft:
        return _("Proposed in the draft plan “%(plan)s”. Due: %(due)s.") % {"plan": plan.title, "due": due}
    return _("%(status)s. Due: %(due)s. From the plan “%(plan)s”.") % {
        "status": ". ".join(filter(None, (texts["status"], texts["note"]))),
        "due": due,
        "plan": plan.title,
    }


def _progress_notes(action: Action) -> Any:
    notes = ProgressNote.objects.filter(action=action)
    newest_first = notes.order_by(F("noted_on").desc(nulls_last=True), "-position", "-pk")
    return newest_first.values("noted_on", "label", "status", "text", "reason", "next_step", "corrected_at")


def _with_status_changes(notes: list[dict[str, Any]], status_labels: dict[str, str]) -> list[dict[str, Any]]:
    """Each note with its heading: the status, or the change from one status to another. `notes` are newest first."""
    before = ""
    for note in reversed(notes):
        now = note["status"]
        if now and before and now != before:
            note["heading"] = _("%(before)s to %(now)s") % {
                "before": labels.status_label(before, status_labels),
                "now": formats.lowercase_first(labels.status_label(now, status_labels)),
            }
        else:
            note["heading"] = labels.status_label(now, status_labels) if now else ""
        before = now or before
        note["needs_attention"] = now in Action.NEEDS_ATTENTION
        note["date"] = formats.format_partial_date(note["noted_on"])
        if not note["noted_on"]:
            note["label"] = labels.format_undated_report(note["label"])
    return notes


def _commitment_changes(plan: Plan, action: Action) -> list[dict[str, Any]]:
    """Changes to the promise, newest first: [{"at", "field", "was", "now", "reason"}].

    Since the plan was adopted or published; also those of the outcome and the goal above. A new row is no change, and a
    draft has promised nothing.
    """
    since = None if plan.is_draft else promised_since(plan)
    if since is None:
        return []
    uuids = [action.uuid, action.outcome.uuid, action.outcome.goal.uuid]
    log = PlanLogEntry.objects.filter(changes_a_commitment(), object_uuid__in=uuids, at__gte=since)
    entries = [entry for entry in log.order_by("-at", "-pk")[:MAX_CHANGES] if not _is_new(entry)]
    owner_names = _public_names(entries)
    dates = change_log.date_changes_of(entries)
    changes = []
    for entry in entries:
        commitments = commitments_in(entry.object_type, entry.fields)
        texts: dict[str, tuple[str, str]] = {}
        for name, (was, now) in commitments.items():
            if date := change_log.DATE_OF_FIELD.get(name):
                before, after = dates[entry.pk][date]
                texts[date] = _format_date(date, before), _format_date(date, after)
            elif name == "owner":
                texts[name] = _format_owner(was, owner_names), _format_owner(now, owner_names)
            else:
                texts[name] = _format_value(name, was), _format_value(name, now)
        changes += [
            {
                "at": entry.at,
                "field": formats.capitalize_first(change_log.field_label(entry.object_type, name)),
                "was": was or _("not set"),
                "was_set": bool(was),
                "now": now or _("not set"),
                "reason": entry.reason,
            }
            for name, (was, now) in texts.items()
        ]
    return changes


def _is_new(entry: PlanLogEntry) -> bool:
    """True for the entry of a row that was added: it had no title before."""
    return "title" in entry.fields and not entry.fields["title"][0]


def _public_names(entries: list[PlanLogEntry]) -> dict[int, str]:
    """Names of the owners in these entries whose affiliation is public, by its id."""
    owners = {pk for entry in entries for pk in entry.fields.get("owner", []) if pk}
    if not owners:
        return {}
    people = Affiliation.objects.active().filter(pk__in=owners, is_public=True).select_related("user")
    return {person.pk: person.user.get_full_name() for person in people}


def _format_owner(pk: int | None, names: dict[int, str]) -> str:
    return names.get(pk) or _("a member of the team") if pk else _("not assigned")


def _format_date(date: str, fields: Mapping[str, Any]) -> str:
    return labels.format_logged_date(date, fields)


def _format_value(name: str, value: Any) -> str:
    return labels.format_logged_value(name, value)
