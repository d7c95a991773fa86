"""Tells mypy what django-tenants adds to Django's database connection."""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import ClassDefContext, Plugin
from mypy.plugins.common import add_attribute_to_class
from mypy.types import AnyType, TypeOfAny

CONNECTION = "django.db.backends.base.base.BaseDatabaseWrapper"
ADDED = ["tenant", "schema_name", "search_path_set_schemas", "set_tenant", "set_schema", "set_schema_to_public"]


def _add(context: ClassDefContext) -> None:
    for name in ADDED:
        add_attribute_to_class(context.api, context.cls, name, AnyType(TypeOfAny.explicit))


class TenantConnectionPlugin(Plugin):
    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        return _add if fullname == CONNECTION else None


def plugin(version: str) -> type[Plugin]:
    return TenantConnectionPlugin
