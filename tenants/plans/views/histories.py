"""The history of the plan and of an action: its log entries."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tenants.access import Permission, permission_required
from tenants.models import ActionStage, Affiliation, Visibility
from tenants.plans import change_log
from tenants.plans.models import Action, Plan, PlanLogEntry
from tenants.plans.views.common import action_or_404, permission_context

PAGE_SIZE = 50
CHOICE_LABELS: dict[str, Any] = {
    "status": dict(Action.Status.choices),
    "stage": dict(ActionStage.choices),
    "visibility": dict(Visibility.choices),
    "lifecycle": dict(Plan.Lifecycle.choices),
}
HIDDEN_FIELDS = frozenset({"due_precision", "start_precision", "accountability_raw"})


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def plan_history(request: HttpRequest) -> HttpResponse:
    """The history of the whole plan; an import is one entry unless `?rows=all` asks for each of its rows."""
    entries = change_log.entries_for()
    shows_rows = request.GET.get("rows") == "all"
    if not shows_rows:
        entries = entries.exclude(
            verb__in=["imported", "undone"], object_type__in=["goal", "outcome", "action"]
        )
    return _render_history(request, entries, {"shows_rows": shows_rows})


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def action_history(request: HttpRequest, code: str) -> HttpResponse:
    action = action_or_404(code)
    return _render_history(request, change_log.entries_for([action.uuid]), {"action": action})


def _render_history(request: HttpRequest, entries: Any, context: dict[str, Any]) -> HttpResponse:
    page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
    lines = describe_entries(page)
    context |= {"section": "plan", "page": page, "lines": lines} | permission_context(request.user)
    return render(request, "plans/history.html", context)


def describe_entries(entries: Any) -> list[dict[str, Any]]:
    """Log entries as `describe_entry` has them, with the code of each action; at most two more queries."""
    entries = list(entries)
    codes = dict(
        Action.objects.filter(
            uuid__in=[entry.object_uuid for entry in entries if entry.object_type == "action"]
        ).values_list("uuid", "code")
    )
    owners = {value for entry in entries for value in entry.fields.get("owner", []) if isinstance(value, int)}
    names = {
        person.pk: str(person.user) for person in Affiliation.objects.filter(pk__in=owners).select_related("user")
    } if owners else {}  # fmt: skip
    return [describe_entry(entry, names) | {"code": codes.get(entry.object_uuid)} for entry in entries]


def describe_entry(entry: PlanLogEntry, names: dict[int, str] | None = None) -> dict[str, Any]:
    """A log entry for a template: {"entry", "who", "verb", "kind", "fields": [{"label", "old", "new"}]}.

    `names` are the names of people by the id of their affiliation.
    """
    fields = [
        {
            "label": _field_label(entry, name),
            "old": format_value(name, pair[0], names or {}),
            "new": format_value(name, pair[1], names or {}),
        }
        for name, pair in entry.fields.items()
        if name not in HIDDEN_FIELDS
    ]
    return {
        "entry": entry,
        "who": str(entry.by) if entry.by else _("The portal"),
        "verb": str(change_log.VERB_LABELS.get(entry.verb, entry.verb)),
        "kind": str(change_log.OBJECT_LABELS.get(entry.object_type, entry.object_type)),
        "fields": fields,
    }


def _field_label(entry: PlanLogEntry, name: str) -> str:
    try:
        return change_log.field_label(entry.object_type, name)
    except FieldDoesNotExist:  # the counts in an import's entry
        return name


def format_value(name: str, value: Any, names: dict[int, str]) -> str:
    """The logged value of a field as text; "" for nothing."""
    if value in (None, "", []):
        return ""
    if name in CHOICE_LABELS:
        return str(CHOICE_LABELS[name].get(value, value))
    if name == "owner":
        return names.get(value, str(value))
    if name == "position" and isinstance(value, int):
        return str(value + 1)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return "; ".join(_format_item(item) for item in value)
    if isinstance(value, dict):
        return _format_item(value)
    if isinstance(value, str) and (day := _parse_day(value)):
        return date_format(day)
    return str(value)


def _format_item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "kind" in item:
        return str(item["text"])
    texts = [
        item.get("title"),
        item.get("label"),
        item.get("text"),
        _format_day(item.get("due") or item.get("on")),
    ]
    return ", ".join(str(text) for text in texts if text)


def _format_day(text: Any) -> str:
    day = _parse_day(text) if isinstance(text, str) else None
    return date_format(day) if day else ""


def _parse_day(text: str) -> dt.date | None:
    try:
        return parse_date(text) if len(text) == 10 else None
    except ValueError:
        return None
