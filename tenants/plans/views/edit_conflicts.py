"""The form of a person who saves it after somebody else changed the same row."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from tenants.plans import change_log, services
from tenants.plans.selectors import own_status_labels
from tenants.plans.views.histories import describe_entry


def show_conflict(form: Any, error: ValidationError, row: Any) -> list[dict[str, Any]]:
    """Add the error to the form, keep the input, and let a second save succeed.

    Returns the fields that the other person changed, for plans/_edit_conflict.html: [{"label", "old", "new"}].
    """
    current = type(row).objects.get(pk=row.pk)
    form.data = form.data.copy()
    form.data[form.add_prefix("version")] = services.version_token(current)
    form.add_error(None, error)
    last = change_log.entries_for([row.uuid]).first()
    if last is None:
        return []
    dates = change_log.date_changes_of([last]).get(last.pk, {})
    return describe_entry(last, dates, status_labels=own_status_labels())["fields"]
