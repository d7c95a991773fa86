"""URLs of the alliance's host, and those of the floors: a page that reads one row, and a hundred rows as JSON."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

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
    from cohort.api import ActionList
    from tenants.api.views import statement as api_statement

    inner = api_statement(ActionList, "public", ())
    chosen = f"SELECT row FROM ({inner.sql}) AS found ORDER BY {inner.key} LIMIT 100"
    return f"SELECT json_agg(row::json)::text FROM ({chosen}) AS chosen", inner.params


urlpatterns = [path("one-row/", one_row), path("rows/", rows), *urls_alliance.urlpatterns]
