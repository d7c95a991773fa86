"""One-time sign-in codes: after the sign-in at the alliance, a code opens a session at a city.

A code works once, for one minute, on one host, and only in the browser that began: the city sets a cookie with a nonce
and sends the nonce's hash to the alliance. So nobody can be signed in by a link that another person made.
"""

from __future__ import annotations

import datetime as dt
import secrets

from django.db import transaction
from django.utils import timezone
from django_tenants.utils import schema_context

from accounts.models import User
from tenants.models import SignInCode
from tenants.people.invitations import hash_token

TOKEN_LIFETIME = dt.timedelta(seconds=60)


def create_code(user: User, *, host: str, nonce_hash: str, next_path: str) -> str:
    """Return a new code for this user, this host and the browser with this nonce. Deletes codes older than a day."""
    code = secrets.token_urlsafe(32)
    with schema_context("public"):
        SignInCode.objects.filter(expires_at__lt=timezone.now() - dt.timedelta(days=1)).delete()
        SignInCode.objects.create(
            code_hash=hash_token(code),
            nonce_hash=nonce_hash,
            user=user,
            host=host,
            next_path=next_path[:500],
            expires_at=timezone.now() + TOKEN_LIFETIME,
        )
    return code


@transaction.atomic
def consume_code(code: str, *, host: str, nonce: str) -> SignInCode | None:
    """Mark a code as used and return it.

    None if the code is unknown, used, expired, or for another host or browser, or if its user is inactive.
    """
    with schema_context("public"):
        sign_in_code = (
            SignInCode.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(code_hash=hash_token(code), used_at=None, expires_at__gt=timezone.now())
            .first()
        )
        if sign_in_code is None:
            return None
        sign_in_code.used_at = timezone.now()
        sign_in_code.save(update_fields=["used_at"])
        is_valid = sign_in_code.host == host and secrets.compare_digest(
            sign_in_code.nonce_hash, hash_token(nonce)
        )
        return sign_in_code if is_valid and sign_in_code.user.is_active else None
