"""The URLs of the API on the alliance's host, its OpenAPI schema, and its reference page."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import forms
from django.db.models import Value
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, re_path, reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer, StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from cohort import api as cohort
from cohort.models import PublicPlan
from resources import api as resources
from search import api as search
from tenants import interrupted
from tenants.api import PREFIX, problems
from tenants.api.parameters import ChoiceParameter, ParameterField, validate_query
from tenants.api.reference import sections
from tenants.api.views import ApiView, ResourceViewSet
from tenants.web.urlconf import city_path

ROUTE = PREFIX.removeprefix("/")


class IndexSerializer(serializers.Serializer[Any]):
    jurisdictions = serializers.URLField()
    plans = serializers.URLField()
    goals = serializers.URLField()
    outcomes = serializers.URLField()
    actions = serializers.URLField()
    library = serializers.URLField()
    topics = serializers.URLField()
    search = serializers.URLField()
    schema = serializers.URLField(help_text="The OpenAPI description of the API.")
    docs = serializers.URLField(help_text="The same as a web page.")


class ApiRoot(ApiView):
    """The addresses of all lists of the API, of the search, and of its description."""

    serializer_class = IndexSerializer
    filter_backends = ()

    @extend_schema(operation_id="index", summary="The addresses of the API", tags=["index"])
    def get(self, request: Request) -> HttpResponse:
        validate_query(request.query_params, forms.Form(request.query_params))
        urls = {name: request.build_absolute_uri(reverse(f"api:{name}")) for name in IndexSerializer().fields}
        return self.with_etag(Response(urls), self.compute_etag(urls))


class SchemaForm(forms.Form):
    format = ParameterField(ChoiceParameter(["json", "yaml"]), required=False)


class SchemaView(ApiView):
    """The description of the API by OpenAPI 3.1, as JSON or YAML."""

    renderer_classes = (OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2)

    def get(self, request: Request) -> HttpResponse:
        validate_query(request.query_params, SchemaForm(request.query_params))
        renderer_class = type(request.accepted_renderer)
        body = render_schema(renderer_class)  # type: ignore[arg-type]
        return self.with_etag(
            HttpResponse(body, content_type=renderer_class.media_type), self.compute_etag(body)
        )


class NotFoundView(ApiView):
    """The 404 for every other address below /api/, with every method."""

    default_response_headers: dict[str, str] = {}  # no Allow header for an address that does not exist

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


class ReferenceView(ApiView):
    """The reference page of the API: every address with its parameters and fields."""

    renderer_classes = (StaticHTMLRenderer,)

    def get(self, request: Request) -> HttpResponse:
        context = {
            "section": "api",
            "sections": sections(openapi_schema()),
            "example_path": f"{reverse('api:plans')}?page_size=1",
            "example_url": request.build_absolute_uri(f"{reverse('api:plans')}?page_size=1"),
            "example_answer": _example_answer(),
            "problems": problems.PROBLEM_TYPES,
        }
        return render(request._request, "alliance/api.html", context)


def _example_answer() -> str:
    """The row in the answer to the page's example, as everybody gets it now; "" while no plan is public."""
    path = Value(city_path("dashboard:plan"))
    plans = cohort.annotate_plans(cohort.annotate_visibility(PublicPlan, "public", path))
    plan = plans.order_by("uuid").first()
    if plan is None:
        return ""
    return JSONRenderer().render(cohort.PlanSerializer(plan).data, renderer_context={"indent": 2}).decode()


@cache
def openapi_schema() -> dict[str, Any]:
    """The OpenAPI 3.1 schema of the API; the same for everybody."""
    schema: dict[str, Any] = SchemaGenerator(patterns=_documented_routes).get_schema(public=True)
    return schema


@cache
def render_schema(renderer_class: Any) -> bytes:
    return renderer_class().render(openapi_schema(), renderer_context={})


def server_error(request: HttpRequest) -> HttpResponse:
    """The response to an error: a problem document below /api/, otherwise the error page, with the text of a form."""
    if request.path.startswith("/api/"):
        return problems.server_error(request)
    return interrupted.server_error(request)


def resource(name: str, key: str, single: str, viewset: type[ResourceViewSet]) -> list[URLPattern]:
    """The addresses of a list and of its rows: resource("topics", "<slug:slug>", "topic", TopicViewSet)."""
    return [
        path(f"{ROUTE}/{name}", viewset.as_view({"get": "list"}, basename=name), name=name),
        path(f"{ROUTE}/{name}/{key}", viewset.as_view({"get": "retrieve"}, basename=name), name=single),
    ]


_documented_routes = [
    path(ROUTE, ApiRoot.as_view(), name="index"),
    *resource("jurisdictions", "<slug:slug>", "jurisdiction", cohort.JurisdictionViewSet),
    *resource("plans", "<uuid:id>", "plan", cohort.PlanViewSet),
    *resource("goals", "<uuid:id>", "goal", cohort.GoalViewSet),
    *resource("outcomes", "<uuid:id>", "outcome", cohort.OutcomeViewSet),
    *resource("actions", "<uuid:id>", "action", cohort.ActionViewSet),
    *resource("library", "<slug:key>", "library-item", resources.LibraryViewSet),
    *resource("topics", "<slug:slug>", "topic", resources.TopicViewSet),
    path(f"{ROUTE}/search", search.SearchView.as_view(), name="search"),
]
_schema_routes = [
    path(f"{ROUTE}/schema", SchemaView.as_view(), name="schema"),
    path(f"{ROUTE}/docs", ReferenceView.as_view(), name="docs"),
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
