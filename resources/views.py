"""The library's pages on the alliance's host."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from resources import presentation
from resources.filters import LibraryFilterSet
from resources.models import LibraryItem
from tenants import access

PAGE_SIZE = 20


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """Every item that the reader may see, newest first, filtered by type, topic, strategy and file."""
    items = LibraryItem.objects.visible_to(access.get_audience(request.user)).with_file_mark()
    filters = LibraryFilterSet(request.GET, items)
    items = filters.qs.newest_first().prefetch_related("attachments__document")
    page = Paginator(items, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "resources/browse.html",
        {
            "section": "library",
            "page": page,
            "facets": filters.facets(),
            "chips": filters.chips(),
        },
    )


@require_safe
def item_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One item; 404 if the reader may not see it."""
    audience = access.get_audience(request.user)
    item = get_object_or_404(LibraryItem.objects.visible_to(audience), key=key)
    context = presentation.item_context(item, audience=audience) | {"section": "library"}
    if access.has_permission(request.user, access.Permission.CURATE_LIBRARY, connection.tenant):
        context["edit_url"] = reverse("wagtailsnippets_resources_libraryitem:edit", args=[item.pk])
    return render(request, "resources/item.html", context)
