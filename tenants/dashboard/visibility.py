"""Which plan a visitor may see, and the cache headers that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.translation import gettext as _

from tenants import access
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Plan
from tenants.plans.selectors import current_jurisdiction, current_plan, visible_plan


@dataclass(frozen=True)
class PlanVisibility:
    """The plan a visitor may see. `preview_query` is carried on in links while the team previews."""

    jurisdiction: Jurisdiction
    plan: Plan | None
    team_only_reason: str = ""  # why only the team sees this; empty when everybody does
    preview_query: str = ""

    @property
    def query_suffix(self) -> str:
        """ "?preview=1" or empty, for addresses without a query string."""
        return f"?{self.preview_query}" if self.preview_query else ""

    @property
    def extra_parameters(self) -> str:
        """ "&preview=1" or empty, for addresses with a query string."""
        return f"&{self.preview_query}" if self.preview_query else ""

    def context(self, section: str) -> dict[str, Any]:
        return {
            "plan": self.plan,
            "section": section,
            "team_only_reason": self.team_only_reason,
            "preview_query": self.preview_query,
            "query_suffix": self.query_suffix,
        }


def resolve_visibility(request: HttpRequest) -> PlanVisibility:
    """The plan this visitor sees. Raises Http404 for anonymous visitors and outsiders before the site's launch."""
    jurisdiction = current_jurisdiction()
    is_team = access.has_permission(request.user, access.Permission.SEE_WORKSPACE, jurisdiction)
    if not jurisdiction.is_launched and not is_team:
        raise Http404
    wants_preview = is_team and "preview" in request.GET
    if jurisdiction.is_launched and not wants_preview:
        return PlanVisibility(jurisdiction, visible_plan("public"))
    plan = current_plan()
    if not jurisdiction.is_launched:
        return PlanVisibility(jurisdiction, plan, team_only_reason=_("This site is not launched yet."))
    if plan and plan.visibility != Visibility.PUBLIC:
        return PlanVisibility(
            jurisdiction, plan, team_only_reason=_("This plan is not public."), preview_query="preview=1"
        )
    return PlanVisibility(jurisdiction, plan, preview_query="preview=1")


def add_cache_headers(response: HttpResponse, visibility: PlanVisibility) -> HttpResponse:
    """Keep pages that only the team sees out of every cache, and the htmx partial apart from its page."""
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    if visibility.team_only_reason or visibility.preview_query:
        add_never_cache_headers(response)
    return response
