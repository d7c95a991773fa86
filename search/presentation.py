"""Data of the results page: facets with their counts, active filters, and result rows with addresses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from resources.models import DecisionKind, LibraryItem
from resources.presentation import localized_label
from search.models import Document
from search.types import ALLIANCE_HOST, Hit, SearchResults, Suggestion
from tenants.formats import choice_label, format_number, format_years
from tenants.models import ActionStage, Jurisdiction, Sector, Topic
from tenants.models.us_states import US_STATES, state_name
from tenants.plans.models import Action

MAX_VISIBLE_CHOICES = 8  # choices of a facet; the others are a click away
OPEN_FACETS = ("kind", "topic", "size", "evidence")

FACET_LABELS: dict[str, Promise] = {
    "kind": gettext_lazy("Kind"),
    "topic": gettext_lazy("Topic"),
    "size": gettext_lazy("Size of the place"),
    "evidence": gettext_lazy("Evidence"),
    "type": gettext_lazy("Type"),
    "sector": gettext_lazy("Sector"),
    "stage": gettext_lazy("Step"),
    "status": gettext_lazy("Status of the action"),
    "decision": gettext_lazy("For decisions on"),
    "form": gettext_lazy("Legal form"),
    "state": gettext_lazy("State"),
    "license": gettext_lazy("License"),
    "language": gettext_lazy("Language"),
}
# Choices with an order of their own; those of the other facets are ordered by count.
_ORDERED_CHOICES: dict[str, dict[str, Any]] = {
    "kind": dict(Document.Kind.choices),
    "size": dict(Jurisdiction.PopulationBand.choices),
    "evidence": dict(LibraryItem.Evidence.choices),
    "stage": dict(ActionStage.choices),
    "status": dict(Action.Status.choices),
    "language": dict(LibraryItem.Language.choices),
}
_CHOICES_BY_COUNT: dict[str, dict[str, Any]] = {
    "type": dict(LibraryItem.Type.choices),
    "decision": dict(DecisionKind.choices),
    "form": dict(LibraryItem.LegalForm.choices),
    "license": dict(LibraryItem.License.choices),
    "state": US_STATES,
}
KIND_ICONS = {"library": "local_library", "plan": "list", "outcome": "check_circle_outline", "action": "flag"}


def facet_values(name: str) -> list[str]:
    """The values a facet may have; empty if they are not fixed, like topics."""
    return [str(value) for value in _ORDERED_CHOICES.get(name) or _CHOICES_BY_COUNT.get(name) or ()]


def build_facets(results: SearchResults, selected: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Facets for the filter form: [{"name", "label", "choices": [{"value", "label", "count", "on", "id"}], …}].

    A facet without any value is left out.
    """
    choice_label = _choice_labels()
    facets = []
    for name, facet_label in FACET_LABELS.items():
        counts = results.facets.get(name, {})
        if not counts:
            continue
        selected_values = set(selected.get(name, ()))
        order = list(_ORDERED_CHOICES.get(name, ()))
        values = sorted(
            counts,
            key=lambda v: (
                order.index(v) if v in order else len(order),
                0 if order else -counts[v],
                choice_label(name, v),
            ),
        )
        choices = [
            {
                "value": value,
                "label": choice_label(name, value),
                "count": counts[value],
                "on": value in selected_values,
                "id": f"{name}-{value}"
                if value.replace("-", "").replace("_", "").isalnum()
                else f"{name}.{n}",
            }
            for n, value in enumerate(values)
        ]
        visible = [choice for n, choice in enumerate(choices) if n < MAX_VISIBLE_CHOICES or choice["on"]]
        facets.append(
            {
                "name": name,
                "label": facet_label,
                "choices": visible,
                "more": [choice for choice in choices if choice not in visible],
                "open": bool(selected_values) or name in OPEN_FACETS,
            }
        )
    return facets


def active_filters(selected: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """The selected values: [{"name": "topic", "value": "libraries", "label": "Topic: Libraries"}]."""
    if not selected:
        return []
    choice_label = _choice_labels()
    return [
        {"name": name, "value": value, "label": f"{FACET_LABELS[name]}: {choice_label(name, value)}"}
        for name, values in selected.items()
        for value in values
    ]


def _choice_labels() -> Callable[[str, str], str]:
    """A function of facet and value: ("topic", "libraries") gives "Libraries", in the reader's language.

    An unknown value is its own label.
    """
    rows: dict[str, dict[str, Any]] = {"topic": Topic.objects.in_bulk(), "sector": Sector.objects.in_bulk()}

    def label(name: str, value: str) -> str:
        if name in rows:
            return localized_label(rows[name][value]) if value in rows[name] else value
        return str((_ORDERED_CHOICES.get(name) or _CHOICES_BY_COUNT[name]).get(value, value))

    return label


def result_rows(results: SearchResults) -> list[dict[str, Any]]:
    return [result_row(hit) for hit in results.hits]


def result_row(hit: Hit) -> dict[str, Any]:
    """One row of the results page; made without a query."""
    due = hit.data.get("due")
    return {
        "hit": hit,
        "url": hit_url(hit),
        "eyebrow": _eyebrow(hit),
        "icon": KIND_ICONS.get(hit.kind, "history"),
        "number": hit.data.get("number") or hit.data.get("label") or "",
        "due": dt.date.fromisoformat(due) if due else None,
        "details": _details(hit),
    }


def hit_url(hit: Hit | Suggestion) -> str:
    """A path on this host, or a full URL on a city's, made from the city's slug without a query."""
    if hit.host == ALLIANCE_HOST:
        return hit.path
    return Jurisdiction(slug=hit.host, schema_name=f"c_{hit.host}").base_url + hit.path


def _eyebrow(hit: Hit) -> str:
    if hit.kind == Document.Kind.LIBRARY:
        kind = LibraryItem.Type(hit.facets["type"]).label if hit.facets["type"] else _("Item")
        return _("%(type)s, in the library") % {"type": kind}
    return str(Document.Kind(hit.kind).label)


def _details(hit: Hit) -> list[tuple[Any, str]]:
    """Pairs of a label and a value; unknown values are left out."""
    origin = hit.origin
    if hit.kind == Document.Kind.LIBRARY and hit.facets["state"]:
        origin = f"{origin}, {state_name(hit.facets['state'])}"
    size = choice_label(Jurisdiction.PopulationBand, hit.facets["population_band"])
    rows: list[tuple[Any, Any]] = [(_("From"), origin), (_("Population"), size)]
    if hit.kind == Document.Kind.LIBRARY:
        rows += [
            (_("Year"), hit.facets["year"]),
            (_("Evidence"), choice_label(LibraryItem.Evidence, hit.facets["evidence"])),
            (_("License"), choice_label(LibraryItem.License, hit.facets["licence"])),
        ]
    elif hit.kind == Document.Kind.PLAN:
        start, end = hit.data.get("period") or (None, None)
        rows.append((_("Years"), format_years(start, end)))
        if hit.data.get("actions"):
            done = {"done": format_number(hit.data["completed"]), "all": format_number(hit.data["actions"])}
            rows.append((_("Completed"), _("%(done)s of %(all)s actions") % done))
    elif hit.kind == Document.Kind.ACTION:
        rows.append((_("Answers for it"), hit.data.get("accountable")))
    return [(name, str(value)) for name, value in rows if value]
