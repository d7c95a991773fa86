"""From a host name to a jurisdiction, before anything else happens to a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import set_urlconf
from django.utils import timezone

from tenants.models import Domain, Jurisdiction

View = Callable[[HttpRequest], HttpResponse]


class HostMiddleware:
    """Serve each host from its own schema; a host that is not in the registry is 404."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        connection.set_schema_to_public()
        try:
            host = request.get_host().rsplit(":", 1)[0]
        except DisallowedHost:
            return HttpResponse(status=400)
        place = self.find(host)
        if place is None:
            return HttpResponseNotFound("There is no site at this address.\n", content_type="text/plain")
        request.tenant = place  # type: ignore[attr-defined]
        connection.set_tenant(place)
        request.urlconf = settings.ROOT_URLCONF if place.is_place else settings.PUBLIC_SCHEMA_URLCONF  # type: ignore[attr-defined]
        set_urlconf(request.urlconf)  # type: ignore[attr-defined]
        with timezone.override(ZoneInfo(place.timezone)):
            return self.get_response(request)

    def find(self, host: str) -> Jurisdiction | None:
        domain = Domain.objects.select_related("tenant").filter(domain=host).first()
        return cast(Jurisdiction, domain.tenant) if domain else None


class SessionEpochMiddleware:
    """End a session that was opened before the person's sessions were ended everywhere."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)
