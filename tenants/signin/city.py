"""Sign-in at a city: redirect to the alliance, and open the city's own session when the user comes back."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from tenants import access
from tenants.access import open_before_launch
from tenants.models import Jurisdiction
from tenants.people.invitations import hash_token
from tenants.signin import sign_in_codes

app_name = "signin"
NONCE_COOKIE = "sign-in-nonce"


def safe_redirect_path(target: str) -> str:
    """Return `target` if it is on this host, otherwise the workspace: never another site."""
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return target
    return reverse("plans:home", settings.ROOT_URLCONF)


@open_before_launch
@never_cache
@require_GET
def start_login(request: HttpRequest) -> HttpResponse:
    """Set the nonce cookie and redirect to the sign-in of the alliance."""
    next_path = safe_redirect_path(request.GET.get("next", ""))
    if request.user.is_authenticated and access.get_roles(request.user, connection.tenant):
        return redirect(next_path)
    nonce = secrets.token_urlsafe(32)
    alliance = Jurisdiction.objects.get(schema_name="public")
    query = {"nonce": hash_token(nonce), "next": next_path}
    response = redirect(alliance.build_url("signin:authorize", connection.tenant.slug, query=query))
    response.set_cookie(
        NONCE_COOKIE,
        nonce,
        max_age=1800,
        path=reverse("signin:login"),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@open_before_launch
@never_cache
@require_GET
def login_callback(request: HttpRequest) -> HttpResponse:
    """Open a session at this city for the user of the code."""
    sign_in_code = sign_in_codes.consume_code(
        request.GET.get("code", ""), host=connection.tenant.host, nonce=request.COOKIES.get(NONCE_COOKIE, "")
    )
    if sign_in_code is None:
        return render(request, "signin/not_opened.html", status=403)
    login(request, sign_in_code.user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.set_expiry(0)  # ends when the browser is closed, like the alliance's
    response = redirect(_arrival_of(sign_in_code.user, safe_redirect_path(sign_in_code.next_path)))
    response.delete_cookie(NONCE_COOKIE, path=reverse("signin:login"))
    return response


def _arrival_of(user: User, path: str) -> str:
    """`path`; for a member of the cohort, who has no workspace, the alliance's front page instead of the workspace."""
    is_workspace = path.startswith(reverse("plans:home"))
    if is_workspace and not access.has_permission(user, access.Permission.SEE_WORKSPACE, connection.tenant):
        return Jurisdiction.objects.get(schema_name="public").build_url("front")
    return path


@open_before_launch
@never_cache
@require_GET
def back_to_your_text(request: HttpRequest) -> HttpResponse:
    """Where somebody lands who signed in to save a form that waits in another tab."""
    if not request.user.is_authenticated:
        return access.ask_to_sign_in(request)
    return render(request, "signin/back_to_your_text.html")


@open_before_launch
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session at this city only, not those at the alliance or at other cities."""
    logout(request)
    messages.success(
        request,
        _("You are signed out here. To sign out of every site at once, open your account at %(alliance)s.")
        % {"alliance": settings.ALLIANCE_NAME},
    )
    return redirect("front")


urlpatterns = [
    path("sign-in/", start_login, name="login"),
    path("sign-in/finish/", login_callback, name="login-callback"),
    path("sign-in/back-to-your-text/", back_to_your_text, name="back-to-your-text"),
    path("sign-out/", sign_out, name="logout"),
]
