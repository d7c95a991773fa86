"""Mypy plugin: attributes that django-tenants adds to Django's connection; `request.user` is of any type."""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import AttributeContext, ClassDefContext, Plugin
from mypy.plugins.common import add_attribute_to_class
from mypy.types import AnyType, Type, TypeOfAny

CONNECTION_CLASS = "django.db.backends.base.base.BaseDatabaseWrapper"
ADDED_ATTRIBUTES = [
    "tenant",
    "schema_name",
    "search_path_set_schemas",
    "set_tenant",
    "set_schema",
    "set_schema_to_public",
]
USER_ATTRIBUTE = "django.http.request.HttpRequest.user"


def _add_attributes(context: ClassDefContext) -> None:
    for name in ADDED_ATTRIBUTES:
        add_attribute_to_class(context.api, context.cls, name, AnyType(TypeOfAny.explicit))


def _any_type(context: AttributeContext) -> Type:
    return AnyType(TypeOfAny.explicit)


class PortalPlugin(Plugin):
    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        return _add_attributes if fullname == CONNECTION_CLASS else None

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        return _any_type if fullname == USER_ATTRIBUTE else None


def plugin(version: str) -> type[Plugin]:
    return PortalPlugin
