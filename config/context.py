"""The context processor for names that every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from tenants import access


def portal(request: HttpRequest) -> dict[str, Any]:
    """The variables of every template.

    `portal`: the alliance's names; `jurisdiction`: the city whose host this is, or None; `contact`: the row of the city
    or of the alliance if it says how to reach it, or None; `my_roles`; `may_see_workspace`, `may_curate`.
    """
    jurisdiction = getattr(request, "tenant", None) or connection.tenant
    is_city_host = bool(getattr(jurisdiction, "is_tenant", False))
    user = getattr(request, "user", None)

    def may(permission: access.Permission) -> bool:
        return bool(jurisdiction) and access.has_permission(user, permission, jurisdiction)

    return {
        "portal": {
            "alliance_name": settings.ALLIANCE_NAME,
            "alliance_tagline": settings.ALLIANCE_TAGLINE,
            "is_sample": jurisdiction.is_sample if is_city_host else settings.DEMO,
            "is_demo": settings.DEMO,
        },
        "jurisdiction": jurisdiction if is_city_host else None,
        "contact": jurisdiction if getattr(jurisdiction, "has_contact", False) else None,
        "my_roles": access.get_roles(user, jurisdiction) if jurisdiction else frozenset(),
        "may_see_workspace": is_city_host and may(access.Permission.SEE_WORKSPACE),
        "may_curate": not is_city_host and may(access.Permission.CURATE_LIBRARY),
    }
