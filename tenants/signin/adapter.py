"""Settings of allauth: no sign-up without an invitation, and its emails are of the portal's own making."""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from tenants.models import Jurisdiction
from tenants.notifications import mail
from tenants.signin.first_screens import first_screen_of

PASSWORD_NOTICES = frozenset({"password_changed", "password_reset", "password_set"})


class AccountAdapter(DefaultAccountAdapter):
    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return first_screen_of(request.user)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def clean_password(self, password: str, user: User | None = None) -> str:
        """The password if it is good enough; otherwise the first thing that is wrong with it, not all of them."""
        try:
            return super().clean_password(password, user)
        except ValidationError as error:
            raise ValidationError(error.messages[0]) from None

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue `mail/account/<kind>.txt` from the alliance, whose account it is about."""
        kind = template_prefix.rpartition("/")[2]
        user: User | None = context.get("user")
        reset_key = (context["uid"], context["key"]) if kind == "password_reset_key" else None
        alliance = Jurisdiction.objects.get(schema_name="public")
        name = user.first_name if user else ""
        fields = account_mail_context(kind, alliance, email=email, name=name, reset_key=reset_key)
        mail.queue_mail(f"account/{kind}", to=email, sender=alliance, **fields)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell the person about a change of the account, at the one address it has."""
        self.send_mail(template_prefix, email or user.email, (context or {}) | {"user": user})


def account_mail_context(
    kind: str, alliance: Jurisdiction, *, email: str, name: str, reset_key: tuple[str, str] | None = None
) -> dict[str, Any]:
    """What an email about an account shows. `reset_key` is the user's id and the token of a link to a new password."""
    now = timezone.now()
    fields = {
        "greeting": name,
        "email": email,
        "now": now,
        "expires_at": now + dt.timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
    }
    if reset_key:
        fields["url"] = alliance.build_url("account_reset_password_from_key", *reset_key)
    elif kind in PASSWORD_NOTICES:
        fields["url"] = alliance.build_url("account_reset_password")
    return fields
