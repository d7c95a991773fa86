"""The addresses of the API on the alliance's host, its description, and the page that explains it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, re_path
from django.views import defaults
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from rest_framework import serializers
from rest_framework.request import Request

from cohort import api as cohort
from resources import api as resources
from search import api as search
from tenants.api import PREFIX, problems
from tenants.api.base import ApiView
from tenants.api.parameters import Parameter, choice
from tenants.api.reference import sections


class IndexSerializer(serializers.Serializer[Any]):
    jurisdictions = serializers.URLField()
    plans = serializers.URLField()
    goals = serializers.URLField()
    outcomes = serializers.URLField()
    actions = serializers.URLField()
    library = serializers.URLField()
    topics = serializers.URLField()
    search = serializers.URLField()
    schema = serializers.URLField(help_text="The description of all this, by OpenAPI.")
    docs = serializers.URLField(help_text="The same as a page to read.")


class ApiRoot(ApiView):
    """What there is, by address."""

    tag, operation, summary = "index", "index", "What there is"

    @classmethod
    def answers(cls) -> Any:
        return IndexSerializer()

    def get(self, request: Request) -> HttpResponse:
        self.asked()
        found = {name: request.build_absolute_uri(f"{PREFIX}/{name}") for name in IndexSerializer().fields}
        body = json.dumps(found)
        return self.tagged(HttpResponse(body, content_type="application/json"), self.tag_of(body))


class Schema(ApiView):
    """The description of the API by OpenAPI 3.1, as JSON or YAML."""

    renderer_classes = (OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2)

    @classmethod
    def takes(cls) -> list[Parameter]:
        return [choice("format", "", ["json", "yaml"], many=False)]

    def get(self, request: Request) -> HttpResponse:
        self.asked()
        kind = type(request.accepted_renderer)
        body = render_schema(kind)  # type: ignore[arg-type]
        return self.tagged(HttpResponse(body, content_type=kind.media_type), self.tag_of(body))


class NotFoundView(ApiView):
    """Whatever else is asked for below /api/, by whatever method."""

    default_response_headers: dict[str, str] = {}  # no method is allowed where nothing is

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """The API as a page to read: every address, what it takes, what it answers."""
    context = {"section": "api", "sections": sections(openapi_schema()), "problems": problems.EXPLAINED}
    return render(request, "alliance/api.html", context)


@cache
def openapi_schema() -> dict[str, Any]:
    """The API by OpenAPI 3.1; the same for everybody."""
    found: dict[str, Any] = SchemaGenerator(patterns=_documented_routes).get_schema(public=True)
    return found


@cache
def render_schema(kind: Any) -> bytes:
    return kind().render(openapi_schema(), renderer_context={})


def server_error(request: HttpRequest) -> HttpResponse:
    """What breaks outside of a view: a problem below /api/, otherwise the page about it."""
    if request.path.startswith("/api/"):
        return problems.server_error(request)
    return defaults.server_error(request)


ROUTES: list[tuple[str, type[ApiView], str]] = [
    ("", ApiRoot, "index"),
    ("/jurisdictions", cohort.JurisdictionList, "jurisdictions"),
    ("/jurisdictions/<slug:slug>", cohort.JurisdictionDetail, "jurisdiction"),
    ("/plans", cohort.PlanList, "plans"),
    ("/plans/<uuid:id>", cohort.PlanDetail, "plan"),
    ("/goals", cohort.GoalList, "goals"),
    ("/goals/<uuid:id>", cohort.GoalDetail, "goal"),
    ("/outcomes", cohort.OutcomeList, "outcomes"),
    ("/outcomes/<uuid:id>", cohort.OutcomeDetail, "outcome"),
    ("/actions", cohort.ActionList, "actions"),
    ("/actions/<uuid:id>", cohort.ActionDetail, "action"),
    ("/library", resources.LibraryList, "library"),
    ("/library/<slug:key>", resources.LibraryDetail, "library-item"),
    ("/topics", resources.TopicList, "topics"),
    ("/topics/<slug:slug>", resources.TopicDetail, "topic"),
    ("/search", search.SearchView, "search"),
]
_documented_routes = [path(f"api/v1{route}", view.as_view(), name=name) for route, view, name in ROUTES]
_schema_routes = [
    path("api/v1/schema", Schema.as_view(), name="schema"),
    path("api/v1/docs", reference, name="docs"),
]
# Each address is answered with a closing slash too, and not sent elsewhere for it.
_routes_with_slash = [
    path(f"{p.pattern}/", p.callback, name=str(p.name)) for p in (*_documented_routes, *_schema_routes)
]

app_name = "api"
urlpatterns: list[URLPattern] = [
    *_routes_with_slash,
    *_documented_routes,  # after their twins: the last of a name is what `reverse` gives
    *_schema_routes,
    re_path(r"^api(?:/[\s\S]*)?$", NotFoundView.as_view(), name="nowhere"),
]
