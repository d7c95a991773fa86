"""The page of results, and suggestions below its box."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from search import presentation, service
from search.query import parser
from search.types import FACETS
from tenants import access

MAX_SUGGESTIONS = 7


@require_safe
@vary_on_headers("HX-Trigger")  # a form that was used stays unfolded
def results(request: HttpRequest) -> HttpResponse:
    """What the reader may find for `q`, narrowed by the filters of the address. Any address is answered."""
    audience = access.get_audience(request.user)
    text = parser.truncate(request.GET.get("q", ""))
    chosen = _selected_filters(request)
    asked: dict[str, Any] = {
        "audience": audience,
        "filters": chosen,
        "sort": request.GET.get("sort", ""),
        "exact": "exact" in request.GET,
    }
    wanted = request.GET.get("page", "1")
    page = int(wanted) if wanted.isdecimal() and len(wanted) < 5 else 1
    answer = service.search(text, page=page, **asked)
    # A page object for the pager alone: the hits are cut out by the engine.
    shown = Paginator(
        range(min(answer.total, service.MAX_PAGE * service.PER_PAGE)), service.PER_PAGE
    ).get_page(page)
    if shown.number != page and answer.total:
        answer = service.search(text, page=shown.number, **asked)
    return render(
        request,
        "search/results.html",
        {
            "section": "search",
            "text": text,
            "answer": answer,
            "results": presentation.result_rows(answer),
            "questions": presentation.build_facets(answer, chosen),
            "chips": presentation.active_filters(chosen),
            "page": shown,
            "sort": asked["sort"] if asked["sort"] in service.SORTS else "best",
            "asked_names": list(FACETS),
        },
    )


@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """Titles that go on from what is in the box: a part of the page."""
    found = service.suggest(
        request.GET.get("q", ""), audience=access.get_audience(request.user), size=MAX_SUGGESTIONS
    )
    return render(
        request,
        "search/_suggestions.html",
        {
            "suggestions": [
                (one, presentation.hit_url(one), presentation.KIND_ICONS.get(one.kind, "history"))
                for one in found
            ]
        },
    )


def _selected_filters(request: HttpRequest) -> dict[str, list[str]]:
    """The filters of the address, each value once: {"topic": ["libraries", "courts"]}."""
    chosen = {}
    for name in FACETS:
        values = [v for v in dict.fromkeys(request.GET.getlist(name)) if service.is_valid_choice(v)]
        if values:
            chosen[name] = values[: service.MAX_CHOICES]
    return chosen
