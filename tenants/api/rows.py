"""Rows as JSON made by PostgreSQL: a serializer defines the columns.

No model instance is created and no serializer runs for a row, so that a list costs little more than its query.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.db.models import F, Func, Model, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, NullIf
from rest_framework import serializers

Columns = dict[str, Combinable]


class JsonRow(Func):
    """The columns of a row as a JSON object, in text form."""

    function = "json_build_object"
    template = "%(function)s(%(expressions)s)::text"
    output_field = TextField()

    def __init__(self, columns: Columns) -> None:
        super().__init__(*(part for name, column in columns.items() for part in (Value(name), column)))


class JsonArray(JsonRow):
    """The same as an array, without names."""

    function = "json_build_array"

    def __init__(self, *parts: Combinable) -> None:
        super(JsonRow, self).__init__(*parts)


def columns(serializer: serializers.Serializer[Any], *, but: Collection[str] = ()) -> Columns:
    """The column or annotation of each field of a serializer, except those in `but`.

    An empty text becomes null if the field allows null.
    """
    by_name: Columns = {}
    for name, field in serializer.fields.items():
        if name in but:
            continue
        column: Combinable = F(str(field.source).replace(".", "__"))
        if field.allow_null and isinstance(field, serializers.CharField | serializers.ChoiceField):
            column = NullIf(column, Value(""), output_field=TextField())
        by_name[name] = column
    return by_name


def mark(model: type[Model], serializer: serializers.Serializer[Any], by_name: Columns) -> Func:
    """A text that changes whenever a row does: PostgreSQL's xmin, and the columns that come from other tables."""
    xmin = Func(template=f'"{model._meta.db_table}".xmin::text', output_field=TextField())
    foreign = [c for name, c in by_name.items() if not _is_own(model, str(serializer.fields[name].source))]
    return JsonArray(xmin, *foreign)


@dataclass(frozen=True)
class Statement:
    """Compiled SQL of rows, with the columns `key`, "mark" and "row"."""

    sql: str
    params: tuple[Any, ...]
    key: str

    @classmethod
    def of(
        cls,
        rows: QuerySet[Any],
        serializer: serializers.Serializer[Any],
        *,
        key: str,
        but: Collection[str] = (),
    ) -> Statement:
        """Compile a queryset. Compiling costs more than executing: cache the result."""
        by_name = columns(serializer, but=but)
        chosen = rows.values(key, mark=mark(rows.model, serializer, by_name), row=JsonRow(by_name))
        sql, params = chosen.order_by().query.sql_with_params()
        return cls(sql, params, f'"{rows.model._meta.get_field(key).column}"')

    def page(self, *, beyond: Any, backward: bool, most: int, with_rows: bool) -> list[tuple[Any, ...]]:
        """(key, mark, row) of the next `most` rows by key; (key, mark) if not `with_rows`."""
        compare, order = ("<", "DESC") if backward else (">", "ASC")
        where, after = (f"WHERE {self.key} {compare} %s", [beyond]) if beyond is not None else ("", [])
        return self._ask(f"{where} ORDER BY {self.key} {order} LIMIT %s", *after, most, with_rows=with_rows)

    def one(self, key: Any) -> tuple[Any, ...] | None:
        """(key, mark, row) of a single row."""
        return next(iter(self._ask(f"WHERE {self.key} = %s", key, with_rows=True)), None)

    def _ask(self, which: str, *params: Any, with_rows: bool) -> list[tuple[Any, ...]]:
        chosen = f"{self.key}, mark, row" if with_rows else f"{self.key}, mark"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {chosen} FROM ({self.sql}) AS found {which}", [*self.params, *params])
            return cursor.fetchall()


def _is_own(model: type[Model], source: str) -> bool:
    try:
        return bool(model._meta.get_field(source).concrete)
    except FieldDoesNotExist:
        return False


def site(slug: str, path: Combinable) -> Concat:
    """URL of `path` on the host of the jurisdiction whose slug is in the column `slug`."""
    port = f":{settings.PORTAL_PORT}" if settings.PORTAL_PORT else ""
    end = f".{settings.CITY_DOMAIN}{port}"
    return Concat(Value(f"{settings.PORTAL_SCHEME}://"), F(slug), Value(end), path, output_field=TextField())
