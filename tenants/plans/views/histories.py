"""What changed, by whom and when."""

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
from tenants.plans.models import Action, Change, Plan
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
    changes = change_log.entries_for()
    shows_rows = request.GET.get("rows") == "all"
    if not shows_rows:
        changes = changes.exclude(
            verb__in=["imported", "undone"], object_type__in=["goal", "outcome", "action"]
        )
    return _list(request, changes, {"shows_rows": shows_rows})


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def action_history(request: HttpRequest, code: str) -> HttpResponse:
    action = action_or_404(code)
    return _list(request, change_log.entries_for([action.uuid]), {"action": action})


def _list(request: HttpRequest, changes: Any, context: dict[str, Any]) -> HttpResponse:
    page = Paginator(changes, PAGE_SIZE).get_page(request.GET.get("page"))
    lines = describe_entries(page)
    context |= {"section": "plan", "page": page, "lines": lines} | permission_context(request.user)
    return render(request, "plans/history.html", context)


def describe_entries(changes: Any) -> list[dict[str, Any]]:
    """Changes ready for the page, with links to actions; two more queries for any number of them."""
    changes = list(changes)
    codes = dict(
        Action.objects.filter(
            uuid__in=[change.object_uuid for change in changes if change.object_type == "action"]
        ).values_list("uuid", "code")
    )
    owners = {
        value for change in changes for value in change.fields.get("owner", []) if isinstance(value, int)
    }
    names = {
        person.pk: str(person.user) for person in Affiliation.objects.filter(pk__in=owners).select_related("user")
    } if owners else {}  # fmt: skip
    return [describe_entry(change, names) | {"code": codes.get(change.object_uuid)} for change in changes]


def describe_entry(change: Change, names: dict[int, str] | None = None) -> dict[str, Any]:
    """One entry in words: {"change", "who", "verb", "kind", "fields": [{"word", "old", "new"}]}."""
    fields = [
        {
            "word": _word(change, name),
            "old": format_value(name, pair[0], names or {}),
            "new": format_value(name, pair[1], names or {}),
        }
        for name, pair in change.fields.items()
        if name not in HIDDEN_FIELDS
    ]
    return {
        "change": change,
        "who": str(change.by) if change.by else _("The portal"),
        "verb": str(change_log.VERB_LABELS.get(change.verb, change.verb)),
        "kind": str(change_log.OBJECT_LABELS.get(change.object_type, change.object_type)),
        "fields": fields,
    }


def _word(change: Change, name: str) -> str:
    try:
        return change_log.field_label(change.object_type, name)
    except FieldDoesNotExist:  # an import's own counts
        return name


def format_value(name: str, value: Any, names: dict[int, str]) -> str:
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
        return "; ".join(_item(item) for item in value)
    if isinstance(value, dict):
        return _item(value)
    if isinstance(value, str) and (day := _date(value)):
        return date_format(day)
    return str(value)


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "kind" in item:
        return str(item["text"])
    words = [
        item.get("title"),
        item.get("label"),
        item.get("text"),
        _shown(item.get("due") or item.get("on")),
    ]
    return ", ".join(str(word) for word in words if word)


def _shown(text: Any) -> str:
    day = _date(text) if isinstance(text, str) else None
    return date_format(day) if day else ""


def _date(text: str) -> dt.date | None:
    try:
        return parse_date(text) if len(text) == 10 else None
    except ValueError:
        return None
