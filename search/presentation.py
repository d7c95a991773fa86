"""Result rows of the results page with their addresses, and the facets of the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from resources.models import LibraryItem
from search.backends.results import join_highlights, split_highlights
from search.filters import SearchFilterSet
from search.models import Document
from search.types import ALLIANCE_HOST, FACETS, HighlightedText, Hit, SearchResults, Suggestion
from tenants.formats import action_heading, choice_label, format_number, format_years, title_with_label
from tenants.models import Jurisdiction
from tenants.models.us_states import state_name
from tenants.plans.labels import FIELD_LABELS, standing_note

KIND_ICONS = {"library": "local_library", "plan": "list", "outcome": "check_circle_outline", "action": "flag"}


# For the API.
FACET_LABELS: dict[str, Any] = {name: SearchFilterSet.base_filters[name].label for name in FACETS}


def facet_values(name: str) -> list[str]:
    """The values a facet may have; empty if they are not fixed, like topics."""
    if name in ("topic", "sector"):
        return []
    choices = SearchFilterSet.base_filters[name].extra["choices"]
    return [str(value) for value, _label in (choices() if callable(choices) else choices)]


def build_facets(results: SearchResults, selected: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    return SearchFilterSet(MultiValueDict({name: list(values) for name, values in selected.items()})).facets(
        results
    )


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
        "heading": _heading(hit),
        "note": standing_note(
            hit.report, {}, due_passed=hit.due_passed, has_report=bool(hit.data.get("has_report"))
        ),
        "due": dt.date.fromisoformat(due) if due else None,
        "details": _details(hit),
    }


def hit_url(hit: Hit | Suggestion) -> str:
    """A path on this host, or a full URL on a city's, made from the city's slug without a query."""
    if hit.host == ALLIANCE_HOST:
        return hit.path
    return Jurisdiction(slug=hit.host, schema_name=f"c_{hit.host}").base_url + hit.path


def _heading(hit: Hit) -> HighlightedText:
    """The title as the city's pages write it, with the matches still marked."""
    title = join_highlights(hit.title)
    if hit.kind == Document.Kind.ACTION:
        title = action_heading(hit.data.get("number") or "", title, jurisdiction_name=hit.origin)
    elif hit.kind == Document.Kind.OUTCOME:
        title = title_with_label(hit.data.get("label") or "", title, jurisdiction_name=hit.origin)
    return split_highlights(title)


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
            (_("Files"), ", ".join(hit.data.get("files") or [])),
        ]
    elif hit.kind == Document.Kind.PLAN:
        start, end = hit.data.get("period") or (None, None)
        rows.append((_("Years"), format_years(start, end)))
        if hit.data.get("actions"):
            done = {"done": format_number(hit.data["completed"]), "all": format_number(hit.data["actions"])}
            rows.append((_("Completed"), _("%(done)s of %(all)s actions") % done))
    elif hit.kind == Document.Kind.ACTION:
        rows.append((FIELD_LABELS["accountable"], hit.data.get("accountable")))
    return [(name, str(value)) for name, value in rows if value]
