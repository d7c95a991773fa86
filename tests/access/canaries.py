"""Canaries: a unique word for each city, written into all of the city's texts."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.files.base import ContentFile
from django.db import models
from django_tenants.utils import tenant_context
from PIL import Image as Picture
from wagtail.documents.models import Document
from wagtail.fields import StreamField
from wagtail.images.models import Image
from wagtail.models import Page

from tenants import signals
from tenants.models import Affiliation, AuditEvent, Invitation
from tenants.plans.models import Action, Department, ExportSnapshot, Goal, Plan, PlanLogEntry
from tests.plan_factories import MeasureFactory, MilestoneFactory, NoteFactory, PartyFactory

CANARIES = {"riverton": "xqriv", "ashford": "xqash", "millbrook": "xqmil"}  # short enough for every field
# Text fields of a page; its slug and path are addresses.
PAGE_TEXTS = frozenset({"title", "draft_title", "seo_title", "search_description"})


def canary_of(jurisdiction: Any) -> str:
    return CANARIES[jurisdiction.slug]


def own_models() -> list[type[models.Model]]:
    """Models of plans and pages: the content that a city writes."""
    return [model for model in apps.get_models() if model._meta.app_label in ("plans", "cms")]


def text_fields(model: type[models.Model]) -> Iterator[Any]:
    """Fields of a model that hold a city's text, also in lists or JSON."""
    for field in model._meta.concrete_fields:
        if field.choices or field.primary_key or field.name in ("sha256", "object_type", "verb"):
            continue
        if issubclass(model, Page) and field.model is Page and field.name not in PAGE_TEXTS:
            continue
        if isinstance(field, ArrayField):
            if (
                isinstance(field.base_field, models.CharField | models.TextField)
                and not field.base_field.choices
            ):
                yield field
        elif isinstance(field, StreamField | models.JSONField) or (
            isinstance(field, models.CharField | models.TextField) and not isinstance(field, models.URLField)
        ):
            yield field


def plant_canaries(jurisdiction: Any) -> int:
    """Write the city's canary into every text field of its rows. Returns the number of values written."""
    written = 0
    with tenant_context(jurisdiction):
        _create_one_of_each(jurisdiction)
        for model in own_models():
            for number, row in enumerate(model._default_manager.all()):
                changes = {
                    field.name: _planted_value(field, row, jurisdiction, number)
                    for field in text_fields(model)
                }
                for name, value in changes.items():
                    setattr(row, name, value)
                if isinstance(row, Page):
                    row.live = True
                    row.save(clean=False)
                    row.save_revision()
                elif changes:
                    row.save(update_fields=list(changes))
                written += len(changes)
        for page in Page.objects.filter(depth__gte=2):
            signals.page_changed.send(Page, jurisdiction=jurisdiction, page_id=page.pk)
        signals.plan_changed.send(Plan, jurisdiction=jurisdiction, plan_id=Plan.objects.get().pk)
        signals.jurisdiction_changed.send(type(jurisdiction), jurisdiction=jurisdiction)
    for model in (Affiliation, Invitation):
        rows = model.objects.filter(jurisdiction=jurisdiction)
        rows.update(
            title=f"{canary_of(jurisdiction)} title", department=f"{canary_of(jurisdiction)} department"
        )
    for affiliation in Affiliation.objects.filter(jurisdiction=jurisdiction).select_related("user"):
        affiliation.user.first_name = canary_of(jurisdiction)
        affiliation.user.last_name = canary_of(jurisdiction)
        affiliation.user.save(update_fields=["first_name", "last_name"])
    AuditEvent.objects.filter(jurisdiction=jurisdiction).update(
        detail={"email": f"{canary_of(jurisdiction)}@city.example"}
    )
    return written


def _create_one_of_each(jurisdiction: Any) -> None:
    """Create a row of every model, and files."""
    action = Action.objects.in_plan_order().first()
    for factory in (MeasureFactory, MilestoneFactory, NoteFactory, PartyFactory):
        factory(action=action)
    Department.objects.get_or_create(name="Library")
    PlanLogEntry.objects.create(
        verb="changed", object_type="action", object_uuid=action.uuid, object_title="An action", reason="Because",
        fields={"title": ["An older title", "A newer title"]},
    )  # fmt: skip
    ExportSnapshot.objects.create(tree={"goals": []})
    Goal.objects.update(extra_columns=[{"label": "Cost code", "text": "Four eleven and more"}])
    picture = io.BytesIO()
    Picture.new("RGB", (8, 8)).save(picture, "PNG")
    Image.objects.create(
        title=f"{canary_of(jurisdiction)} picture",
        width=8,
        height=8,
        file=ContentFile(picture.getvalue(), f"{canary_of(jurisdiction)}.png"),
    )
    Document.objects.create(
        title=f"{canary_of(jurisdiction)} paper", file=ContentFile(b"text", f"{canary_of(jurisdiction)}.txt")
    )


def _planted_value(field: Any, row: Any, jurisdiction: Any, number: int) -> Any:
    value = getattr(row, field.name)
    if isinstance(field, StreamField):
        return [
            {**block, "value": _replace_texts(block["value"], canary_of(jurisdiction))}
            for block in value.raw_data
        ]
    if isinstance(field, models.JSONField):
        return _replace_texts(value, canary_of(jurisdiction))
    if isinstance(field, ArrayField):
        return [f"{canary_of(jurisdiction)}-{number}" for _item in value]
    text = (
        f"{canary_of(jurisdiction)}{number}"
        if field.unique or field.name == "name"
        else f"{canary_of(jurisdiction)} {field.name}"
    )
    return text[: field.max_length] if field.max_length else text


def _replace_texts(value: Any, canary: str) -> Any:
    """Return the same structure with every text of several words replaced by the canary."""
    if isinstance(value, dict):
        return {key: _replace_texts(item, canary) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace_texts(item, canary) for item in value]
    return canary if isinstance(value, str) and " " in value else value
