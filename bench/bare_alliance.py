"""URLs of the alliance's host, and those of the floors: a page that reads one row, and a hundred rows as JSON."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection
from django.db.models import F, Func, TextField, Value
from django.db.models.functions import NullIf
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe
from rest_framework import serializers

from bench.bare_city import template
from config import urls_alliance
from tenants.models import Jurisdiction


@require_safe
def one_row(request: HttpRequest) -> HttpResponse:
    title = Jurisdiction.objects.values_list("name", flat=True).get(schema_name="public")
    return HttpResponse(template().render({"title": title}, request))


@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    """The first hundred public actions with the columns of the API, serialized by PostgreSQL alone."""
    sql, params = rows_statement()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        body = cursor.fetchone()[0]
    return HttpResponse(body, content_type="application/json")


@cache
def rows_statement() -> tuple[str, tuple[Any, ...]]:
    from cohort.api import ActionSerializer, ActionViewSet, annotate_standing, annotate_visibility
    from cohort.models import PublicAction

    visible = annotate_visibility(PublicAction, "public", ActionViewSet().get_path())
    actions = annotate_standing(visible).annotate(goal_id=F("outcome__goal_id"))
    columns: list[Any] = []
    for name, field in ActionSerializer().fields.items():
        column: Any = F(str(field.source))
        if field.allow_null and isinstance(field, serializers.CharField | serializers.ChoiceField):
            column = NullIf(column, Value(""), output_field=TextField())
        columns += [Value(name), column]
    row = Func(*columns, function="json_build_object", output_field=TextField())
    inner, params = actions.order_by("uuid").values(row=row)[:100].query.sql_with_params()
    return f"SELECT json_agg(row)::text FROM ({inner}) AS page", params


urlpatterns = [path("one-row/", one_row), path("rows/", rows), *urls_alliance.urlpatterns]
