"""A site's home page and a city's narrative, in every state of the pages."""

from __future__ import annotations

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from wagtail.url_routing import RouteResult
from wagtail.views import serve

from cms.models import HOME_PAGE_DEPTH, HomePage, NarrativePage, StandardPage, can_view_site, is_city_site
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


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    """How to reach the office, on the page of the site's own at this address or, without one, by itself."""
    if not can_view_site(request.user, connection.tenant):
        raise Http404
    slug = StandardPage.CONTACT_SLUG
    if StandardPage.objects.live().filter(slug=slug, depth=HOME_PAGE_DEPTH + 1).exists():
        return serve(request, f"{slug}/")
    page = StandardPage(title=_("Contact"), slug=slug)
    return render(request, page.template, page.get_context(request))


@cache_for_anonymous()
@require_safe
def narrative(request: HttpRequest) -> HttpResponse:
    """The city's narrative; until it is published, a page that says so."""
    if NarrativePage.objects.live().exists():
        return serve(request, f"{NarrativePage.SLUG}/")
    jurisdiction = connection.tenant
    if not can_view_site(request.user, jurisdiction):
        raise Http404
    may_edit = access.has_permission(request.user, access.Permission.EDIT_SITE, jurisdiction)
    return render(request, "cms/no_narrative.html", {"section": "narrative", "may_edit": may_edit})


@require_safe
@access.permission_required(access.Permission.EDIT_SITE)
def edit_narrative(request: HttpRequest) -> HttpResponse:
    """Lead to the narrative in the editor; if there is none, to the form that adds it."""
    page = NarrativePage.objects.first()
    if page:
        return redirect("wagtailadmin_pages:edit", page.pk)
    home_page = HomePage.objects.first()
    if home_page is None:
        return redirect("wagtailadmin_home")
    return redirect("wagtailadmin_pages:add", "cms", "narrativepage", home_page.pk)
