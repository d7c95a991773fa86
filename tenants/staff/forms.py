"""Forms of the staff pages: open, change and invite."""

from __future__ import annotations

import calendar
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import Jurisdiction
from tenants.models.us_states import state_choices

ZONES = [
    ("America/New_York", _("Eastern (America/New_York)")),
    ("America/Chicago", _("Central (America/Chicago)")),
    ("America/Denver", _("Mountain (America/Denver)")),
    ("America/Phoenix", _("Arizona (America/Phoenix)")),
    ("America/Los_Angeles", _("Pacific (America/Los_Angeles)")),
    ("America/Anchorage", _("Alaska (America/Anchorage)")),
    ("Pacific/Honolulu", _("Hawaii (Pacific/Honolulu)")),
    ("America/Puerto_Rico", _("Atlantic (America/Puerto_Rico)")),
    ("Pacific/Guam", _("Guam (Pacific/Guam)")),
    ("Pacific/Pago_Pago", _("Samoa (Pacific/Pago_Pago)")),
]
MONTHS = [(number, calendar.month_name[number]) for number in range(1, 13)]


class JurisdictionForm(forms.ModelForm):
    """The description of a jurisdiction; a service saves it."""

    class Meta:
        model = Jurisdiction
        fields = [
            "name",
            "short_name",
            "kind",
            "state",
            "geoid",
            "population_band",
            "staff_band",
            "timezone",
            "languages",
            "fiscal_year_start_month",
            "entry_stage",
        ]
        help_texts = {
            "name": _("As on its letterhead, like “City of Marrow Bend”."),
            "short_name": _("Where space is short, like “Marrow Bend”."),
            "geoid": _("If you know it: 2 to 12 digits. It links the place to Census data."),
            "languages": _("Codes with commas between, the first one first, like: en, es."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"] = forms.ChoiceField(
            label=self.fields["state"].label, required=False, choices=[("", _("None")), *state_choices()]
        )
        zones = list(ZONES)
        if self.instance.timezone not in dict(ZONES):
            zones.append((self.instance.timezone, self.instance.timezone))
        self.fields["timezone"] = forms.ChoiceField(label=self.fields["timezone"].label, choices=zones)
        self.fields["fiscal_year_start_month"] = forms.TypedChoiceField(
            label=_("Fiscal year starts in"), choices=MONTHS, coerce=int
        )
        for name in ("timezone", "fiscal_year_start_month"):
            self.initial.setdefault(name, getattr(self.instance, name))


class NewJurisdictionForm(JurisdictionForm):
    """The description, the address, and the coordinator to invite."""

    coordinator = forms.EmailField(
        label=_("Coordinator’s email address"),
        required=False,
        help_text=_("Gets an invitation to run the site. You can also send it later."),
    )

    class Meta(JurisdictionForm.Meta):
        fields = ["name", "slug", *JurisdictionForm.Meta.fields[1:]]
        help_texts = JurisdictionForm.Meta.help_texts | {
            "slug": _("Small letters, digits and hyphens, like “marrow-bend”. It stays for good."),
        }
        error_messages = {"slug": {"unique": _("Another jurisdiction has this address. Choose another one.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].label = _("Address of its site")
        self.fields["short_name"].required = False
        self.fields["short_name"].help_text = _("Where space is short. Left empty, it is made from the name.")

    # Django has no public way to leave a field out of the model's validation by what was entered.
    def _get_validation_exclusions(self) -> set[str]:
        excluded = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"short_name"} if not self.cleaned_data.get("short_name") else excluded


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label=_("Email address"), help_text=_("The person gets a link that is good for 14 days.")
    )
