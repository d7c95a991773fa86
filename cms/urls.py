"""Wagtail's URLs with the portal's access rules.

Both kinds of host include `front` first, `admin`, and `pages` last; a city also includes `narrative`.
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
from cms.models import NarrativePage, StandardPage
from tenants import access
from tenants.access import Permission

View = Callable[..., HttpResponseBase]

# What Wagtail's editor needs beyond the portal's policy: inline scripts of its date, file and item choosers, style
# attributes of its rich-text editor, and previews of pictures to upload.
EDITOR_CSP = {
    "script-src": ["'unsafe-inline'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["blob:"],
}
# The portal has its own pages for people, roles and hosts: these are blocked, whatever the groups permit.
# Starts of URL names in Wagtail's URLconf.
BLOCKED_ADMIN_NAMES = (
    "wagtailusers_users:", "wagtailusers_groups:", "wagtailsites:", "wagtailadmin_password_reset",
)  # fmt: skip
# These show pages of the site itself, with the portal's policy. Parts of URL names in Wagtail's URLconf.
PREVIEW_NAMES = ("preview", "view_draft", "revisions_view")


def _is_editor(user: Any) -> bool:
    """By role first, which is loaded once per request; the permissions of the groups take two more queries."""
    has_role = any(
        access.has_permission(user, permission, connection.tenant)
        for permission in (Permission.EDIT_SITE, Permission.EDIT_ALLIANCE_SITE)
    )
    return has_role and user.has_perm("wagtailadmin.access_admin")


def require_editor(view: View) -> View:
    """Answer 404 to signed-in users who are not editors here, and at BLOCKED_ADMIN_NAMES to all but superusers.

    Sets the editor's content security policy, except for previews. Visitors without a session are left to Wagtail,
    which redirects them to the sign-in.
    """

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not _is_editor(request.user):
            raise Http404
        match = request.resolver_match
        if match and match.view_name.startswith(BLOCKED_ADMIN_NAMES) and not request.user.is_superuser:
            raise Http404
        if match and any(name in (match.url_name or "") for name in PREVIEW_NAMES):
            return view(request, *args, **kwargs)
        return csp_update(EDITOR_CSP)(view)(request, *args, **kwargs)

    return access.open_before_launch(checked)


admin: list[URLPattern | URLResolver] = [
    path("cms/", include(decorate_urlpatterns(wagtail_admin_urls.urlpatterns, require_editor))),
]
# Before the host's other URLs: the page at the root decides what it shows.
front: list[URLPattern | URLResolver] = [
    path("", views.home, name="front"),
    path(f"{StandardPage.CONTACT_SLUG}/", views.contact, name="contact"),
]
narrative: list[URLPattern | URLResolver] = [
    path(f"{NarrativePage.SLUG}/", views.narrative, name="narrative"),
    path("cms/narrative/", views.edit_narrative, name="edit-narrative"),  # before Wagtail's own
]
# Without the password forms of Wagtail's own list: the portal has one sign-in.
pages: list[URLPattern | URLResolver] = [
    re_path(r"^documents/(\d+)/(.*)$", serve_document, name="wagtaildocs_serve"),
    re_path(r"^((?:[\w\-]+/)*)$", wagtail_views.serve, name="wagtail_serve"),
]
