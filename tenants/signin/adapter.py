"""Settings of allauth: no sign-up without an invitation, and email is sent by a job."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from tenants.notifications import mail
from tenants.signin.first_screens import first_screen_of


class AccountAdapter(DefaultAccountAdapter):
    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return first_screen_of(request.user)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, context)
        mail.send_mail_task.enqueue(to=email, subject=message.subject, body=str(message.body))
