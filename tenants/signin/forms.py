"""allauth's forms in the portal's words."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as AccountLoginForm
from django.utils.translation import gettext_lazy as _


class LoginForm(AccountLoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Work email")
        self.fields["password"].help_text = ""  # the page has the link for a lost password beside the button
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
