"""From the alliance's sign-in to a city's own session: a code that works once, for a minute, on one host.

The city first leaves a nonce in a cookie and passes its hash on; only a browser with that cookie can use the code.
So nobody can be signed in by a link that somebody else made.
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
    """A code for this person, this host and the holder of this nonce."""
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
    """What the code stands for, once; None if it is unknown, used, too old, or for another host or browser."""
    with schema_context("public"):
        found = (
            SignInCode.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(code_hash=hash_token(code), used_at=None, expires_at__gt=timezone.now())
            .first()
        )
        if found is None:
            return None
        found.used_at = timezone.now()
        found.save(update_fields=["used_at"])
        fits = found.host == host and secrets.compare_digest(found.nonce_hash, hash_token(nonce))
        return found if fits and found.user.is_active else None
