"""The form of a person who saves it after the same row was changed, by somebody else or in another window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from tenants.plans import change_log, services
from tenants.plans.models import PlanLogEntry, ProgressNote
from tenants.plans.selectors import own_status_labels
from tenants.plans.views.histories import describe_entry


def show_conflict(form: Any, error: ValidationError, row: Any, fresh: Any = None) -> dict[str, Any]:
    """Add the error to the form, keep the input, and let a second save succeed.

    `fresh` is an unbound form of the row as it is now; with it both texts of each field are shown, and a field that this
    person did not touch takes the text that is saved. Without it the fields are those of the newest change.
    Returns the context of plans/_edit_conflict.html: {"text", "is_self", "who", "at", "fields", "taken_over"}, where
    `fields` are [{"label", "saved", "yours"}] or [{"label", "old", "new"}], and `taken_over` labels of untouched fields.
    """
    current = type(row).objects.get(pk=row.pk)
    form.data = form.data.copy()
    form.data[form.add_prefix("version")] = services.version_token(current)
    form.add_error(None, error)
    form.has_conflict = True  # said by plans/_edit_conflict.html
    logged = current.action if isinstance(current, ProgressNote) else current
    entries = list(change_log.entries_for([logged.uuid])[:20])
    last = entries[0] if entries else None
    conflict: dict[str, Any] = {
        "text": error.messages[0],
        "is_self": error.code == "self",
        "who": str(last.by) if last and last.by else _("Someone else"),
        "at": current.updated_at,
        "taken_over": [],
    }
    if fresh is None:
        return conflict | {"fields": _fields_of(last)}
    conflict["taken_over"] = _take_over_untouched(form, fresh, entries)
    return conflict | {"fields": _both_texts(form, fresh)}


def is_saved_already(conflict: dict[str, Any], form: Any) -> bool:
    """True if the form and its rows have nothing that is not saved, as after going back and saving again."""
    rows = getattr(form, "rows", {}).values()
    return not conflict["fields"] and not any(each.has_unsaved() for each in rows)


def _fields_of(entry: PlanLogEntry | None) -> list[dict[str, Any]]:
    if entry is None:
        return []
    dates = change_log.date_changes_of([entry]).get(entry.pk, {})
    return describe_entry(entry, dates, status_labels=own_status_labels())["fields"]


def _take_over_untouched(form: Any, fresh: Any, entries: list[PlanLogEntry]) -> list[str]:
    """Give the fields that still have the text from before the change the saved text; returns their labels."""
    newest: dict[str, Any] = {}
    for entry in entries:
        for name, change in entry.fields.items():
            newest.setdefault(name, change)
    labels = []
    for name in _content_fields(form, fresh):
        was, now = newest.get(name, (None, None))
        if (
            not isinstance(was, str | None)
            or name not in newest
            or isinstance(form.fields[name], forms.DateField)
        ):
            continue
        if _text(form, name) == _plain(was) and _text(fresh, name) == _plain(now):
            form.data[form.add_prefix(name)] = _text(fresh, name)
            labels.append(str(form[name].label))
    return labels


def _both_texts(form: Any, fresh: Any) -> list[dict[str, Any]]:
    return [
        {"label": form[name].label, "saved": _shown(fresh, name), "yours": _shown(form, name)}
        for name in _content_fields(form, fresh)
        if _text(form, name) != _text(fresh, name)
    ]


def _content_fields(form: Any, fresh: Any) -> list[str]:
    """The fields of the row itself: not its version, nor the reason for the change."""
    return [
        name
        for name in form.fields
        if name in fresh.initial and name in fresh.fields and not form[name].is_hidden
    ]


def _text(form: Any, name: str) -> str:
    """The value of a field as its input has it, comparable with that of another form."""
    value = form.fields[name].widget.format_value(form[name].value())
    if isinstance(value, list | tuple):
        return "\n".join(sorted(str(each) for each in value))
    return _plain(value)


def _plain(value: Any) -> str:
    if value in (None, False, "False"):
        return ""
    return str(value).replace("\r\n", "\n").strip()


def _shown(form: Any, name: str) -> str:
    """The value of a field for a reader: labels of choices instead of codes."""
    field: Any = form.fields[name]
    text = _text(form, name)
    if isinstance(field, forms.BooleanField):
        return _("yes") if text else _("no")
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        chosen: Mapping[str, Any] = {str(code): label for code, label in choices}
        return ", ".join(str(chosen.get(code, code)) for code in text.split("\n") if code)
    return text
