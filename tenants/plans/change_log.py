"""The change log of a plan: snapshots of rows, their differences, and the entries written from these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from tenants.formats import lowercase_first
from tenants.plans import labels
from tenants.plans.commitments import COMMITMENT_FIELDS
from tenants.plans.models import Action, Goal, Outcome, Plan, PlanLogEntry
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.stored_names import stored_name

VERB_LABELS = {
    "added": _("added"),
    "edited": _("changed"),
    "moved": _("moved"),
    "retired": _("archived"),
    "restored": _("restored"),
    "reported": _("reported progress on"),
    "corrected": _("corrected a report on"),
    "withdrawn": _("withdrew a report on"),
    "imported": _("imported"),
    "undone": _("undid the import of"),
    "published": _("published"),
    "unpublished": _("unpublished"),
    "adopted": _("recorded the adoption of"),
    "merged": _("merged"),
    "took_in": _("merged another action into"),
    "separated": _("undid the merge of"),
    "gave_back": _("removed a merged action from"),
}
OBJECT_LABELS = {"plan": _("plan"), "goal": _("goal"), "outcome": _("outcome"), "action": _("action")}

# The fields whose changes are logged, in the order pages show them.
LOGGED_FIELDS: dict[type[Model], tuple[str, ...]] = {
    Plan: (
        "title", "summary", "vision", "period_start", "period_end", "lifecycle", "visibility", "adopted_on",
        "adopting_body", "resolution", "cadence_days", "grace_days", "status_labels",
    ),
    Goal: ("label", "title", "story", "department", "sectors", "position", "extra_columns", "retired_reason"),
    Outcome: ("label", "title", "story", "stage", "position", "extra_columns", "goal", "retired_reason"),
    Action: (
        "number", "title", "details", "why", "stage", "sectors", "topics", "status", "status_raw", "reason", "next_step",
        "accountable", "owner", "owner_vacant_since", "accountability_raw", "start_date", "start_precision", "due_date",
        "due_precision", "is_continuous", "timeline_raw", "resources", "implementation_plan", "changes",
        "indicator_text", "position", "extra_columns", "outcome", "merged_into", "retired_reason",
    ),
}  # fmt: skip
# The fields of each date of an action. Pages show their changes as one: "June 2027" to "Ongoing (no end date)".
DATE_FIELDS = {
    "start_date": ("start_date", "start_precision"),
    "due_date": ("due_date", "due_precision", "is_continuous"),
}
DATE_OF_FIELD = {name: date for date, names in DATE_FIELDS.items() for name in names}
# The related rows of an action, logged with it.
RELATED_LABELS = {
    "responsible": _("also responsible"),
    "support": _("supporting"),
    "measures": _("measures"),
    "milestones": _("milestones"),
    "progress_note": _("progress note"),
}
FIELD_LABELS = {
    "status_raw": _("status in the sheet"),
    "accountability_raw": _("responsible, as written in the sheet"),
    "timeline_raw": _("timeline, as written in the sheet"),
    "start_precision": _("how exact the start is"),
    "due_precision": _("how exact the due date is"),
    "position": _("position"),
    "notes": _("notes"),
    "goal": _("goal"),
    "outcome": _("outcome"),
    "retired_reason": _("reason for archiving"),
    "took_in": _("action merged into it"),
    "status_labels": _("status labels"),
} | RELATED_LABELS

# By date of an action: its fields before and after a change.
DateChanges = dict[str, tuple[dict[str, Any], dict[str, Any]]]


def snapshot(row: Plan | Goal | Outcome | Action, related: RelatedRows | None = None) -> dict[str, Any]:
    """The logged fields as JSON values, by stored name; for an action also its related rows.

    Pass `related` for many actions: without it each one costs four queries.
    """
    values = {stored_name(name): _json_value(row, name) for name in LOGGED_FIELDS[type(row)]}
    if isinstance(row, Action):
        related = related or RelatedRows(actions=[row.pk])
        values["responsible"] = related.department_names(row, "responsible")
        values["support"] = related.department_names(row, "support")
        values["measures"] = [
            {"kind": m.kind, "text": m.text, "baseline": m.baseline, "target": m.target}
            for m in related.measures[row.pk]
        ]
        values["milestones"] = [
            {
                "title": step.title,
                "due": step.due_date.isoformat(),
                "precision": step.due_precision,
                "done": step.done_date.isoformat() if step.done_date else None,
            }
            for step in related.milestones[row.pk]
        ]
    return values


def _json_value(row: Model, name: str) -> Any:
    if name == "accountable":
        department = row.accountable  # type: ignore[attr-defined]
        return department.name if department else None
    if name in ("goal", "outcome", "merged_into"):
        other = getattr(row, name)
        return str(other) if other else None
    value = row.owner_id if name == "owner" else getattr(row, name)  # type: ignore[attr-defined]
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return list(value) if isinstance(value, list | tuple) else value


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Old and new values of the fields that differ: {"due_date": ["2026-06-30", "2026-12-31"]}.

    None and every empty value are equal.
    """
    names = [*after, *(name for name in before if name not in after)]
    return {
        name: [before.get(name), after.get(name)]
        for name in names
        if (before.get(name) or None) != (after.get(name) or None)
    }


