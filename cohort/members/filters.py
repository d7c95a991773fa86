"""The directory of members: filters in the address, counts beside them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from cohort.progress.selectors import STAGES_FURTHEST_FIRST
from tenants.models import Jurisdiction
from tenants.models.us_states import state_name

PAGE_SIZE = 50
FACET_FIELDS = {"stage": "entry_stage", "state": "state", "kind": "kind", "size": "population_band"}
ORDERS = ("state", "stage", "name")


@dataclass
class FilterSet:
    """What the address asks for: any of several values of each facet, words of the name, an order."""

    chosen: dict[str, list[str]] = field(default_factory=dict)
    q: str = ""
    order: str = "state"

    @classmethod
    def from_address(cls, asked: QueryDict) -> FilterSet:
        chosen = {
            name: list(dict.fromkeys(value for value in asked.getlist(name) if value))
            for name in FACET_FIELDS
        }
        order = asked.get("order", "")
        return cls(
            chosen={name: values for name, values in chosen.items() if values},
            q=" ".join(asked.get("q", "").replace("\x00", "").split())[:100],
            order=order if order in ORDERS else "state",
        )

    def query(self, **changes: str) -> str:
        """The address of this list with changes, from page 1."""
        pairs = [(name, value) for name, values in self.chosen.items() for value in values]
        pairs += [("q", self.q), ("order", "" if self.order == "state" else self.order)]
        pairs = [(name, value) for name, value in pairs if name not in changes] + list(changes.items())
        return "?" + urlencode([(name, value) for name, value in pairs if value])

    def without(self, name: str, value: str) -> str:
        chosen = {
            facet: [v for v in values if (facet, v) != (name, value)] for facet, values in self.chosen.items()
        }
        return FilterSet(chosen, "" if name == "q" else self.q, self.order).query()

    def leaves(self, jurisdiction: Jurisdiction, *, apart_from: str = "") -> bool:
        """True if the place matches everything asked for, but for one facet."""
        if self.q and not all(word in _searchable_text(jurisdiction) for word in self.q.casefold().split()):
            return False
        return all(
            getattr(jurisdiction, FACET_FIELDS[name]) in values
            for name, values in self.chosen.items()
            if name != apart_from
        )


def filter_members(jurisdictions: list[Jurisdiction], asked: FilterSet) -> list[Jurisdiction]:
    """The places that are asked for, in the order that is asked for."""
    found = [jurisdiction for jurisdiction in jurisdictions if asked.leaves(jurisdiction)]
    by_name = sorted(found, key=lambda jurisdiction: jurisdiction.name.casefold())
    if asked.order == "stage":
        return sorted(by_name, key=lambda jurisdiction: STAGES_FURTHEST_FIRST.index(jurisdiction.entry_stage))
    if asked.order == "state":
        return sorted(
            by_name, key=lambda jurisdiction: (not jurisdiction.state, state_name(jurisdiction.state))
        )
    return by_name


def facets(jurisdictions: list[Jurisdiction], asked: FilterSet) -> list[dict[str, Any]]:
    """Each facet with its options; an option's number counts what choosing it would add to the other facets."""
    headings = {"stage": _("Stage"), "state": _("State"), "kind": _("Kind"), "size": _("People")}
    found = []
    for name, heading in headings.items():
        there = Counter(facet_value(jurisdiction, name) for jurisdiction in jurisdictions)
        left = Counter(
            facet_value(jurisdiction, name)
            for jurisdiction in jurisdictions
            if asked.leaves(jurisdiction, apart_from=name)
        )
        options = [
            {
                "value": option,
                "name": option_label(name, option),
                "number": left[option],
                "chosen": option in asked.chosen.get(name, []),
            }
            for option in _sort_options(name, there)
            if option
        ]
        is_used = name in asked.chosen
        found.append({"name": name, "heading": heading, "options": options, "is_used": is_used})
    return [facet for facet in found if facet["options"]]


def active_filters(asked: FilterSet) -> list[dict[str, str]]:
    """The filters in use, each with the address of the list without it."""
    found = [
        {"name": option_label(name, value), "without": asked.without(name, value)}
        for name, values in asked.chosen.items()
        for value in values
    ]
    if asked.q:
        found.append({"name": f"“{asked.q}”", "without": asked.without("q", "")})
    return found


def facet_value(jurisdiction: Jurisdiction, facet: str) -> str:
    return str(getattr(jurisdiction, FACET_FIELDS[facet]))


def option_label(facet: str, option: str) -> str:
    if facet == "state":
        return state_name(option)
    known: dict[str, Any] = {
        "stage": Jurisdiction.MembershipStage,
        "kind": Jurisdiction.Kind,
        "size": Jurisdiction.PopulationBand,
    }
    return str(known[facet](option).label) if option in known[facet].values else option


def _sort_options(facet: str, options: Counter[str]) -> list[str]:
    if facet == "state":
        return sorted(options, key=state_name)
    known: dict[str, list[Any]] = {
        "stage": STAGES_FURTHEST_FIRST,
        "kind": Jurisdiction.Kind.values,
        "size": Jurisdiction.PopulationBand.values,
    }
    return [str(option) for option in known[facet] if option in options]


def _searchable_text(jurisdiction: Jurisdiction) -> str:
    return f"{jurisdiction.name} {jurisdiction.short_name} {state_name(jurisdiction.state)}".casefold()
