"""The context processor for names that every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from tenants import access


def portal(request: HttpRequest) -> dict[str, Any]:
    """The variables of every template.

    `portal`: the alliance's names; `jurisdiction`: the city whose host this is, or None; `my_roles`.
    """
    jurisdiction = getattr(request, "tenant", None) or connection.tenant
    is_city_host = bool(getattr(jurisdiction, "is_tenant", False))
    return {
        "portal": {
            "alliance_name": settings.ALLIANCE_NAME,
            "alliance_tagline": settings.ALLIANCE_TAGLINE,
            "is_sample": jurisdiction.is_sample if is_city_host else settings.DEMO,
            "is_demo": settings.DEMO,
        },
        "jurisdiction": jurisdiction if is_city_host else None,
        "my_roles": access.get_roles(getattr(request, "user", None), jurisdiction)
        if jurisdiction
        else frozenset(),
    }
