"""The directory of members, on the alliance's host."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cohort.labels import site_url
from cohort.members import selectors
from cohort.members.filters import MemberFilterSet
from cohort.models import PublicPlan
from cohort.progress.selectors import build_progress_rows
from tenants.access import get_audience
from tenants.formats import choice_label, initials, lowercase_first
from tenants.models import Jurisdiction
from tenants.models.us_states import state_name
from tenants.web.exports import csv_response
from tenants.web.htmx import page_links, render_partial_or_page
from tenants.web.page_cache import cache_for_anonymous

PAGE_SIZE = 50
LIST_PARAMS = MemberFilterSet.cacheable_params()
DIRECTORY_COLUMNS = ["jurisdiction", "kind", "state", "people", "stage", "plan_progress", "address"]


@cache_for_anonymous(params=LIST_PARAMS)
@require_safe
def directory(request: HttpRequest) -> HttpResponse:
    """All members by state, also those whose site is not open yet: membership is public."""
    filters, everybody, matching = _filtered_members(request)
    page = Paginator(matching, PAGE_SIZE).get_page(request.GET.get("page"))
    cards = _member_cards(list(page), get_audience(request.user))
    is_by_state = filters.values["order"] == "state"
    groups = [
        {"label": state_name(state) if is_by_state else "", "cards": list(cards_of_state)}
        for state, cards_of_state in groupby(cards, key=lambda card: card["state"] if is_by_state else "")
    ]
    context = {
        "section": "jurisdictions",
        "filters": filters,
        "groups": groups,
        "count": len(matching),
        "total": len(everybody),
        "facets": filters.facets(everybody),
        "chips": filters.chips(),
        "orders": [
            {
                "label": label,
                "url": filters.query_string(order=order),
                "is_current": filters.values["order"] == order,
            }
            for order, label in filters.labels("order").items()
        ],
        "page": page,
        "page_links": page_links(page, lambda number: filters.query_string(page=number)),
        "query_string": filters.query_string(),
    }
    return render_partial_or_page(
        request, "cohort/_members.html", "cohort/directory.html", "members", context
    )


@cache_for_anonymous(params=LIST_PARAMS)
@require_safe
def directory_csv(request: HttpRequest) -> HttpResponse:
    """The members that the directory shows with the same query string, all pages of it."""
    _filters, _everybody, matching = _filtered_members(request)
    rows = (
        {
            "jurisdiction": card["name"],
            "kind": card["kind"],
            "state": card["state"],
            "people": card["size"],
            "stage": card["stage"],
            "plan_progress": card["summary"],
            "address": card["url"],
        }
        for card in _member_cards(matching, get_audience(request.user))
    )
    return csv_response("members.csv", DIRECTORY_COLUMNS, rows)


def _filtered_members(request: HttpRequest) -> tuple[MemberFilterSet, list[Jurisdiction], list[Jurisdiction]]:
    """The filters of the request, all members, and the members that match."""
    filters = MemberFilterSet(request.GET)
    everybody = list(selectors.members())
    return filters, everybody, filters.filter_queryset(everybody)


def _member_cards(jurisdictions: list[Jurisdiction], audience: str) -> list[dict[str, Any]]:
    """A directory entry for each jurisdiction; one query for all their plans."""
    today = timezone.localdate()
    plans = (
        PublicPlan.objects.visible_to(audience)
        .with_overdue()
        .filter(jurisdiction__in=[jurisdiction.pk for jurisdiction in jurisdictions])
    )
    rows = {row["slug"]: row for row in build_progress_rows(plans.select_related("jurisdiction"), on=today)}
    cards = []
    for jurisdiction in jurisdictions:
        row = rows.get(jurisdiction.slug)
        size = choice_label(Jurisdiction.PopulationBand, jurisdiction.population_band)
        facts = [choice_label(Jurisdiction.Kind, jurisdiction.kind)]
        if size:
            facts.append(_("%(band)s people") % {"band": lowercase_first(size)})
        if jurisdiction.state:
            facts.append(state_name(jurisdiction.state))
        stage = choice_label(Jurisdiction.MembershipStage, jurisdiction.entry_stage)
        cards.append(
            {
                "name": jurisdiction.name,
                "initials": initials(jurisdiction.short_name),
                "url": site_url(jurisdiction),
                "kind": facts[0],
                "state": jurisdiction.state,
                "size": size,
                "facts": ", ".join(facts),
                "stage": row["stage_label"] if row else stage,
                "summary": row["summary"] if row else "",
                "members_only": bool(row and row["members_only"]),
                "tagline": jurisdiction.tagline,
                "is_open": jurisdiction.is_launched,
            }
        )
    return cards
