"""Rows as PostgreSQL writes them: a serializer says which columns, the database makes the JSON.

No model is built and no serializer runs for a row, so a list costs little more than its query.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Func, Model, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, NullIf
from rest_framework import serializers

Columns = dict[str, Combinable]


class JsonRow(Func):
    """The columns of a row as one JSON object, as text."""

    function = "json_build_object"
    template = "%(function)s(%(expressions)s)::text"
    output_field = TextField()

    def __init__(self, columns: Columns) -> None:
        super().__init__(*(part for name, column in columns.items() for part in (Value(name), column)))


def columns(serializer: serializers.Serializer[Any], *, but: Collection[str] = ()) -> Columns:
    """Where each field of a serializer comes from, `but` some: the column or annotation that its source names.

    An empty text is null where the field may be null.
    """
    found: Columns = {}
    for name, field in serializer.fields.items():
        if name in but:
            continue
        column: Combinable = F(str(field.source).replace(".", "__"))
        if field.allow_null and isinstance(field, serializers.CharField | serializers.ChoiceField):
            column = NullIf(column, Value(""), output_field=TextField())
        found[name] = column
    return found


def version(model: type[Model], serializer: serializers.Serializer[Any], found: Columns) -> list[Any]:
    """What differs as soon as a row says something else: PostgreSQL's own mark of the row, and what is not in it."""
    mark = Func(template=f'"{model._meta.db_table}".xmin::text', output_field=TextField())
    beside = [c for name, c in found.items() if not _is_own(model, str(serializer.fields[name].source))]
    return [mark, *beside]


def _is_own(model: type[Model], source: str) -> bool:
    try:
        return bool(model._meta.get_field(source).concrete)
    except FieldDoesNotExist:
        return False


def site(slug: str, path: Combinable) -> Concat:
    """The address of `path` on the host of the jurisdiction whose slug is in the column `slug`."""
    port = f":{settings.PORTAL_PORT}" if settings.PORTAL_PORT else ""
    end = f".{settings.CITY_DOMAIN}{port}"
    return Concat(Value(f"{settings.PORTAL_SCHEME}://"), F(slug), Value(end), path, output_field=TextField())
