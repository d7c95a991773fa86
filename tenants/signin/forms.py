"""allauth's forms with the portal's labels. A new password is typed once, and its rule is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import forms as account
from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    FormBase = forms.Form
else:
    FormBase = object


class PortalFormMixin(FormBase):
    """Labels stand above the fields, never inside them."""

    labels: dict[str, Any]
    help_texts: dict[str, Any] = {
        "password1": _("At least 12 characters. A short sentence is easy to remember.")
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("password2", None)
        for name, field in self.fields.items():
            field.label = self.labels.get(name, field.label)
            field.help_text = self.help_texts.get(name, "")
            field.widget.attrs.pop("placeholder", None)


class LoginForm(PortalFormMixin, account.LoginForm):
    labels = {"login": _("Work email")}


class ResetPasswordForm(PortalFormMixin, account.ResetPasswordForm):
    labels = {"email": _("Email address")}


class ResetPasswordFromKeyForm(PortalFormMixin, account.ResetPasswordKeyForm):
    labels = {"password1": _("New password")}


class ChangePasswordForm(PortalFormMixin, account.ChangePasswordForm):
    labels = {"oldpassword": _("Current password"), "password1": _("New password")}


class SetPasswordForm(PortalFormMixin, account.SetPasswordForm):
    labels = {"password1": _("New password")}
