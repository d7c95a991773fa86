"""The filters of the directory of members: read from the address, with a count beside each option."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import django_filters
from django.utils.translation import gettext_lazy as _

from cohort.labels import STAGES_FURTHEST_FIRST
from tenants.models import Jurisdiction
from tenants.models.us_states import state_choices, state_name
from tenants.web.filters import ListFilterSet, TextFilter, facet

Members = list[Jurisdiction]


class MemberFilterSet(ListFilterSet):
    """Filters a list of jurisdictions in memory: the page counts the others of that list too."""

    stage = facet(
        Jurisdiction,
        "entry_stage",
        choices=lambda: [(stage.value, stage.label) for stage in STAGES_FURTHEST_FIRST],
        method="with_values",
    )
    state = facet(Jurisdiction, "state", choices=state_choices, method="with_values")
    kind = facet(Jurisdiction, "kind", method="with_values")
    size = facet(Jurisdiction, "population_band", method="with_values")
    q = TextFilter(label=_("Name or place"), method="with_words")
    order = django_filters.ChoiceFilter(
        choices=[("state", _("By state")), ("stage", _("Furthest along first")), ("name", _("By name"))],
        empty_label=None,
        initial="state",
        method="in_order",
    )
    open_facets: ClassVar = ("stage", "state")

    class Meta:
        model = Jurisdiction
        fields = ()

    def with_values(self, members: Members, field_name: str, values: list[str]) -> Members:
        return [jurisdiction for jurisdiction in members if getattr(jurisdiction, field_name) in values]

    def with_words(self, members: Members, _field_name: str, text: str) -> Members:
        words = text.casefold().split()
        return [
            jurisdiction
            for jurisdiction in members
            if all(word in _searchable_text(jurisdiction) for word in words)
        ]

    def in_order(self, members: Members, _field_name: str, order: str) -> Members:
        members = sorted(members, key=lambda jurisdiction: jurisdiction.name.casefold())
        if order == "stage":
            members.sort(key=lambda jurisdiction: STAGES_FURTHEST_FIRST.index(jurisdiction.entry_stage))
        elif order == "state":
            members.sort(key=lambda jurisdiction: (not jurisdiction.state, state_name(jurisdiction.state)))
        return members

    def facets(self, everybody: Members) -> list[dict[str, Any]]:
        """Each facet with the options that members have; a count is what choosing it would leave of the others."""
        facets = []
        for name in self.facet_names:
            field_name = self.filters[name].field_name
            matching = self.filter_queryset(everybody, skip=(name, "order"))
            counts = Counter(getattr(jurisdiction, field_name) for jurisdiction in matching)
            existing = {getattr(jurisdiction, field_name) for jurisdiction in everybody}
            facets.append(self.facet(name, {value: counts[value] for value in existing if value}))
        return [facet for facet in facets if facet["choices"]]


def _searchable_text(jurisdiction: Jurisdiction) -> str:
    return f"{jurisdiction.name} {jurisdiction.short_name} {state_name(jurisdiction.state)}".casefold()
