"""Middleware: the jurisdiction of the host, its schema, language and time zone, and the launch of a site."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, set_urlconf
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control

from tenants import access
from tenants.access import Permission
from tenants.models import Jurisdiction
from tenants.web import host_registry

View = Callable[[HttpRequest], HttpResponseBase]


class HostMiddleware:
    """Serve each host from its own schema; a host that is not in the registry, letter for letter, is 404.

    Afterwards the connection is in the public schema again, also after an exception.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        connection.set_schema_to_public()
        try:
            host = re.sub(r":[0-9]+\Z", "", request.get_host())
        except DisallowedHost:
            return HttpResponse("This is not a host name.\n", status=400, content_type="text/plain")
        jurisdiction = host_registry.get_jurisdiction(host)
        if jurisdiction is None:
            return _unknown_host()
        request.tenant = jurisdiction  # type: ignore[attr-defined]
        request.urlconf = jurisdiction.urlconf  # type: ignore[attr-defined]
        set_urlconf(request.urlconf)  # type: ignore[attr-defined]
        try:
            connection.set_tenant(jurisdiction)
            with timezone.override(ZoneInfo(jurisdiction.timezone)):
                response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
                response.streaming_content = _stream_in_tenant(jurisdiction, response.streaming_content)
            return response
        finally:
            connection.set_schema_to_public()


def _unknown_host() -> HttpResponse:
    """A small page that leads to the alliance. Its stylesheet is the alliance's: nothing else is served on this host."""
    alliance = Jurisdiction(schema_name="public")
    origin = alliance.base_url
    context = {"alliance_url": origin, "directory_url": alliance.build_url("cohort:directory")}
    response = HttpResponse(render_to_string("unknown_host.html", context), status=404)
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src {origin}; img-src {origin}; font-src {origin}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _stream_in_tenant(jurisdiction: Jurisdiction, chunks: Any) -> Iterator[bytes]:
    """The chunks of a streaming response, each made in the city's schema and time zone."""
    remaining = iter(chunks)
    while True:
        connection.set_tenant(jurisdiction)
        try:
            with timezone.override(ZoneInfo(jurisdiction.timezone)):
                chunk = next(remaining, None)
        finally:
            connection.set_schema_to_public()
        if chunk is None:
            return
        yield chunk


class JurisdictionLocaleMiddleware(LocaleMiddleware):
    """The visitor's language, if the city offers it; otherwise the city's first."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        offered = request.tenant.portal_languages  # type: ignore[attr-defined]
        if translation.get_language() not in offered:
            translation.activate(offered[0])
            request.LANGUAGE_CODE = offered[0]


def _is_open_before_launch(request: HttpRequest) -> bool:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    return getattr(view, "is_open_before_launch", False)


class LaunchMiddleware:
    """A city that has not launched is 404 to everybody but its own team, and no cache may keep its pages.

    Views with `access.open_before_launch` are let through: signing in, the stylesheet, and those with a permission of
    their own, such as the workspace and Wagtail's editor. `cms.models.can_view_site` asks the same again for pages and
    files that Wagtail serves.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        jurisdiction: Jurisdiction = request.tenant  # type: ignore[attr-defined]
        if not jurisdiction.is_tenant or jurisdiction.is_launched or _is_open_before_launch(request):
            return self.get_response(request)
        if access.has_permission(request.user, Permission.SEE_WORKSPACE, jurisdiction):
            response = self.get_response(request)
        else:
            response = render(request, "tenants/not_open.html", status=404)
        # The same URL gives other visitors another response.
        patch_cache_control(response, private=True, no_store=True)
        return response
