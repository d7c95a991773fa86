"""Form fields of a jurisdiction that its own settings and the staff pages share: time zone, languages, contact."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

ZONES = [
    ("America/New_York", gettext_lazy("Eastern (America/New_York)")),
    ("America/Chicago", gettext_lazy("Central (America/Chicago)")),
    ("America/Denver", gettext_lazy("Mountain (America/Denver)")),
    ("America/Phoenix", gettext_lazy("Arizona (America/Phoenix)")),
    ("America/Los_Angeles", gettext_lazy("Pacific (America/Los_Angeles)")),
    ("America/Anchorage", gettext_lazy("Alaska (America/Anchorage)")),
    ("Pacific/Honolulu", gettext_lazy("Hawaii (Pacific/Honolulu)")),
    ("America/Puerto_Rico", gettext_lazy("Atlantic (America/Puerto_Rico)")),
    ("Pacific/Guam", gettext_lazy("Guam (Pacific/Guam)")),
    ("Pacific/Pago_Pago", gettext_lazy("Samoa (Pacific/Pago_Pago)")),
]
MONTHS = [(number, calendar.month_name[number]) for number in range(1, 13)]
# The languages most spoken at home in the United States, those of its largest first nations included.
LANGUAGES = [
    ("en", gettext_lazy("English")),
    ("es", gettext_lazy("Spanish")),
    ("am", gettext_lazy("Amharic")),
    ("ar", gettext_lazy("Arabic")),
    ("zh", gettext_lazy("Chinese")),
    ("fr", gettext_lazy("French")),
    ("de", gettext_lazy("German")),
    ("ht", gettext_lazy("Haitian Creole")),
    ("hi", gettext_lazy("Hindi")),
    ("hmn", gettext_lazy("Hmong")),
    ("ko", gettext_lazy("Korean")),
    ("nv", gettext_lazy("Navajo")),
    ("pl", gettext_lazy("Polish")),
    ("pt", gettext_lazy("Portuguese")),
    ("ru", gettext_lazy("Russian")),
    ("so", gettext_lazy("Somali")),
    ("tl", gettext_lazy("Tagalog")),
    ("vi", gettext_lazy("Vietnamese")),
]
CONTACT_FIELDS = ("contact_name", "contact_email", "contact_phone", "contact_website")


class ChangesMixin(forms.BaseForm):
    """Only what the person changed is saved: the page carries what it showed, so that nobody takes back what somebody
    else, or the same person in another window, has saved meanwhile.
    """

    def carry_initial_values(self) -> None:
        """Called once all fields are there."""
        for field in self.fields.values():
            field.show_hidden_initial = not isinstance(field, forms.FileField)

    def changes(self, names: Iterable[str]) -> dict[str, Any]:
        """The cleaned values of those of these fields that were changed; all of them if the page carried nothing."""
        changed = self.changed_names()
        return {name: self.cleaned_data[name] for name in names if name in changed}

    def changed_names(self) -> set[str]:
        carried = any(name.startswith("initial-") for name in self.data)
        return set(self.changed_data) if carried else set(self.fields)


class PlaceForm(ChangesMixin, forms.ModelForm):
    """Time zone and languages of a jurisdiction are chosen from lists, which keep what the row already has."""

    other_languages = forms.MultipleChoiceField(
        label=gettext_lazy("Other languages"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [*ZONES, *_unlisted([self.instance.timezone], ZONES)]
        self.fields["timezone"] = forms.ChoiceField(
            label=self.fields["timezone"].label, help_text=self.fields["timezone"].help_text, choices=zones
        )
        current = list(self.instance.languages)
        languages = [*LANGUAGES, *_unlisted(current, LANGUAGES)]
        self.fields["languages"] = forms.ChoiceField(label=gettext_lazy("Main language"), choices=languages)
        self.fields["other_languages"].choices = languages  # type: ignore[attr-defined]
        self.initial["timezone"] = self.instance.timezone
        self.initial["languages"] = current[0] if current else LANGUAGES[0][0]
        self.initial["other_languages"] = current[1:]
        names = [name for name in self.fields if name != "other_languages"]
        names.insert(names.index("languages") + 1, "other_languages")
        self.order_fields(names)
        self.carry_initial_values()

    def changed_names(self) -> set[str]:
        names = super().changed_names()
        return names | {"languages"} if "other_languages" in names else names  # one list, see clean

    def clean(self) -> dict[str, Any]:
        """Make one list of the languages, the main one first, in the order that the row has."""
        super().clean()
        cleaned = self.cleaned_data
        if "languages" in cleaned:
            chosen = cleaned.pop("other_languages", [])
            known = [code for code in self.instance.languages if code in chosen]
            cleaned["languages"] = list(dict.fromkeys([cleaned["languages"], *known, *chosen]))
        return cleaned


def _unlisted(values: list[str], choices: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    listed = dict(choices)
    return [(value, value) for value in values if value not in listed]


class ContactForm(ChangesMixin, forms.ModelForm):
    """How residents reach the office; the form of a model with CONTACT_FIELDS."""

    contact_website = forms.URLField(
        label=gettext_lazy("Website"),
        required=False,
        assume_scheme="https",
        help_text=gettext_lazy("The page of your office, like https://www.cityof.example/equity."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {
            "contact_name": _("Contact person or office"),
            "contact_email": _("Email for questions"),
            "contact_phone": _("Phone"),
        }
        help_texts = {
            "contact_name": _("Like “Office of Racial Equity”."),
            "contact_email": _(
                "Residents write to this address. A shared office address is best: people change jobs."
            ),
            "contact_phone": _("Like (202) 555-0142."),
        }
        for name, label in labels.items():
            self.fields[name].label, self.fields[name].help_text = label, help_texts[name]
        self.carry_initial_values()

    def clean_contact_website(self) -> str:
        url: str = self.cleaned_data["contact_website"]
        if url and not url.startswith(("http://", "https://")):
            raise ValidationError(
                _("“%(url)s” is not a website. Write it like https://www.cityof.example.") % {"url": url}
            )
        return url
