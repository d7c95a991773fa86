"""sitemap.xml of each host: the pages that an anonymous visitor may see, whoever asks.

A date of change is given where it is known to be that of what the page shows, never that of a draft or an internal note.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps import views as sitemap_views
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Greatest
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from wagtail.models import Page, Site

from cohort.models import PublicAction, PublicGoal, PublicOutcome, PublicPlan
from resources.models import LibraryItem
from tenants.models import Jurisdiction
from tenants.plans.commitments import COMMITMENT_FIELDS
from tenants.plans.models import Plan, PlanLogEntry
from tenants.plans.selectors import actions_of, visible_plan
from tenants.web.page_cache import cache_for_anonymous

# The protocol allows 50,000; a file of this many is small enough for the cache of pages.
MAX_ENTRIES = 2_500
# Of an action's changes in the plan's history, those that its page shows.
SHOWN_FIELDS = [*COMMITMENT_FIELDS["action"], "responsible", "support", "milestones", "progress_note"]


class Entry(NamedTuple):
    path: str
    changed_at: dt.datetime | None = None


class HostSitemap(Sitemap[Entry]):
    """The entries of one host, at its own absolute addresses."""

    limit = MAX_ENTRIES

    def __init__(self, jurisdiction: Jurisdiction, entries: list[Entry]) -> None:
        self.base_url = jurisdiction.base_url
        self.entries = entries

    def items(self) -> list[Entry]:
        return self.entries

    def location(self, item: Entry) -> str:
        return item.path

    def lastmod(self, item: Entry) -> dt.datetime | None:
        return item.changed_at

    def get_protocol(self, protocol: str | None = None) -> str:
        return self.base_url.partition("://")[0]

    def get_domain(self, site: Any = None) -> str:
        return self.base_url.partition("://")[2]


@cache_for_anonymous(params=["p"])
@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """The host's sitemap; an index of its parts, at `?p=`, where one file would be too long."""
    jurisdiction: Jurisdiction = request.tenant  # type: ignore[attr-defined]
    if jurisdiction.is_tenant and not jurisdiction.is_launched:
        raise Http404  # also for the city's team
    entries = _city_entries(jurisdiction) if jurisdiction.is_tenant else _alliance_entries()
    host_sitemap = HostSitemap(jurisdiction, list(entries))
    parts = host_sitemap.paginator.num_pages
    if parts > 1 and "p" not in request.GET:
        return _index(request, jurisdiction.build_url("sitemap"), parts)
    return sitemap_views.sitemap(request, {"host": host_sitemap})


def _index(request: HttpRequest, url: str, parts: int) -> HttpResponse:
    items = [{"location": f"{url}?p={part}"} for part in range(1, parts + 1)]
    return TemplateResponse(request, "sitemap_index.xml", {"sitemaps": items}, content_type="application/xml")


def _alliance_entries() -> Iterator[Entry]:
    for path, changed_at in _live_pages():
        yield Entry(path, None if path == reverse("front") else changed_at)  # the front page shows news too
    for name in ("cohort:directory", "cohort:progress", "resources:browse", "api:docs"):
        yield Entry(reverse(name))
    items = LibraryItem.objects.visible_to("public").order_by("key")
    for key, changed_at in items.values_list("key", "last_published_at"):
        yield Entry(reverse("resources:item", args=[key]), changed_at)


def _city_entries(jurisdiction: Jurisdiction) -> Iterator[Entry]:
    plan = visible_plan("public")
    plan_changed_at = _plan_changed_at(jurisdiction) if plan else None
    for path, changed_at in _live_pages():
        if path == reverse("front"):  # the dashboard, below the page's introduction
            changed_at = max(filter(None, (changed_at, plan_changed_at)), default=None)
        yield Entry(path, changed_at)
    if plan:
        for name in ("dashboard:plan", "dashboard:data"):
            yield Entry(reverse(name), plan_changed_at)
        yield from _action_entries(plan, jurisdiction)


def _live_pages() -> Iterator[tuple[str, dt.datetime | None]]:
    """The path of each published page that needs no password or sign-in, and when it was last published."""
    site = Site.objects.select_related("root_page").filter(is_default_site=True).first()
    if site is None:
        return
    home = site.root_page
    pages = Page.objects.descendant_of(home, inclusive=True).live().public().order_by("path")
    for url_path, published_at in pages.values_list("url_path", "last_published_at"):
        yield reverse("wagtail_serve", args=[url_path.removeprefix(home.url_path)]), published_at


def _action_entries(plan: Plan, jurisdiction: Jurisdiction) -> Iterator[Entry]:
    """The plan's actions, each with the last change of its public copy or of what its page shows besides that."""
    copies = PublicAction.objects.filter(jurisdiction=jurisdiction, uuid=OuterRef("uuid"))
    changes = PlanLogEntry.objects.filter(object_uuid=OuterRef("uuid"), fields__has_any_keys=SHOWN_FIELDS)
    newest = changes.order_by("-at").values("at")[:1]
    changed_at = Greatest(Subquery(copies.values("changed_at")), Subquery(newest))
    actions = actions_of(plan).in_plan_order().annotate(changed_at=changed_at)
    for code, action_changed_at in actions.values_list("code", "changed_at"):
        yield Entry(reverse("dashboard:action", args=[code]), action_changed_at)


def _plan_changed_at(jurisdiction: Jurisdiction) -> dt.datetime | None:
    """When the plan, or anything in it, was last changed for others. One query."""
    newest = [
        model.objects.filter(jurisdiction=jurisdiction).order_by("-changed_at").values("changed_at")[:1]
        for model in (PublicPlan, PublicGoal, PublicOutcome, PublicAction)
    ]
    jurisdictions = Jurisdiction.objects.filter(pk=jurisdiction.pk)
    return jurisdictions.values_list(Greatest(*map(Subquery, newest)), flat=True).get()
