"""The form in which curators edit an item."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.rich_text.editors.draftail import DraftailRichTextArea

from resources import body_text
from resources.filters import sector_choices, topic_choices
from resources.models import DecisionKind, LibraryItem, Strategy
from resources.presentation import DECISIONS_LABEL
from tenants.models import ActionStage, Jurisdiction, Role
from tenants.web.filters import field_label


def multiple_choice_field(label: Any, choices: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple
    )


class BodyField(forms.CharField):
    """What the rich-text editor writes, as text with marks."""

    def clean(self, value: Any) -> str:
        return body_text.from_html(super().clean(value) or "")


class LibraryItemForm(WagtailAdminModelForm):
    """Lists are checkboxes; only curators of the alliance can be chosen as curator."""

    body = BodyField(
        label=_("About"),
        required=False,
        widget=DraftailRichTextArea(features=body_text.FEATURES),
        help_text=_("Headings, lists and links help readers find what they need."),
    )
    sectors = multiple_choice_field(_("Sectors"), sector_choices)
    topics = multiple_choice_field(_("Topics"), topic_choices)
    stage = multiple_choice_field(field_label(LibraryItem, "stage"), ActionStage.choices)
    strategies = multiple_choice_field(_("Approach"), Strategy.choices)
    decision_kinds = multiple_choice_field(DECISIONS_LABEL, DecisionKind.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "body" in self.fields:
            self.initial["body"] = body_text.to_html(self.instance.body)
        if "key" in self.fields:
            self.fields["key"].required = False
            self.fields["key"].help_text = _(
                "The item is found at /library/<address>/. If empty, it is made from the title. "
                "Do not change it once others link to it."
            )
        limits: dict[str, Callable[[Any], Any]] = {
            "contributed_by": lambda _everyone: Jurisdiction.objects.tenants().order_by("name"),
            "curator": lambda people: people.filter(
                affiliations__roles__overlap=[Role.LIBRARY_CURATOR, Role.STAFF_ADMIN], is_active=True
            ).distinct(),
        }
        for name, limit in limits.items():
            if name in self.fields:
                self.fields[name].queryset = limit(self.fields[name].queryset)

    def clean_body(self) -> str:
        """The text as it was, to the letter, if the editor sends back what it was given."""
        widget = self.fields["body"].widget
        sent = widget.value_from_datadict(self.data, self.files, self.add_prefix("body")) or ""
        given = widget.converter.to_database_format(widget.format_value(self.initial["body"]))
        is_unchanged = _without_keys(sent) == _without_keys(given)
        body: str = self.instance.body if is_unchanged else self.cleaned_data["body"]
        return body

    def clean_key(self) -> str:
        """The address as written, or one made from the title that no other item has."""
        title = self.cleaned_data.get("title")
        key: str = self.cleaned_data.get("key") or (self._free_key(title) if title else "")
        if title and not key:
            raise forms.ValidationError(
                _("No address can be made from this title. Write one, like “end-overdue-fines”.")
            )
        return key

    def _free_key(self, title: str) -> str:
        stem = slugify(title)[:70].strip("-_").replace("_", "-")
        taken = set(LibraryItem.objects.filter(key__startswith=stem).values_list("key", flat=True))
        numbers = (f"{stem}-{number}" for number in itertools.count(2))
        return next(key for key in itertools.chain([stem], numbers) if key not in taken) if stem else ""


def _without_keys(html: str) -> str:
    """HTML of the editor without the keys of its blocks, which are new each time."""
    return re.sub(r' data-block-key="[^"]*"', "", html)
