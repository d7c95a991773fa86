"""The filters of the results page: their names, labels and choices. The search backends filter and count."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django import forms
from django.utils.functional import cached_property

from resources.filters import SECTOR, TOPIC
from resources.models import LibraryItem
from resources.presentation import DECISIONS_LABEL
from search.models import Document
from search.query import parser
from search.types import MAX_CHOICES, SORTS, SearchResults, is_valid_choice
from tenants.models import Jurisdiction
from tenants.models.us_states import state_choices
from tenants.plans.labels import NO_STATUS, STATUSES_BY_PROGRESS, status_label
from tenants.plans.models import Action
from tenants.web.filters import Facet, ListFilterSet, OneLineField, TextFilter, facet

MAX_VISIBLE_CHOICES = 8  # choices of a facet; the others are a click away


class SearchTextField(OneLineField):
    def to_python(self, value: Any) -> str:
        return parser.truncate(value or "")


class SearchTextFilter(TextFilter):
    field_class = SearchTextField


class PresenceInput(forms.HiddenInput):
    """A parameter that counts if it is there, with any value."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return "1" if name in data else ""


def _standing_choices() -> list[tuple[str, str]]:
    return [(code, status_label(code)) for code in STATUSES_BY_PROGRESS if code != NO_STATUS]


class SearchFilterSet(ListFilterSet):
    """Declares the facets in the order of the page, each with the label and choices of the model that it comes from."""

    q = SearchTextFilter(max_length=parser.MAX_TEXT_LENGTH)
    kind = facet(Document, "kind")
    topic = Facet(**TOPIC)
    size = facet(Jurisdiction, "population_band")
    evidence = facet(LibraryItem, "evidence")
    type = facet(LibraryItem, "type")
    sector = Facet(**SECTOR)
    stage = facet(LibraryItem, "stage")
    status = facet(Action, "status", choices=_standing_choices)
    decision = facet(LibraryItem, "decision_kinds", label=DECISIONS_LABEL)
    form = facet(LibraryItem, "legal_form")
    state = facet(Jurisdiction, "state", choices=state_choices)
    license = facet(LibraryItem, "license")
    language = facet(LibraryItem, "language")
    sort = django_filters.ChoiceFilter(choices=[(sort, sort) for sort in SORTS], initial=SORTS[0])
    exact = django_filters.CharFilter(widget=PresenceInput)

    without_chip: ClassVar = ("q", "sort", "exact")
    open_facets: ClassVar = ("kind", "topic", "size", "evidence")
    facets_by_count: ClassVar = ("type", "topic", "sector", "decision", "form", "license", "state")

    class Meta:
        model = Document
        fields = ()

    @cached_property
    def values(self) -> dict[str, Any]:
        """As in the base class, with the values that the service accepts."""
        values = super().values
        for name in self.facet_names:
            values[name] = [value for value in values[name] if is_valid_choice(value)][:MAX_CHOICES]
        return values

    def chip_label(self, name: str, value: str) -> str:
        return f"{self.filters[name].label}: {super().chip_label(name, value)}"

    def facets(self, results: SearchResults) -> list[dict[str, Any]]:
        """The facets that any result has a value of; of long ones, the last choices are in `more`."""
        facets = []
        for name in self.facet_names:
            if not results.facets.get(name):
                continue
            facet = self.facet(name, results.facets[name])
            choices = facet["choices"]
            visible = [c for n, c in enumerate(choices) if n < MAX_VISIBLE_CHOICES or c["is_selected"]]
            more = [choice for choice in choices if choice not in visible]
            facets.append(facet | {"choices": visible, "more": more})
        return facets
