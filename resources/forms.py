"""The form in which curators edit an item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms import WagtailAdminModelForm

from resources.filters import sector_choices, topic_choices
from resources.models import DecisionKind, LibraryItem, Strategy
from resources.presentation import DECISIONS_LABEL
from tenants.models import ActionStage, Jurisdiction, Role
from tenants.web.filters import field_label


def multiple_choice_field(label: Any, choices: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple
    )


class LibraryItemForm(WagtailAdminModelForm):
    """Lists are checkboxes; only curators of the alliance can be chosen as curator."""

    sectors = multiple_choice_field(_("Sectors"), sector_choices)
    topics = multiple_choice_field(_("Topics"), topic_choices)
    stage = multiple_choice_field(field_label(LibraryItem, "stage"), ActionStage.choices)
    strategies = multiple_choice_field(_("Approach"), Strategy.choices)
    decision_kinds = multiple_choice_field(DECISIONS_LABEL, DecisionKind.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limits: dict[str, Callable[[Any], Any]] = {
            "contributed_by": lambda _everyone: Jurisdiction.objects.tenants().order_by("name"),
            "curator": lambda people: people.filter(
                affiliations__roles__overlap=[Role.LIBRARY_CURATOR, Role.STAFF_ADMIN], is_active=True
            ).distinct(),
        }
        for name, limit in limits.items():
            if name in self.fields:
                self.fields[name].queryset = limit(self.fields[name].queryset)
