"""What every request goes through: its host's jurisdiction, language and time zone, and whether the site is open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.dispatch import receiver
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotFound, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.urls import set_urlconf
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control

from tenants import access
from tenants.access import Permission
from tenants.models import Affiliation, Jurisdiction
from tenants.web import host_registry

View = Callable[[HttpRequest], HttpResponseBase]

# Before its launch a city answers these to anybody: the way in, and places that ask by themselves who is there.
PATHS_OPEN_BEFORE_LAUNCH = ("/sign-in/", "/sign-out/", "/static/", "/brand.css", "/cms/", "/workspace/")


SESSION_EPOCH_KEY = "epoch"  # of the session: the person's session_epoch when it was opened


class HostMiddleware:
    """Serve each host from its own schema; a host that is not in the registry, letter for letter, is 404.

    Whatever happens on the way, the connection is back in the public schema afterwards.
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
            return HttpResponseNotFound("There is no site at this address.\n", content_type="text/plain")
        request.tenant = jurisdiction  # type: ignore[attr-defined]
        request.urlconf = settings.ROOT_URLCONF if jurisdiction.is_tenant else settings.PUBLIC_SCHEMA_URLCONF  # type: ignore[attr-defined]
        set_urlconf(request.urlconf)  # type: ignore[attr-defined]
        try:
            connection.set_tenant(jurisdiction)
            with timezone.override(ZoneInfo(jurisdiction.timezone)):
                response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
                response.streaming_content = _within(jurisdiction, response.streaming_content)
            return response
        finally:
            connection.set_schema_to_public()


def _within(jurisdiction: Jurisdiction, chunks: Any) -> Iterator[bytes]:
    """The chunks of a response that is made while it is sent, each made in the city's schema and time."""
    rest = iter(chunks)
    while True:
        connection.set_tenant(jurisdiction)
        try:
            with timezone.override(ZoneInfo(jurisdiction.timezone)):
                chunk = next(rest, None)
        finally:
            connection.set_schema_to_public()
        if chunk is None:
            return
        yield chunk


class PlaceLocaleMiddleware(LocaleMiddleware):
    """The visitor's language, if the city offers it; otherwise the city's first."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        offered = request.tenant.portal_languages  # type: ignore[attr-defined]
        if translation.get_language() not in offered:
            translation.activate(offered[0])
            request.LANGUAGE_CODE = offered[0]


class LaunchMiddleware:
    """A city that has not launched is 404 to everybody but its own team. The one place that decides this."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        jurisdiction: Jurisdiction = request.tenant  # type: ignore[attr-defined]
        if (
            not jurisdiction.is_tenant
            or jurisdiction.is_launched
            or request.path_info.startswith(PATHS_OPEN_BEFORE_LAUNCH)
        ):
            return self.get_response(request)
        if access.has_permission(request.user, Permission.SEE_WORKSPACE, jurisdiction):
            response = self.get_response(request)
        else:
            response = render(request, "tenants/not_open.html", status=404)
        patch_cache_control(
            response, private=True, no_store=True
        )  # the same address answers others otherwise
        return response


class SessionEpochMiddleware:
    """End a session that was opened before the person's sessions were ended everywhere."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # A browser without a session cookie is nobody: do not ask the database.
        known = settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated
        if known and request.session.get(SESSION_EPOCH_KEY) != request.user.session_epoch:
            logout(request)
        return self.get_response(request)


@receiver(user_logged_in)
def record_login(*, request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    """Remember which epoch a session belongs to, and when the person was last here."""
    request.session[SESSION_EPOCH_KEY] = user.session_epoch
    jurisdiction = connection.tenant
    if isinstance(jurisdiction, Jurisdiction):
        now = timezone.now()
        Affiliation.objects.filter(user_id=user.pk, jurisdiction_id=jurisdiction.pk).update(
            last_sign_in_at=now
        )
