"""The directory of members and the progress of all plans, on the alliance's host."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cohort.members import filters as members_list
from cohort.models import PublicPlan
from cohort.progress import selectors
from tenants.access import get_audience
from tenants.dashboard import labels
from tenants.models import Jurisdiction
from tenants.models.us_states import state_name
from tenants.web.exports import LICENSE, csv_response, json_response
from tenants.web.page_cache import cache_for_anonymous

PROGRESS_PAGE_SIZE = 100
PROGRESS_COLUMNS = [
    "jurisdiction", "kind", "state", "stage", "plan", "lifecycle", "actions_counted", "completed", "on_track",
    "needs_attention", "not_started", "no_status", "left_out", "last_update", "shared_with", "address", "counted_on",
]  # fmt: skip
DIRECTORY_COLUMNS = ["jurisdiction", "kind", "state", "people", "stage", "plan_progress", "address"]

# name in the address -> what a line sorts by; lines without it stand last both ways
SORT_KEYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "name": lambda line: line["name"].casefold(),
    "state": lambda line: line["state_name"] if line["state"] else None,
    "stage": lambda line: (
        selectors.STAGES_FURTHEST_FIRST.index(line["stage"])
        if line["stage"] in selectors.STAGES_FURTHEST_FIRST
        else None
    ),
    "done": lambda line: line["completed"] / line["actions"] if line["actions"] else None,
    "attention": lambda line: line["needs_attention"] / line["actions"] if line["actions"] else None,
    "updated": lambda line: line["last_update_on"],
}


@cache_for_anonymous
@require_safe
def directory(request: HttpRequest) -> HttpResponse:
    """All members by state, also those whose site is not open yet: membership is public."""
    asked, everybody, found = _filtered_members(request)
    page = Paginator(found, members_list.PAGE_SIZE).get_page(request.GET.get("page"))
    lines = _member_cards(list(page), get_audience(request.user))
    groups = [
        {"name": state_name(state) if asked.order == "state" else "", "jurisdictions": list(jurisdictions)}
        for state, jurisdictions in groupby(
            lines, key=lambda line: line["state"] if asked.order == "state" else ""
        )
    ]
    orders = [("state", _("By state")), ("stage", _("Furthest along first")), ("name", _("By name"))]
    context = {
        "section": "jurisdictions",
        "asked": asked,
        "groups": groups,
        "found": len(found),
        "total": len(everybody),
        "facets": members_list.facets(everybody, asked),
        "chips": members_list.active_filters(asked),
        "orders": [
            {
                "name": name,
                "url": asked.query(order="" if key == "state" else key),
                "is_here": asked.order == key,
            }
            for key, name in orders
        ],
        "page_now": page,
        "page_links": page_links(page, lambda n: asked.query(page=str(n))),
        "query": asked.query(),
    }
    return render_partial_or_page(
        request, "cohort/_members.html", "cohort/directory.html", "members", context
    )


@cache_for_anonymous
@require_safe
def directory_csv(request: HttpRequest) -> HttpResponse:
    """The members that the directory shows with the same address, all pages of it."""
    _asked, _everybody, found = _filtered_members(request)
    records = (
        {
            "jurisdiction": card["name"],
            "kind": card["kind"],
            "state": card["state"],
            "people": card["size"],
            "stage": card["stage"],
            "plan_progress": card["sentence"],
            "address": card["url"],
        }
        for card in _member_cards(found, get_audience(request.user))
    )
    return csv_response("members.csv", DIRECTORY_COLUMNS, records)


@cache_for_anonymous
@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """How all plans are going. One query for all of them."""
    lines, sort, today = _sorted_rows(request)
    page = Paginator(lines, PROGRESS_PAGE_SIZE).get_page(request.GET.get("page"))
    names = {
        "name": _("Jurisdiction"), "state": _("State"), "stage": _("Stage"), "done": _("Actions done"),
        "attention": _("Need attention"), "updated": _("Last update"),
    }  # fmt: skip
    columns = []
    for name, text in names.items():
        now = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
        columns.append({"name": text, "now": now, "url": f"?sort={'-' if now == 'ascending' else ''}{name}"})
    context = {
        "section": "progress",
        "lines": list(page),
        "found": len(lines),
        "columns": columns,
        "counted_on": labels.format_partial_date(today),
        "members_only": sum(line["members_only"] for line in lines),
        "page_now": page,
        "page_links": page_links(page, lambda n: "?" + urlencode({"sort": sort, "page": n})),
        "query": f"?{urlencode({'sort': sort})}",
    }
    return render_partial_or_page(
        request, "cohort/_progress_rows.html", "cohort/progress.html", "plan-rows", context
    )


@cache_for_anonymous
@require_safe
def progress_csv(request: HttpRequest) -> HttpResponse:
    lines, _sort, today = _sorted_rows(request)
    return csv_response("plans.csv", PROGRESS_COLUMNS, (_export_row(line, today) for line in lines))


@cache_for_anonymous
@require_safe
def progress_json(request: HttpRequest) -> HttpResponse:
    lines, _sort, today = _sorted_rows(request)
    return json_response(
        {
            "alliance": settings.ALLIANCE_NAME,
            "counted_on": today,
            "rule": "Totals leave out cancelled and merged actions. Plans differ: do not rank them.",
            "licence": LICENSE,
            "count": len(lines),
            "plans": [_export_row(line, today) for line in lines],
        }
    )


def _filtered_members(
    request: HttpRequest,
) -> tuple[members_list.FilterSet, list[Jurisdiction], list[Jurisdiction]]:
    asked = members_list.FilterSet.from_address(request.GET)
    everybody = list(selectors.members())
    return asked, everybody, members_list.filter_members(everybody, asked)


def _member_cards(jurisdictions: list[Jurisdiction], audience: str) -> list[dict[str, Any]]:
    """What the directory tells of each place; one query for all their plans."""
    today = timezone.localdate()
    visible = PublicPlan.objects.visible_to(audience).filter(
        jurisdiction__in=[jurisdiction.pk for jurisdiction in jurisdictions]
    )
    lines = {
        line["slug"]: line
        for line in selectors.build_progress_rows(visible.select_related("jurisdiction"), on=today)
    }
    cards = []
    for jurisdiction in jurisdictions:
        line = lines.get(jurisdiction.slug)
        facts = [selectors.choice_label(Jurisdiction.Kind, jurisdiction.kind)]
        if jurisdiction.population_band:
            band = selectors.choice_label(Jurisdiction.PopulationBand, jurisdiction.population_band)
            facts.append(_("%(band)s people") % {"band": labels.lowercase_first(band)})
        if jurisdiction.state:
            facts.append(state_name(jurisdiction.state))
        cards.append(
            {
                "name": jurisdiction.name,
                "seal": "".join(word[0] for word in jurisdiction.short_name.split() if word[0].isalpha())[
                    :2
                ].upper(),
                "url": selectors.site_url(jurisdiction),
                "kind": facts[0],
                "state": jurisdiction.state,
                "size": selectors.choice_label(Jurisdiction.PopulationBand, jurisdiction.population_band),
                "facts": ", ".join(facts),
                "stage": line["stage_text"]
                if line
                else selectors.choice_label(selectors.Stage, jurisdiction.entry_stage),
                "sentence": line["sentence"] if line else "",
                "members_only": bool(line and line["members_only"]),
                "tagline": jurisdiction.tagline,
                "is_open": jurisdiction.is_launched,
            }
        )
    return cards


def _sorted_rows(request: HttpRequest) -> tuple[list[dict[str, Any]], str, dt.date]:
    today = timezone.localdate()
    lines = selectors.progress_rows(get_audience(request.user), on=today)
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in SORT_KEYS:
        sort = "name"
    by = SORT_KEYS[sort.removeprefix("-")]
    have = sorted((line for line in lines if by(line) is not None), key=by, reverse=sort.startswith("-"))
    return have + [line for line in lines if by(line) is None], sort, today


def _export_row(line: dict[str, Any], today: dt.date) -> dict[str, Any]:
    return {
        "jurisdiction": line["name"],
        "kind": line["kind"],
        "state": line["state"],
        "stage": line["stage"],
        "plan": line["plan"],
        "lifecycle": line["lifecycle"],
        "actions_counted": line["actions"],
        "completed": line["completed"],
        "on_track": line["on_track"],
        "needs_attention": line["needs_attention"],
        "not_started": line["not_started"],
        "no_status": line["no_status"],
        "left_out": line["left_out"],
        "last_update": line["last_update_on"],
        "shared_with": "members" if line["members_only"] else "public",
        "address": line["url"],
        "counted_on": today,
    }


def page_links(page: Any, url: Callable[[int], str]) -> list[dict[str, Any]]:
    return [{"number": n, "url": url(n), "is_here": n == page.number} for n in page.paginator.page_range]


def render_partial_or_page(
    request: HttpRequest, part: str, whole: str, target: str, context: dict[str, Any]
) -> HttpResponse:
    """The swapped part alone for htmx, otherwise the page around it."""
    htmx = request.htmx  # type: ignore[attr-defined]
    wants_part = htmx and htmx.target == target and not htmx.history_restore_request
    response = render(request, part if wants_part else whole, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
