"""The URLs of the API on the alliance's host, its OpenAPI schema, and its reference page."""

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
        urls = {name: request.build_absolute_uri(f"{PREFIX}/{name}") for name in IndexSerializer().fields}
        body = json.dumps(urls)
        return self.tagged(HttpResponse(body, content_type="application/json"), self.tag_of(body))


class Schema(ApiView):
    """The description of the API by OpenAPI 3.1, as JSON or YAML."""

    renderer_classes = (OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2)

    @classmethod
    def takes(cls) -> list[Parameter]:
        return [choice("format", "", ["json", "yaml"], many=False)]

    def get(self, request: Request) -> HttpResponse:
        self.asked()
        renderer_class = type(request.accepted_renderer)
        body = render_schema(renderer_class)  # type: ignore[arg-type]
        return self.tagged(HttpResponse(body, content_type=renderer_class.media_type), self.tag_of(body))


class NotFoundView(ApiView):
    """The 404 for every other address below /api/, with every method."""

    default_response_headers: dict[str, str] = {}  # no Allow header for an address that does not exist

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """The reference page of the API: every address with its parameters and fields."""
    context = {"section": "api", "sections": sections(openapi_schema()), "problems": problems.EXPLAINED}
    return render(request, "alliance/api.html", context)


@cache
def openapi_schema() -> dict[str, Any]:
    """The OpenAPI 3.1 schema of the API; the same for everybody."""
    schema: dict[str, Any] = SchemaGenerator(patterns=_documented_routes).get_schema(public=True)
    return schema


@cache
def render_schema(renderer_class: Any) -> bytes:
    return renderer_class().render(openapi_schema(), renderer_context={})


def server_error(request: HttpRequest) -> HttpResponse:
    """The response to an exception outside of a view: a problem document below /api/, otherwise the error page."""
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
# Each address also works with a trailing slash, without a redirect.
_routes_with_slash = [
    path(f"{p.pattern}/", p.callback, name=str(p.name)) for p in (*_documented_routes, *_schema_routes)
]

app_name = "api"
urlpatterns: list[URLPattern] = [
    *_routes_with_slash,
    *_documented_routes,  # after those with a slash: `reverse` gives the last route of a name
    *_schema_routes,
    re_path(r"^api(?:/[\s\S]*)?$", NotFoundView.as_view(), name="nowhere"),
]
