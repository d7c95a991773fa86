"""Permissions by role. No other module decides who may do what.

A view names its permission with `@permission_required(Permission.…)`; services rely on that check.
An anonymous visitor is redirected to the sign-in, or gets back the text of a form that was sent; a user without the
permission gets 404.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from tenants import interrupted
from tenants.models import Affiliation, Jurisdiction, Role


class Permission(enum.StrEnum):
    """What a user may do; `ROLE_PERMISSIONS` lists the roles that allow it."""

    SEE_WORKSPACE = enum.auto()
    REPORT_PROGRESS = enum.auto()
    EDIT_PLAN = enum.auto()
    IMPORT_PLAN = enum.auto()
    PUBLISH_PLAN = enum.auto()
    SEE_TEAM = enum.auto()
    MANAGE_TEAM = enum.auto()
    EDIT_SITE = enum.auto()
    EDIT_SETTINGS = enum.auto()
    SEE_STAFF_PAGES = enum.auto()
    OPEN_JURISDICTION = enum.auto()
    CURATE_LIBRARY = enum.auto()
    EDIT_ALLIANCE_SITE = enum.auto()


_CITY_TEAM_ROLES = frozenset(
    {Role.COORDINATOR, Role.PLAN_EDITOR, Role.DEPARTMENT_LEAD, Role.CONTRIBUTOR, Role.VIEWER}
)

# permission -> the roles that allow it
ROLE_PERMISSIONS: dict[Permission, frozenset[Role]] = {
    # at a city
    Permission.SEE_WORKSPACE: _CITY_TEAM_ROLES,
    Permission.REPORT_PROGRESS: frozenset({Role.COORDINATOR, Role.PLAN_EDITOR, Role.DEPARTMENT_LEAD}),
    Permission.EDIT_PLAN: frozenset({Role.COORDINATOR, Role.PLAN_EDITOR}),
    Permission.IMPORT_PLAN: frozenset({Role.COORDINATOR, Role.PLAN_EDITOR}),
    Permission.PUBLISH_PLAN: frozenset({Role.COORDINATOR}),
    # at a city, and at the alliance for its own team; no role is held at both
    Permission.SEE_TEAM: _CITY_TEAM_ROLES | {Role.STAFF_ADMIN, Role.STAFF_ONBOARDING},
    Permission.MANAGE_TEAM: frozenset({Role.COORDINATOR, Role.STAFF_ADMIN}),
    Permission.EDIT_SETTINGS: frozenset({Role.COORDINATOR, Role.STAFF_ADMIN}),
    Permission.EDIT_SITE: frozenset({Role.COORDINATOR, Role.PLAN_EDITOR, Role.CONTRIBUTOR}),
    # at the alliance
    Permission.SEE_STAFF_PAGES: frozenset({Role.STAFF_ADMIN, Role.STAFF_ONBOARDING}),
    Permission.OPEN_JURISDICTION: frozenset({Role.STAFF_ADMIN, Role.STAFF_ONBOARDING}),
    Permission.CURATE_LIBRARY: frozenset({Role.STAFF_ADMIN, Role.LIBRARY_CURATOR}),
    Permission.EDIT_ALLIANCE_SITE: frozenset({Role.STAFF_ADMIN, Role.LIBRARY_CURATOR}),
}


def get_roles(user: Any, jurisdiction: Jurisdiction) -> frozenset[str]:
    """Roles of a user at a jurisdiction today; cached on the user object for the request."""
    if not getattr(user, "is_authenticated", False):
        return frozenset()
    cached = user.__dict__.setdefault("_roles_by_jurisdiction", {})
    if jurisdiction.pk not in cached:
        affiliations = Affiliation.objects.active().filter(user=user, jurisdiction=jurisdiction)
        role_lists = affiliations.values_list("roles", flat=True)
        cached[jurisdiction.pk] = frozenset(role for roles in role_lists for role in roles)
    return cached[jurisdiction.pk]


def has_permission(user: Any, permission: Permission, jurisdiction: Jurisdiction) -> bool:
    """True if one of the user's roles at `jurisdiction` allows `permission`; a superuser has every permission."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return False
    return user.is_superuser or bool(get_roles(user, jurisdiction) & ROLE_PERMISSIONS[permission])


def is_member(user: Any) -> bool:
    """True for superusers and for users with an active affiliation anywhere: they see what the cohort shares."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return False
    if "_is_member" not in user.__dict__:
        user.__dict__["_is_member"] = (
            user.is_superuser or Affiliation.objects.active().filter(user=user).exists()
        )
    return user.__dict__["_is_member"]


def get_audience(user: Any) -> str:
    """Audience of a user: "members" for members of the cohort, otherwise "public"."""
    return "members" if is_member(user) else "public"


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """To /sign-in/ of this host, which redirects to the login form of the alliance.

    A form that was sent, and a request by htmx, are not redirected: their page stays and says what to do.
    """
    is_form = request.method not in ("GET", "HEAD") or interrupted.brings_text_back(request)
    if is_form or request.headers.get("HX-Request"):
        return interrupted.signed_out(request)
    return redirect(reverse("signin:login", query={"next": request.get_full_path()}))


def open_before_launch(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let everybody reach this view at a city that has not launched, for signing in and views with their own checks."""

    @wraps(view)
    def open_view(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    open_view.is_open_before_launch = True  # type: ignore[attr-defined]
    return open_view


def permission_required(
    permission: Permission,
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Restrict a view to users with `permission` at the jurisdiction of the current host."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            if not has_permission(request.user, permission, connection.tenant):
                raise Http404
            return view(request, *args, **kwargs)

        return open_before_launch(interrupted.keeps_text(checked))

    return decorate
