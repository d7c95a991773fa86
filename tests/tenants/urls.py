"""URLs for the tests of middleware."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path
from django.utils import timezone, translation

from tenants.access import Permission, open_before_launch, permission_required
from tenants.web import media


def current_search_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        return cursor.fetchone()[0]


def where(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "jurisdiction": request.tenant.schema_name,  # type: ignore[attr-defined]
            "schema": connection.schema_name,
            "search_path": current_search_path(),
            "time_zone": timezone.get_current_timezone_name(),
            "language": translation.get_language(),
        }
    )


def broken(request: HttpRequest) -> HttpResponse:
    current_search_path()
    raise RuntimeError("broken on purpose")


def rolled_back(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        current_search_path()
        transaction.set_rollback(True)
    return where(request)


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        for _number in range(3):
            yield current_search_path() + "\n"

    return StreamingHttpResponse(lines(), content_type="text/plain")


def modify_tenant(request: HttpRequest) -> HttpResponse:
    jurisdiction: Any = request.tenant  # type: ignore[attr-defined]
    jurisdiction.name = "Modified"
    jurisdiction.languages.append("xx")
    return HttpResponse("done")


helpers = [
    path("where/", where),
    path("open/where/", open_before_launch(where)),
    path("permitted/where/", permission_required(Permission.SEE_WORKSPACE)(where)),
    path("broken/", broken),
    path("rolled-back/", rolled_back),
    path("streamed/", streamed),
    path("modify-tenant/", modify_tenant),
    path("media/<path:path>", media.media),
]
urlpatterns = [*helpers, path("", include("config.urls_city"))]
