"""What Wagtail's editor looks like here, and who gets its files."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import Http404, HttpRequest
from wagtail import hooks

from cms.models import may_see_site

# The portal's Team page, settings and host names take the place of these.
NOT_FOR_CITIES = frozenset({"users", "groups", "sites", "redirects", "collections", "locales", "forms"})


@hooks.register("before_serve_document")
def refuse_files_of_unlaunched_sites(document: Any, request: HttpRequest) -> None:
    if not may_see_site(request.user, connection.tenant):
        raise Http404


@hooks.register("construct_settings_menu")
def leave_out_what_the_portal_does(request: HttpRequest, items: list[Any]) -> None:
    """At a city nobody, the operator included, manages people or hosts through Wagtail."""
    if connection.schema_name != "public":
        items[:] = [item for item in items if item.name not in NOT_FOR_CITIES]


@hooks.register("construct_main_menu")
def leave_out_forms(request: HttpRequest, items: list[Any]) -> None:
    items[:] = [item for item in items if item.name not in {"forms", "help"}]
