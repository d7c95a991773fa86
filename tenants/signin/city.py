"""A city's side of signing in: it sends people to the alliance and opens its own session when they come back."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tenants import access
from tenants.models import Jurisdiction
from tenants.people.invitations import hash_token
from tenants.signin import sign_in_codes

app_name = "signin"
NONCE_COOKIE = "sign-in-nonce"


def safe_redirect_path(wanted: str) -> str:
    """A path of this host, or the workspace's: never another site."""
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return "/workspace/"


@never_cache
@require_GET
def start_login(request: HttpRequest) -> HttpResponse:
    """Leave a nonce with the browser and go on to the alliance."""
    wanted = safe_redirect_path(request.GET.get("next", ""))
    if request.user.is_authenticated and access.get_roles(request.user, connection.tenant):
        return redirect(wanted)
    nonce = secrets.token_urlsafe(32)
    alliance = Jurisdiction.objects.get(schema_name="public")
    query = urlencode({"nonce": hash_token(nonce), "next": wanted})
    response = redirect(f"{alliance.base_url}/sign-in/for/{connection.tenant.slug}/?{query}")
    response.set_cookie(
        NONCE_COOKIE,
        nonce,
        max_age=1800,
        path="/sign-in/",
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@never_cache
@require_GET
def login_callback(request: HttpRequest) -> HttpResponse:
    """Open this city's session for whoever the code stands for."""
    found = sign_in_codes.consume_code(
        request.GET.get("code", ""), host=connection.tenant.host, nonce=request.COOKIES.get(NONCE_COOKIE, "")
    )
    if found is None:
        return render(request, "signin/not_opened.html", status=403)
    login(request, found.user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.set_expiry(0)  # like the alliance's: it ends with the browser
    response = redirect(safe_redirect_path(found.next_path))
    response.delete_cookie(NONCE_COOKIE, path="/sign-in/")
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this city's session; the others of the person go on, the alliance's too."""
    logout(request)
    messages.success(
        request,
        _("You are signed out here. To sign out of every city at once, open your account at %(alliance)s.")
        % {"alliance": settings.ALLIANCE_NAME},
    )
    return redirect("/")


urlpatterns = [
    path("sign-in/", start_login, name="begin"),
    path("sign-in/finish/", login_callback, name="finish"),
    path("sign-out/", sign_out, name="leave"),
]
