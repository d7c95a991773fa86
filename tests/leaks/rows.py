"""Writes a word of its own into every text field of a row, as its model lists them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from wagtail.fields import StreamField
from wagtail.models import Page

from tests.leaks.words import COMMON, CanarySet

# Text, but no place for a word. A field that is not named here and cannot take one fails the test.
WITHOUT = {
    "Action": {"code"},  # the portal's own number
    "Attachment": {"language"},
    "PlanLogEntry": {"verb", "object_type"},
    "ImportJob": {"sha256"},
    "LibraryItem": {"origin_state"},  # two letters
    "Page": {"path", "slug", "url_path", "content_type"},  # addresses
}
# What everybody may read who may read the row. Every other field is for those who work on it.
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
# Beside those, on the pages and in the files of the city's own site alone.
ON_SITE: dict[str, set[str]] = {
    "Plan": {"vision", "adopting_body", "resolution"},
    "Goal": {"story"},
    "Action": {
        "why", "timeline_raw", "resources", "implementation_plan", "changes", "indicator_text",
    },
    "PerformanceMeasure": {"text", "baseline", "target"},
    "Milestone": {"title"},
    "ProgressNote": {"label", "reason", "next_step"},
    "NarrativePage": {"written_by", "next_review", "seo_title"},
}  # fmt: skip
# Searched, so that the row is found by it, and never shown.
SEARCHED: dict[str, set[str]] = {
    "LibraryItem": {"hidden_tags"},
    "NarrativePage": {"title", "search_description"},
}
_BLOCKS = {"NarrativePage": "why_now", "StandardPage": "section"}


def text_fields(model: type[models.Model]) -> Iterator[models.Field[Any, Any]]:
    """The fields of a model that hold people's words, also as lists or JSON."""
    names = {kind.__name__ for kind in model.__mro__}
    without = set().union(*(WITHOUT[name] for name in names & WITHOUT.keys()))
    for field in model._meta.concrete_fields:
        inner = field.base_field if isinstance(field, ArrayField) else field
        is_text = isinstance(inner, models.CharField | models.TextField | models.JSONField | StreamField)
        if is_text and not inner.choices and field.name not in without and not field.primary_key:
            yield field


def write(
    choir: CanarySet,
    row: models.Model,
    *,
    seen_by: str,
    state: str,
    only: Iterable[str] | None = None,
    save: bool = True,
) -> list[str]:
    """A canary into each text field of `row`, or into `only` these; the words. Nothing is announced."""
    model = type(row)
    only = None if only is None else set(only)
    values: dict[str, Any] = {}
    sung = []
    for field in text_fields(model):
        if only is not None and field.name not in only:
            continue
        level = _level(field, model.__name__, seen_by)
        word = choir.sing(f"{state}: {model.__name__}.{field.name}", level)
        values[field.name] = _value(field, word, row)
        sung.append(word)
    for name, value in values.items():
        setattr(row, name, value)
    if save and isinstance(row, Page):
        row.save(clean=False)
    elif save:
        model._default_manager.filter(pk=row.pk).update(**values)
    return sung


def internal(model: type[models.Model]) -> set[str]:
    """The fields that are nobody's beyond the team."""
    name = model.__name__
    known = [table.get(name, set()) for table in (SHOWN, ON_SITE, SEARCHED)]
    return {field.name for field in text_fields(model)} - set().union(*known)


def _level(field: models.Field[Any, Any], name: str, seen_by: str) -> str:
    if seen_by == "nobody" or field.name in SHOWN.get(name, ()):
        return seen_by
    if seen_by == "public" and field.name in ON_SITE.get(name, ()):
        return "site"
    return "found" if field.name in SEARCHED.get(name, ()) else "nobody"


def _value(field: Any, word: str, row: models.Model) -> Any:
    text = f"{word} {COMMON}"
    if isinstance(field, StreamField):
        told = {"heading": text, "text": f"<p>{text}</p>"}
        return [
            (
                _BLOCKS[type(row).__name__],
                field.stream_block.child_blocks[_BLOCKS[type(row).__name__]].to_python(told),
            )
        ]
    if isinstance(field, models.JSONField):
        is_list = field.default is list
        return [{"label": word, "text": text}] if is_list else {"label": text}
    if isinstance(field, ArrayField):
        return [
            word if isinstance(field.base_field, models.SlugField) or field.base_field.max_length else text
        ]
    if isinstance(field, models.EmailField):
        return f"{word}@city.example"
    if isinstance(field, models.URLField):
        return f"https://{word}.example/{COMMON}"
    if isinstance(field, models.SlugField):
        return word
    longest = field.max_length or len(text)
    if longest < len(word):
        raise AssertionError(
            f"{type(row).__name__}.{field.name} is too short for a canary: name it in WITHOUT."
        )
    return text if len(text) <= longest else word