def build_entry(
    row: Plan | Goal | Outcome | Action,
    verb: str,
    *,
    by: User | None,
    at: dt.datetime,
    fields: dict[str, list[Any]] | None = None,
    reason: str = "",
) -> PlanLogEntry:
    """An unsaved log entry, for `save` or `bulk_create`."""
    return PlanLogEntry(
        at=at,
        by=by,
        verb=verb,
        object_type=row._meta.model_name or "",
        object_uuid=row.uuid,
        object_title=truncate(str(row)),
        fields=fields or {},
        reason=reason,
    )


def truncate(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def date_changes(entry: PlanLogEntry, current: dict[str, Any]) -> DateChanges:
    """The dates that the entry changed, with their fields before and after it.

    {"due_date": ({"due_date": "2027-06-30", "due_precision": "month", "is_continuous": False}, {…})}. An entry logs only
    the fields that changed. So read the entries of an action newest first: `current` has the fields of its dates after
    the entry, and gets those before it.
    """
    after = dict(current)
    for name in DATE_OF_FIELD.keys() & entry.fields.keys():
        current[name], after[name] = entry.fields[name]
    return {
        date: ({name: current.get(name) for name in names}, {name: after.get(name) for name in names})
        for date, names in DATE_FIELDS.items()
        if not entry.fields.keys().isdisjoint(names)
    }


def date_changes_of(entries: Iterable[PlanLogEntry]) -> dict[int, DateChanges]:
    """The `date_changes` of log entries by their id; entries without one are omitted. Two queries, or none."""
    dated = [
        entry
        for entry in entries
        if entry.object_type == "action" and DATE_OF_FIELD.keys() & entry.fields.keys()
    ]
    if not dated:
        return {}
    uuids, first = {entry.object_uuid for entry in dated}, min(entry.at for entry in dated)
    current: dict[Any, dict[str, Any]] = {
        uuid: {} for uuid in uuids
    }  # stays empty for an action that is deleted
    for action in Action.objects.filter(uuid__in=uuids).only("uuid", *DATE_OF_FIELD):
        current[action.uuid] = {name: _json_value(action, name) for name in DATE_OF_FIELD}
    log = entries_for(uuids).filter(at__gte=first, fields__has_any_keys=list(DATE_OF_FIELD))
    return {entry.pk: date_changes(entry, current[entry.object_uuid]) for entry in log}


def field_label(object_type: str, name: str) -> str:
    """Label of a field, by its stored name, as pages show it."""
    if name in FIELD_LABELS:
        return str(FIELD_LABELS[name])
    if name in labels.FIELD_LABELS:
        return lowercase_first(str(labels.FIELD_LABELS[name]))
    model = {"plan": Plan, "goal": Goal, "outcome": Outcome, "action": Action}[object_type]
    return str(model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def commitment_labels(object_type: str) -> str:
    """The labels of the commitments of a goal, an outcome or an action, in one line; without how exact dates are."""
    names = [name for name in COMMITMENT_FIELDS[object_type] if not name.endswith("_precision")]
    return ", ".join(field_label(object_type, name) for name in names)


def entries_for(
    uuids: Iterable[Any] | None = None, *, object_type: str = "", by: int | None = None
) -> QuerySet[PlanLogEntry]:
    """Entries of the rows with these uuids, or of all rows; newest first."""
    condition = Q()
    if uuids is not None:
        condition &= Q(object_uuid__in=list(uuids))
    if object_type:
        condition &= Q(object_type=object_type)
    if by is not None:
        condition &= Q(by=by)
    return PlanLogEntry.objects.filter(condition).select_related("by").order_by("-at", "-pk")
