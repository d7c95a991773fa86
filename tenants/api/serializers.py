from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat
from rest_framework import serializers

SHARED_WITH = [("public", "Everyone"), ("members", "Members of the cohort")]


class UtcDateTimeField(serializers.DateTimeField):
    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=dt.UTC, **options)


class RowSerializer(serializers.ModelSerializer[Any]):
    """A row of a list. It has every field; a text that may be empty is null then, in what is read and written."""

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.DateTimeField: UtcDateTimeField
    }

    def build_field(self, field_name: str, info: Any, model_class: Any, nested_depth: int) -> Any:
        field_class, options = super().build_field(field_name, info, model_class, nested_depth)
        options.pop("required", None)
        options.pop("label", None)  # words of a form
        options.pop("allow_empty", None)  # a list may have no item
        if options.pop("allow_blank", False):
            options["allow_null"] = True
        return field_class, options

    def to_representation(self, instance: Any) -> dict[str, Any]:
        row = super().to_representation(instance)
        return {
            name: None if value == "" and self.fields[name].allow_null else value
            for name, value in row.items()
        }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        texts = {
            field.source
            for field in self.fields.values()
            if isinstance(field, serializers.CharField | serializers.ChoiceField)
        }
        values = super().to_internal_value(data)
        return {name: "" if value is None and name in texts else value for name, value in values.items()}


KEY = "key-of-row"  # stands for the key in the path that is given to `row_path`


def row_path(path: str, column: str) -> Concat:
    """Path of each row's page: `path` with the row's key, in `column`, in the place of KEY."""
    before, after = path.split(KEY)
    return Concat(Value(before), F(column), Value(after), output_field=TextField())


def site_url(slug: str, path: Combinable) -> Concat:
    """URL of `path` on the host of the jurisdiction whose slug is in the column `slug`."""
    port = f":{settings.PORTAL_PORT}" if settings.PORTAL_PORT else ""
    end = f".{settings.CITY_DOMAIN}{port}"
    return Concat(Value(f"{settings.PORTAL_SCHEME}://"), F(slug), Value(end), path, output_field=TextField())
