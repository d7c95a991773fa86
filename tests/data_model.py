"""The picture of the data model in docs/data-model.md, drawn from the models.

python -m tests.data_model     prints the diagrams to paste there
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models

OWN_FOLDERS = ("accounts", "tenants", "resources", "cohort", "search", "cms")
# Every row of a plan has these; seventeen lines to the same person would hide the rest.
NOT_DRAWN = {"created_by", "updated_by"}
# Heading in docs/data-model.md -> whether its tables are in the public schema, and in a city's.
SECTIONS = {
    "The public schema": (True, False),
    "A city’s schema": (False, True),
    "Every schema": (True, True),
}


def is_own(module: str) -> bool:
    return module.partition(".")[0] in OWN_FOLDERS


def own_models(section: str) -> list[Any]:
    """The models of our apps whose tables are where the section says."""
    return [
        model
        for config in apps.get_app_configs()
        if is_own(config.name) and _schemas(config.name) == SECTIONS[section]
        for model in config.get_models(include_auto_created=True)
    ]


def entities(section: str) -> set[str]:
    return {model.__name__ for model in own_models(section)}


def tables(section: str) -> set[str]:
    return {model._meta.db_table for model in own_models(section)}


def relations(section: str) -> set[str]:
    """Lines of the diagram: "Plan ||--o{ Goal : plan"; dashed where a city's database has no constraint."""
    lines = set()
    for model in own_models(section):
        for field in _relation_fields(model):
            left = "|o" if field.null else "||"
            right = "o|" if field.one_to_one else "o{"
            line = "--" if _has_constraint(field) else ".."
            lines.add(f"{_name(field.related_model)} {left}{line}{right} {model.__name__} : {field.name}")
    return lines


def diagram(section: str) -> str:
    """The section's diagram, with the fence around it."""
    lines = sorted(relations(section))
    related = {name for line in lines for name in line.split()[::2]}
    alone = sorted(entities(section) - related)
    return "\n".join(["```mermaid", "erDiagram", *(f"  {line}" for line in [*lines, *alone]), "```"])


def _schemas(app: str) -> tuple[bool, bool]:
    return app in settings.SHARED_APPS, app in settings.TENANT_APPS


def _relation_fields(model: Any) -> Iterator[Any]:
    """The foreign keys that the portal itself declares, not those it inherits from Wagtail; without NOT_DRAWN."""
    inherited = {
        field.name
        for base in model.__mro__
        if issubclass(base, models.Model)
        and hasattr(base, "_meta")
        and base.__module__.startswith("wagtail.")
        for field in base._meta.local_fields
    }
    for field in model._meta.local_fields:
        if field.is_relation and field.name not in NOT_DRAWN | inherited:
            yield field


def _name(model: Any) -> str:
    """The model's name; of a library's model with its app: "wagtailcore_Page"."""
    return model.__name__ if is_own(model.__module__) else f"{model._meta.app_label}_{model.__name__}"


def _has_constraint(field: Any) -> bool:
    source, target = (_schemas(model._meta.app_config.name) for model in (field.model, field.related_model))
    return field.db_constraint and (target[1] or not source[1])


def main() -> None:
    import django

    django.setup()
    for section in SECTIONS:
        print(f"## {section}\n\n{diagram(section)}\n")  # noqa: T201


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    os.environ.setdefault("SECRET_KEY", "none")
    main()
