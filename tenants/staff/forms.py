"""Forms of the staff pages: open, change and invite."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tenants.jurisdictions import services
from tenants.jurisdictions.fields import CONTACT_FIELDS, MONTHS, ContactForm, PlaceForm
from tenants.models import Jurisdiction
from tenants.models.us_states import state_choices


class JurisdictionForm(PlaceForm):
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
            "name": _("Like “City of Marrow Bend”."),
            "short_name": _("Used where space is short, like “Marrow Bend”."),
            "geoid": _("2 to 12 digits, if you know it. It links the place to Census data."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"] = forms.ChoiceField(
            label=self.fields["state"].label, required=False, choices=[("", _("None")), *state_choices()]
        )
        self.fields["fiscal_year_start_month"] = forms.TypedChoiceField(
            label=_("Fiscal year starts in"), choices=MONTHS, coerce=int
        )
        self.initial.setdefault("fiscal_year_start_month", self.instance.fiscal_year_start_month)
        self.carry_initial_values()


class AllianceContactForm(ContactForm):
    """How cities and residents reach the alliance."""

    class Meta:
        model = Jurisdiction
        fields = list(CONTACT_FIELDS)


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
            "slug": _(
                "Small letters, digits and hyphens, like “marrow-bend”. If empty, it is made from the name. "
                "Can’t be changed later."
            ),
        }
        error_messages = {"slug": {"unique": _("Another jurisdiction has this address. Choose another one.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].label = _("Site address")
        self.fields["slug"].required = False
        self.fields["short_name"].required = False
        self.fields["short_name"].help_text = _(
            "Used where space is short. If empty, it is made from the name."
        )

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data.get("slug") or services.slug_for(self.cleaned_data.get("name", ""))
        if not slug:
            raise ValidationError(_("No address can be made from this name. Write one, like “marrow-bend”."))
        return slug

    # Django has no public way to leave a field out of the model's validation by what was entered.
    def _get_validation_exclusions(self) -> set[str]:
        excluded = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"short_name"} if not self.cleaned_data.get("short_name") else excluded


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label=_("Email address"), help_text=_("The person gets a link that expires in 14 days.")
    )
