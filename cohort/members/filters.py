"""The filters of the directory of members: read from the address, with a count beside each option."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from cohort.labels import STAGES_FURTHEST_FIRST
from tenants.models import Jurisdiction
from tenants.models.us_states import state_name

PAGE_SIZE = 50
MAX_QUERY_LENGTH = 100
FACET_FIELDS = {"stage": "entry_stage", "state": "state", "kind": "kind", "size": "population_band"}
ORDERS = ("state", "stage", "name")


@dataclass
class FilterSet:
    """The filters in the address: any of several values of each facet, words of the name, an order."""

    selected: dict[str, list[str]] = field(default_factory=dict)
    q: str = ""
    order: str = "state"

    @classmethod
    def from_querydict(cls, params: QueryDict) -> FilterSet:
        selected = {
            name: list(dict.fromkeys(value for value in params.getlist(name) if value))
            for name in FACET_FIELDS
        }
        order = params.get("order", "")
        return cls(
            selected={name: values for name, values in selected.items() if values},
            q=" ".join(params.get("q", "").replace("\x00", "").split())[:MAX_QUERY_LENGTH],
            order=order if order in ORDERS else "state",
        )

    def url(self, **changes: str) -> str:
        """The query string of this list with changes, from page 1."""
        pairs = [(name, value) for name, values in self.selected.items() for value in values]
        pairs += [("q", self.q), ("order", "" if self.order == "state" else self.order)]
        pairs = [(name, value) for name, value in pairs if name not in changes] + list(changes.items())
        return "?" + urlencode([(name, value) for name, value in pairs if value])

    def remove_url(self, name: str, value: str) -> str:
        """The query string of this list without one of its filters."""
        selected = {
            facet: [v for v in values if (facet, v) != (name, value)]
            for facet, values in self.selected.items()
        }
        return FilterSet(selected, "" if name == "q" else self.q, self.order).url()

    def matches(self, jurisdiction: Jurisdiction, *, except_facet: str = "") -> bool:
        """True if the jurisdiction matches all filters, one facet left out."""
        text = _searchable_text(jurisdiction) if self.q else ""
        if not all(word in text for word in self.q.casefold().split()):
            return False
        return all(
            getattr(jurisdiction, FACET_FIELDS[name]) in values
            for name, values in self.selected.items()
            if name != except_facet
        )


def filter_members(jurisdictions: list[Jurisdiction], filters: FilterSet) -> list[Jurisdiction]:
    """The jurisdictions that match the filters, in the order of the filters."""
    matching = [jurisdiction for jurisdiction in jurisdictions if filters.matches(jurisdiction)]
    by_name = sorted(matching, key=lambda jurisdiction: jurisdiction.name.casefold())
    if filters.order == "stage":
        return sorted(by_name, key=lambda jurisdiction: STAGES_FURTHEST_FIRST.index(jurisdiction.entry_stage))
    if filters.order == "state":
        return sorted(
            by_name, key=lambda jurisdiction: (not jurisdiction.state, state_name(jurisdiction.state))
        )
    return by_name


def count_facets(jurisdictions: list[Jurisdiction], filters: FilterSet) -> list[dict[str, Any]]:
    """Each facet with its options; an option's count is what choosing it would add to the other facets.

    [{"name": "state", "heading": "State", "options": [{"value", "label", "count", "is_selected"}], "is_used": True}]
    """
    headings = {"stage": _("Stage"), "state": _("State"), "kind": _("Kind"), "size": _("People")}
    facets = []
    for name, heading in headings.items():
        existing = Counter(facet_value(jurisdiction, name) for jurisdiction in jurisdictions)
        counts = Counter(
            facet_value(jurisdiction, name)
            for jurisdiction in jurisdictions
            if filters.matches(jurisdiction, except_facet=name)
        )
        options = [
            {
                "value": option,
                "label": option_label(name, option),
                "count": counts[option],
                "is_selected": option in filters.selected.get(name, []),
            }
            for option in _sort_options(name, existing)
            if option
        ]
        is_used = name in filters.selected
        facets.append({"name": name, "heading": heading, "options": options, "is_used": is_used})
    return [facet for facet in facets if facet["options"]]


def active_filters(filters: FilterSet) -> list[dict[str, str]]:
    """The filters in use, each with the query string of the list without it."""
    active = [
        {"label": option_label(name, value), "remove_url": filters.remove_url(name, value)}
        for name, values in filters.selected.items()
        for value in values
    ]
    if filters.q:
        active.append({"label": f"“{filters.q}”", "remove_url": filters.remove_url("q", "")})
    return active


def facet_value(jurisdiction: Jurisdiction, facet: str) -> str:
    return str(getattr(jurisdiction, FACET_FIELDS[facet]))


def option_label(facet: str, option: str) -> str:
    if facet == "state":
        return state_name(option)
    choices: dict[str, Any] = {
        "stage": Jurisdiction.MembershipStage,
        "kind": Jurisdiction.Kind,
        "size": Jurisdiction.PopulationBand,
    }
    return str(choices[facet](option).label) if option in choices[facet].values else option


def _sort_options(facet: str, options: Counter[str]) -> list[str]:
    if facet == "state":
        return sorted(options, key=state_name)
    ordered: dict[str, list[Any]] = {
        "stage": STAGES_FURTHEST_FIRST,
        "kind": Jurisdiction.Kind.values,
        "size": Jurisdiction.PopulationBand.values,
    }
    return [str(option) for option in ordered[facet] if option in options]


def _searchable_text(jurisdiction: Jurisdiction) -> str:
    return f"{jurisdiction.name} {jurisdiction.short_name} {state_name(jurisdiction.state)}".casefold()
