"""The library's pages on the alliance's host."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from resources import presentation
from resources.facets import FACETS, apply_facets, count_facets
from resources.models import LibraryItem
from tenants import access

PAGE_SIZE = 20
MAX_VALUE_LENGTH = 60


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """Every item that the reader may see, newest first, filtered by type, topic and kind of step."""
    selected = {name: request.GET.get(name, "").strip()[:MAX_VALUE_LENGTH] for name in FACETS}
    items = LibraryItem.objects.visible_to(access.get_audience(request.user))
    matching = apply_facets(items, selected).newest_first()
    page = Paginator(matching, PAGE_SIZE).get_page(request.GET.get("page"))
    facets = count_facets(items, selected)
    for facet in facets:
        for choice in facet["choices"]:
            value = None if choice["is_selected"] else choice["value"]
            choice["url"] = _facet_url(request, facet["name"], value)
    active = [choice for facet in facets for choice in facet["choices"] if choice["is_selected"]]
    return render(
        request,
        "resources/browse.html",
        {
            "section": "library",
            "page_of_items": page,
            "facets": facets,
            "selected": selected,
            "active_filters": active,
        },
    )


def _facet_url(request: HttpRequest, name: str, value: str | None) -> str:
    """The URL of this list with a facet set to `value`, or unset if that is None; back on the first page."""
    params = request.GET.copy()
    params.pop("page", None)
    params.pop(name, None)
    if value is not None:
        params[name] = value
    return f"{request.path}?{params.urlencode()}" if params else request.path


@require_safe
def item_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One item; 404 if the reader may not see it."""
    audience = access.get_audience(request.user)
    item = get_object_or_404(LibraryItem.objects.visible_to(audience), key=key)
    context = presentation.item_context(item, audience=audience) | {"section": "library"}
    if access.has_permission(request.user, access.Permission.CURATE_LIBRARY, connection.tenant):
        context["edit_url"] = reverse("wagtailsnippets_resources_libraryitem:edit", args=[item.pk])
    return render(request, "resources/item.html", context)
