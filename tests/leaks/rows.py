"""Writes a canary into every text field of a row, as the model defines them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from wagtail.fields import StreamField
from wagtail.models import Page

from tests.leaks.canaries import COMMON, CanarySet

# Text fields without a canary. A field that is not listed here and cannot hold one fails the test.
NO_CANARY = {
    "Action": {"code"},  # the portal's own number
    "Attachment": {"language"},
    "PlanLogEntry": {"verb", "object_type"},
    "ImportJob": {"sha256"},
    "LibraryItem": {"origin_state"},  # two letters
    "Page": {"path", "slug", "url_path", "content_type"},  # addresses
}
# Fields for everybody who may read the row. All other fields are for the team only.
SHOWN: dict[str, set[str]] = {
    "Plan": {"title", "summary"},
    "Goal": {"label", "title", "sectors"},
    "Outcome": {"label", "title"},
    "Action": {"number", "title", "details", "reason", "next_step", "sectors", "topics"},
    "Department": {"name"},
    "ProgressNote": {"text"},
    "NarrativePage": {"headline", "lead", "body"},
    "LibraryItem": {"key", "title", "summary", "body", "sectors", "topics", "origin", "attribution", "source_url"},
    "Attachment": {"title"},
}  # fmt: skip
# Additional fields on the pages and in the files of the city's own site.
ON_SITE: dict[str, set[str]] = {
    "Plan": {"vision", "adopting_body", "resolution"},
    "Goal": {"story", "department"},
    "Action": {
        "why", "timeline_raw", "resources", "implementation_plan", "changes", "indicator_text",
    },
    "PerformanceMeasure": {"text", "baseline", "target"},
    "Milestone": {"title"},
    "ProgressNote": {"label", "reason", "next_step"},
    "NarrativePage": {"written_by", "next_review", "seo_title"},
}  # fmt: skip
# Fields that are searched, but never shown.
SEARCHED: dict[str, set[str]] = {
    "LibraryItem": {"hidden_tags"},
    "NarrativePage": {"title", "search_description"},
}
_BLOCKS = {"NarrativePage": "why_now", "StandardPage": "section"}


def text_fields(model: type[models.Model]) -> Iterator[models.Field[Any, Any]]:
    """Fields of a model that hold free text, also in lists or JSON."""
    names = {kind.__name__ for kind in model.__mro__}
    excluded = set().union(*(NO_CANARY[name] for name in names & NO_CANARY.keys()))
    for field in model._meta.concrete_fields:
        inner = field.base_field if isinstance(field, ArrayField) else field
        is_text = isinstance(inner, models.CharField | models.TextField | models.JSONField | StreamField)
        if is_text and not inner.choices and field.name not in excluded and not field.primary_key:
            yield field


def plant_canaries(
    canaries: CanarySet,
    row: models.Model,
    *,
    seen_by: str,
    state: str,
    only: Iterable[str] | None = None,
    save: bool = True,
) -> list[str]:
    """Write a canary into each text field of `row`, or `only` into these. Returns the canaries. Sends no signal."""
    model = type(row)
    only = None if only is None else set(only)
    values: dict[str, Any] = {}
    planted = []
    for field in text_fields(model):
        if only is not None and field.name not in only:
            continue
        level = _level(field, model.__name__, seen_by)
        canary = canaries.plant(f"{state}: {model.__name__}.{field.name}", level)
        values[field.name] = _value(field, canary, row)
        planted.append(canary)
    for name, value in values.items():
        setattr(row, name, value)
    if save and isinstance(row, Page):
        row.save(clean=False)
    elif save:
        model._default_manager.filter(pk=row.pk).update(**values)
    return planted


def internal(model: type[models.Model]) -> set[str]:
    """Text fields that only the team may read."""
    name = model.__name__
    visible = [table.get(name, set()) for table in (SHOWN, ON_SITE, SEARCHED)]
    return {field.name for field in text_fields(model)} - set().union(*visible)


def _level(field: models.Field[Any, Any], name: str, seen_by: str) -> str:
    if seen_by == "nobody" or field.name in SHOWN.get(name, ()):
        return seen_by
    if seen_by == "public" and field.name in ON_SITE.get(name, ()):
        return "site"
    return "searched" if field.name in SEARCHED.get(name, ()) else "nobody"


def _value(field: Any, canary: str, row: models.Model) -> Any:
    text = f"{canary} {COMMON}"
    if isinstance(field, StreamField):
        block = {"heading": text, "text": f"<p>{text}</p>"}
        return [
            (
                _BLOCKS[type(row).__name__],
                field.stream_block.child_blocks[_BLOCKS[type(row).__name__]].to_python(block),
            )
        ]
    if isinstance(field, models.JSONField):
        is_list = field.default is list
        return [{"label": canary, "text": text}] if is_list else {"label": text}
    if isinstance(field, ArrayField):
        return [
            canary if isinstance(field.base_field, models.SlugField) or field.base_field.max_length else text
        ]
    if isinstance(field, models.EmailField):
        return f"{canary}@city.example"
    if isinstance(field, models.URLField):
        return f"https://{canary}.example/{COMMON}"
    if isinstance(field, models.SlugField):
        return canary
    max_length = field.max_length or len(text)
    if max_length < len(canary):
        raise AssertionError(
            f"{type(row).__name__}.{field.name} is too short for a canary: list it in NO_CANARY."
        )
    return text if len(text) <= max_length else canary
