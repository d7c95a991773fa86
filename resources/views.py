"""The library's pages on the alliance's host."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from resources import presentation
from resources.models import LibraryItem
from tenants import access

PER_PAGE = 20


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """Every item the reader may see, newest first, narrowed by type, topic and kind of step."""
    chosen = {name: request.GET.get(name, "").strip()[:60] for name in presentation.FACETS}
    items = LibraryItem.objects.visible_to(access.get_audience(request.user))
    found = presentation.apply_facets(items, chosen).newest_first()
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    facets = presentation.count_facets(items, chosen)
    for facet in facets:
        for choice in facet["choices"]:
            choice["href"] = _facet_url(request, facet["name"], None if choice["on"] else choice["value"])
    on = [choice for facet in facets for choice in facet["choices"] if choice["on"]]
    return render(
        request,
        "resources/browse.html",
        {"section": "library", "page_of_items": page, "facets": facets, "chosen": chosen, "on": on},
    )


def _facet_url(request: HttpRequest, name: str, value: str | None) -> str:
    """This page's address with one choice made, or undone where `value` is None; back on the first page."""
    query = request.GET.copy()
    query.pop("page", None)
    query.pop(name, None)
    if value is not None:
        query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


@require_safe
def item(request: HttpRequest, key: str) -> HttpResponse:
    """One item. What the reader may not see is 404."""
    audience = access.get_audience(request.user)
    found = get_object_or_404(LibraryItem.objects.visible_to(audience), key=key)
    context = presentation.item_context(found, audience=audience) | {"section": "library"}
    if access.has_permission(request.user, access.Permission.CURATE_LIBRARY, connection.tenant):
        context["edit_url"] = reverse("wagtailsnippets_resources_libraryitem:edit", args=[found.pk])
    return render(request, "resources/item.html", context)
