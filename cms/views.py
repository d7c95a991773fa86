"""A site's home page and a city's narrative, in every state of the pages."""

from __future__ import annotations

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from wagtail.url_routing import RouteResult
from wagtail.views import serve

from cms.models import HomePage, NarrativePage, can_view_site, is_city_site
from tenants import access
from tenants.dashboard.views import LIST_PARAMS
from tenants.web.page_cache import cache_for_anonymous


@cache_for_anonymous(params=LIST_PARAMS)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The page at the root of the site. A city has only one such page, so it needs no routing by Wagtail."""
    page = HomePage.objects.filter(live=True).first() if is_city_site() else None
    if page is not None:
        request._wagtail_route_for_request = RouteResult(page)  # type: ignore[attr-defined]  # Wagtail's own cache
    return serve(request, "")


@cache_for_anonymous()
@require_safe
def narrative(request: HttpRequest) -> HttpResponse:
    """The city's narrative; until it is published, a page that says so."""
    if NarrativePage.objects.live().exists():
        return serve(request, f"{NarrativePage.SLUG}/")
    jurisdiction = connection.tenant
    if not can_view_site(request.user, jurisdiction):
        raise Http404
    draft = NarrativePage.objects.first()
    context = {"section": "narrative"}
    if draft and access.has_permission(request.user, access.Permission.EDIT_SITE, jurisdiction):
        context["editor_url"] = reverse("wagtailadmin_pages:edit", args=[draft.pk])
    return render(request, "cms/no_narrative.html", context)
