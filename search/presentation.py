"""What the page of results shows: questions with their counts, filters in use, and results with addresses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from resources.models import DecisionKind, LibraryItem
from resources.presentation import localized_label
from search.indexing.documents import ALLIANCE_HOST
from search.models import Document
from search.types import Hit, SearchResults, Suggestion
from tenants.models import ActionStage, Jurisdiction, Sector, Topic
from tenants.models.us_states import US_STATES
from tenants.plans.models import Action

MAX_VISIBLE_CHOICES = 8  # choices of a question; the others are a click away
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
# Values that have an order of their own; those of the other questions stand by count.
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
    """What a question's values may be; empty where its list is open, as of topics."""
    return [str(value) for value in _ORDERED_CHOICES.get(name) or _CHOICES_BY_COUNT.get(name) or ()]


def build_facets(answer: SearchResults, chosen: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Rows for the filter form: [{"name", "label", "choices": [{"value", "label", "count", "on", "id"}], …}].

    A question without any value is left out.
    """
    label = _choice_labels()
    found = []
    for name, words in FACET_LABELS.items():
        counts = answer.facets.get(name, {})
        if not counts:
            continue
        on = set(chosen.get(name, ()))
        order = list(_ORDERED_CHOICES.get(name, ()))
        values = sorted(
            counts,
            key=lambda v: (
                order.index(v) if v in order else len(order),
                0 if order else -counts[v],
                label(name, v),
            ),
        )
        choices = [
            {
                "value": value,
                "label": label(name, value),
                "count": counts[value],
                "on": value in on,
                "id": f"{name}-{value}"
                if value.replace("-", "").replace("_", "").isalnum()
                else f"{name}.{n}",
            }
            for n, value in enumerate(values)
        ]
        first = [c for n, c in enumerate(choices) if n < MAX_VISIBLE_CHOICES or c["on"]]
        found.append(
            {
                "name": name,
                "label": words,
                "choices": first,
                "more": [c for c in choices if c not in first],
                "open": bool(on) or name in OPEN_FACETS,
            }
        )
    return found


def active_filters(chosen: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """The filters in use: [{"name": "topic", "value": "libraries", "label": "Topic: Libraries"}]."""
    if not chosen:
        return []
    label = _choice_labels()
    return [
        {"name": name, "value": value, "label": f"{FACET_LABELS[name]}: {label(name, value)}"}
        for name, values in chosen.items()
        for value in values
    ]


def _choice_labels() -> Callable[[str, str], str]:
    """label("topic", "libraries") is "Libraries", in the reader's language; an unknown value is its own label."""
    rows: dict[str, dict[str, Any]] = {"topic": Topic.objects.in_bulk(), "sector": Sector.objects.in_bulk()}

    def label(name: str, value: str) -> str:
        if name in rows:
            return localized_label(rows[name][value]) if value in rows[name] else value
        return str((_ORDERED_CHOICES.get(name) or _CHOICES_BY_COUNT[name]).get(value, value))

    return label


def result_rows(answer: SearchResults) -> list[dict[str, Any]]:
    return [result_row(hit) for hit in answer.hits]


def result_row(hit: Hit) -> dict[str, Any]:
    """One result as its row shows it; nothing is looked up."""
    due = hit.data.get("due")
    return {
        "hit": hit,
        "url": hit_url(hit),
        "kicker": _eyebrow(hit),
        "icon": KIND_ICONS.get(hit.kind, "history"),
        "number": hit.data.get("number") or hit.data.get("label") or "",
        "due": dt.date.fromisoformat(due) if due else None,
        "facts": _details(hit),
    }


def hit_url(found: Hit | Suggestion) -> str:
    """Where it stands: a path on this host, or the whole address on a city's. Made from its slug alone."""
    if found.host == ALLIANCE_HOST:
        return found.path
    return Jurisdiction(slug=found.host, schema_name=f"c_{found.host}").base_url + found.path


def _eyebrow(hit: Hit) -> str:
    if hit.kind == Document.Kind.LIBRARY:
        kind = LibraryItem.Type(hit.facets["type"]).label if hit.facets["type"] else _("Item")
        return _("%(type)s, in the library") % {"type": kind}
    return str(Document.Kind(hit.kind).label)


def _details(hit: Hit) -> list[tuple[Any, str]]:
    """What is known, with its label; what is unknown is left out."""
    origin = hit.origin
    if hit.kind == Document.Kind.LIBRARY and hit.facets["state"]:
        origin = f"{origin}, {US_STATES.get(hit.facets['state'], hit.facets['state'])}"
    size = (
        Jurisdiction.PopulationBand(hit.facets["population_band"]).label
        if hit.facets["population_band"]
        else ""
    )
    rows: list[tuple[Any, Any]] = [(_("From"), origin), (_("Population"), size)]
    if hit.kind == Document.Kind.LIBRARY:
        rows += [
            (_("Year"), hit.facets["year"]),
            (_("Evidence"), _choice_label(LibraryItem.Evidence, hit.facets["evidence"])),
            (_("License"), _choice_label(LibraryItem.License, hit.facets["licence"])),
        ]
    elif hit.kind == Document.Kind.PLAN:
        start, end = hit.data.get("period") or (None, None)
        rows.append((_("Years"), "–".join(str(year) for year in (start, end) if year)))
        if hit.data.get("actions"):
            done = {"done": hit.data["completed"], "all": hit.data["actions"]}
            rows.append((_("Completed"), _("%(done)s of %(all)s actions") % done))
    elif hit.kind == Document.Kind.ACTION:
        rows.append((_("Answers for it"), hit.data.get("accountable")))
    return [(name, str(value)) for name, value in rows if value]


def _choice_label(choices: Any, value: str) -> str:
    return str(choices(value).label) if value else ""
