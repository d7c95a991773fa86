from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request


class ReadOnlySessionAuthentication(BaseAuthentication):
    """The user who is signed in on this host. No CSRF check, as the API is read-only."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        # The user of Django's middleware, as in REST framework's own class: `request.user` would ask this method again.
        user = getattr(request._request, "user", None)
        return (user, None) if user is not None and user.is_authenticated and user.is_active else None
