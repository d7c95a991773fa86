"""The results page, and the suggestions below its search box."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from search import presentation, service
from search.filters import SearchFilterSet
from search.types import MAX_PAGE, PER_PAGE
from tenants import access

MAX_SUGGESTIONS = 7


@require_safe
@vary_on_headers("HX-Trigger")  # the filter form stays open after it was used
def results(request: HttpRequest) -> HttpResponse:
    """The documents that the reader may find for `q`, under the selected filters. Any parameters are accepted."""
    filters = SearchFilterSet(request.GET)
    text = filters.values["q"]
    params: dict[str, Any] = {
        "audience": access.get_audience(request.user),
        "filters": {name: filters.values[name] for name in filters.facet_names},
        "sort": filters.values["sort"],
        "exact": bool(filters.values["exact"]),
    }
    page = request.GET.get("page", "1")
    page_number = min(int(page[:9]), MAX_PAGE) if page.isdecimal() else 1
    search_results = service.search(text, page=page_number, **params)
    # A page object only for the pager: the backend returns the hits of one page.
    pager = Paginator(range(min(search_results.total, MAX_PAGE * PER_PAGE)), PER_PAGE)
    page_object = pager.get_page(page_number)
    if page_object.number != page_number and search_results.total:
        search_results = service.search(text, page=page_object.number, **params)
    return render(
        request,
        "search/results.html",
        {
            "section": "search",
            "text": text,
            "results": search_results,
            "rows": presentation.result_rows(search_results),
            "facets": filters.facets(search_results),
            "chips": filters.chips(),
            "page": page_object,
            "sort": filters.values["sort"],
        },
    )


@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """Titles that continue the text of the search box: a partial of the page."""
    suggestions = service.suggest(
        request.GET.get("q", ""), audience=access.get_audience(request.user), size=MAX_SUGGESTIONS
    )
    rows = [
        (
            suggestion,
            presentation.hit_url(suggestion),
            presentation.KIND_ICONS.get(suggestion.kind, "history"),
        )
        for suggestion in suggestions
    ]
    return render(request, "search/_suggestions.html", {"suggestions": rows})
