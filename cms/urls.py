"""Wagtail's addresses with the portal's rules laid over them.

Both kinds of host include `front` first, `admin`, and `pages` last; a city also its `story`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.decorators import csp_update
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from wagtail import views as wagtail_views
from wagtail.admin import urls as wagtail_admin_urls
from wagtail.documents.views.serve import serve as serve_document
from wagtail.utils.urlpatterns import decorate_urlpatterns

from cms import views
from cms.models import NarrativePage
from tenants import access
from tenants.access import Permission

View = Callable[..., HttpResponseBase]

# What Wagtail's editor needs beyond the portal's own rules: script elements beside its date, file and item choosers,
# style attributes of its rich-text editor, and pictures chosen for upload.
EDITOR_CSP = {
    "script-src": ["'unsafe-inline'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["blob:"],
}
# The portal's own pages for people, roles and hosts take the place of these, whatever a group may be allowed.
BLOCKED_ADMIN_ROUTES = ("cms/users/", "cms/groups/", "cms/sites/", "cms/password_reset/")
# These show pages of the site itself, which do without.
PREVIEW_URL_NAMES = ("preview", "view_draft", "revisions_view")


def _is_editor(user: Any) -> bool:
    """By role, which is asked for once in a request; what the groups allow takes two questions more."""
    has_role = any(
        access.has_permission(user, can, connection.tenant)
        for can in (Permission.EDIT_SITE, Permission.EDIT_ALLIANCE_SITE)
    )
    return has_role and user.has_perm("wagtailadmin.access_admin")


def require_editor(view: View) -> View:
    """A person who is signed in and is not an editor here gets 404, as everywhere. The editor has its own policy."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not _is_editor(request.user):
            raise Http404
        match = request.resolver_match
        if match and match.route.startswith(BLOCKED_ADMIN_ROUTES) and not request.user.is_superuser:
            raise Http404
        if match and any(name in (match.url_name or "") for name in PREVIEW_URL_NAMES):
            return view(request, *args, **kwargs)
        return csp_update(EDITOR_CSP)(view)(request, *args, **kwargs)

    return checked


admin: list[URLPattern | URLResolver] = [
    path("cms/", include(decorate_urlpatterns(wagtail_admin_urls.urlpatterns, require_editor))),
]
# Before what else a host answers at its root: the page decides what its front shows.
front: list[URLPattern | URLResolver] = [path("", views.home, name="front")]
story: list[URLPattern | URLResolver] = [path(f"{NarrativePage.SLUG}/", views.narrative, name="narrative")]
# Wagtail's own list would add password forms; there is one way in.
pages: list[URLPattern | URLResolver] = [
    re_path(r"^documents/(\d+)/(.*)$", serve_document, name="wagtaildocs_serve"),
    re_path(r"^((?:[\w\-]+/)*)$", wagtail_views.serve, name="wagtail_serve"),
]
