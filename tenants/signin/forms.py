"""allauth's forms with the portal's labels."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as AccountLoginForm
from django.utils.translation import gettext_lazy as _


class LoginForm(AccountLoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Work email")
        self.fields["password"].help_text = ""  # the page has its own link for a lost password
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
