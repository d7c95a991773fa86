"""URLs and form data of the workspace's pages."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tenants.plans.models import Action
from tests.plans.import_samples import SHEET

URLCONF = "config.urls_city"


def url(name: str, *args: Any) -> str:
    return reverse(f"plans:{name}", urlconf=URLCONF, args=args)


def starter_action(in_city: Any, jurisdiction: Any) -> Action:
    with in_city(jurisdiction):
        return Action.objects.select_related("outcome__goal__plan").order_by("pk").first()


def csv(text: str = SHEET, name: str = "plan.csv") -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, text.encode()), "date_order": "month/day/year"}


def form_of(coordinator_client: Any, code: str) -> dict[str, Any]:
    """The data of the action's form, as a browser would send it."""
    form = coordinator_client.get(url("edit-action", code)).context["form"]
    data = fields_of(form)
    for rows in form.rows.values():
        data |= fields_of(rows.management_form)
        for row in rows.forms:
            data |= fields_of(row)
    return data


def inline_form_of(coordinator_client: Any, code: str) -> dict[str, Any]:
    """The data of the action's short form in the tree."""
    return fields_of(coordinator_client.get(url("editor"), {"edit": code}).context["form"])


def fields_of(form: Any) -> dict[str, Any]:
    data = {form[name].html_name: form[name].value() for name in form.fields}
    return {name: value for name, value in data.items() if value is not None and value is not False}


def new_row(prefix: str, data: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The data of the form with the first blank row of a kind filled in."""
    index = data[f"{prefix}-INITIAL_FORMS"]
    return data | {f"{prefix}-{index}-{name}": value for name, value in values.items()}
