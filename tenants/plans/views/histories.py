"""The history of the plan and of an action: its log entries."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tenants.access import Permission, permission_required
from tenants.models import Affiliation
from tenants.plans import change_log
from tenants.plans.labels import format_logged_date, format_logged_value
from tenants.plans.models import Action, PlanLogEntry
from tenants.plans.selectors import own_status_labels
from tenants.plans.views.common import action_or_404, permission_context

PAGE_SIZE = 50
HIDDEN_FIELDS = frozenset({"accountability_raw"})


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
    """Log entries as `describe_entry` has them, with the code of each action; at most five more queries."""
    entries = list(entries)
    uuids = [entry.object_uuid for entry in entries if entry.object_type == "action"]
    codes: dict[Any, str] = dict(Action.objects.filter(uuid__in=uuids).values_list("uuid", "code"))
    owners = {value for entry in entries for value in entry.fields.get("owner", []) if isinstance(value, int)}
    names = {
        person.pk: str(person.user) for person in Affiliation.objects.filter(pk__in=owners).select_related("user")
    } if owners else {}  # fmt: skip
    dates, status_labels = change_log.date_changes_of(entries), own_status_labels()
    return [
        describe_entry(entry, dates.get(entry.pk, {}), names, status_labels=status_labels)
        | {"code": codes.get(entry.object_uuid)}
        for entry in entries
    ]


def describe_entry(
    entry: PlanLogEntry,
    dates: change_log.DateChanges,
    names: dict[int, str] | None = None,
    *,
    status_labels: dict[str, str],
) -> dict[str, Any]:
    """A log entry for a template: {"entry", "who", "verb", "kind", "fields": [{"label", "old", "new"}]}.

    `dates` are its change_log.date_changes; `names` are the names of people by the id of their affiliation;
    `status_labels` is Plan.status_labels.
    """
    texts: dict[str, tuple[str, str]] = {}
    for name, (was, now) in entry.fields.items():
        if date := change_log.DATE_OF_FIELD.get(name):
            before, after = dates[date]
            was_text = format_logged_date(date, before) if any(before.values()) else ""
            texts[date] = was_text, format_logged_date(date, after)
        elif name not in HIDDEN_FIELDS:
            texts[name] = (
                format_logged_value(name, was, owners=names, status_labels=status_labels),
                format_logged_value(name, now, owners=names, status_labels=status_labels),
            )
    fields = [
        {"label": _field_label(entry, name), "old": was, "new": now} for name, (was, now) in texts.items()
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
