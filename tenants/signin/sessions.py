"""What a session remembers of its login, and ends sessions everywhere when a person asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from tenants.models import Affiliation, Jurisdiction

SESSION_EPOCH_KEY = "epoch"  # of the session: the person's session_epoch at login


class SessionEpochMiddleware:
    """End a session that was opened before the person's sessions were ended everywhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Without a session cookie the visitor is anonymous: no query is needed.
        is_signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated
        if is_signed_in and request.session.get(SESSION_EPOCH_KEY) != request.user.session_epoch:
            logout(request)
        return self.get_response(request)


@receiver(user_logged_in)
def record_login(*, request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    """Record the epoch of the new session, and the time of the login at a city."""
    request.session[SESSION_EPOCH_KEY] = user.session_epoch
    jurisdiction = connection.tenant
    if isinstance(jurisdiction, Jurisdiction):
        own = Affiliation.objects.filter(user_id=user.pk, jurisdiction_id=jurisdiction.pk)
        own.update(last_sign_in_at=timezone.now())
