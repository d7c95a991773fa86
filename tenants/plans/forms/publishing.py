"""Forms that publish, unpublish and adopt the plan."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import Visibility
from tenants.plans.forms.fields import day_input


class PublishForm(forms.Form):
    visibility = forms.ChoiceField(
        label=_("Who can see the plan?"),
        choices=[
            (Visibility.PUBLIC, Visibility.PUBLIC.label),
            (Visibility.COHORT, _("Members of the cohort, signed in")),
        ],
        widget=forms.RadioSelect,
        initial=Visibility.PUBLIC,
    )
    launch = forms.BooleanField(
        label=_("Open our public site now"),
        help_text=_("Until it is open, everyone outside your team sees “not found” at its address."),
        required=False,
        initial=True,
    )
    confirmed = forms.BooleanField(
        label=_("I have checked the preview"),
        error_messages={"required": _("Check the preview, then check this box.")},
    )

    def __init__(self, *args: Any, is_launched: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_launched:
            del self.fields["launch"]


class UnpublishForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason for unpublishing"), help_text=_("Stays in the history."), max_length=300
    )
    close_site = forms.BooleanField(label=_("Also take our public site offline"), required=False)


class AdoptForm(forms.Form):
    on = forms.DateField(label=_("Adopted on"), widget=day_input())
    body = forms.CharField(
        label=_("Adopted by"), help_text=_("Such as “City Council” or “County Board”."), max_length=120
    )
    resolution = forms.CharField(
        label=_("Resolution"), help_text=_("Its number, if there is one."), required=False, max_length=120
    )
