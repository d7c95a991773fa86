"""Search in the API: the same results, filters and counts as on the results page."""

from __future__ import annotations

from typing import Any

import django_filters
from django.conf import settings
from django.http import HttpResponse
from django.utils.html import escape
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from search import presentation, service
from search.models import Document
from search.query import parser
from search.types import (
    ALLIANCE_HOST,
    FACETS,
    MAX_PER_PAGE,
    PER_PAGE,
    SORTS,
    HighlightedText,
    Hit,
    SearchResults,
)
from tenants.api.parameters import (
    AnyOfFilter,
    BooleanParameter,
    ChoiceParameter,
    IntegerParameter,
    ParameterFilter,
    SlugParameter,
    validate_query,
)
from tenants.api.serializers import SHARED_WITH
from tenants.api.views import ApiView

Serializer = serializers.Serializer[Any]
MAX_PAGE = 100


class HighlightSerializer(Serializer):
    """HTML, safe to show: everything is escaped but `<mark>` around what matches."""

    title = serializers.CharField()
    summary = serializers.CharField()
    excerpt = serializers.CharField(help_text="Part of the text, if the match is only there.")


class HitSerializer(Serializer):
    kind = serializers.ChoiceField(Document.Kind.choices)
    id = serializers.UUIDField()
    key = serializers.SlugField(allow_null=True, help_text="Of a library item.")
    title = serializers.CharField()
    summary = serializers.CharField()
    url = serializers.URLField()
    origin = serializers.CharField(help_text="The place it comes from.")
    type = serializers.CharField(allow_null=True)
    language = serializers.CharField()
    shared_with = serializers.ChoiceField(SHARED_WITH)
    highlight = HighlightSerializer()


class FacetValueSerializer(Serializer):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField(
        help_text="Results left after choosing it, with the other filters applied."
    )


class SearchSerializer(Serializer):
    """One page of what was found, best first."""

    total = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    corrected = serializers.CharField(
        allow_null=True, help_text="What was searched for instead, because your words found nothing."
    )
    also = serializers.ListField(
        child=serializers.CharField(), help_text="Synonyms that were searched for too."
    )
    notice = serializers.CharField(
        allow_null=True,
        help_text="Set while the search engine is unavailable and results come from the database.",
    )
    results = HitSerializer(many=True)
    facets = serializers.DictField(child=FacetValueSerializer(many=True))


class TextParameter(serializers.CharField):
    def run_validation(self, data: Any = serializers.empty) -> str:
        if len(data) > parser.MAX_TEXT_LENGTH:
            message = _("Write at most %(most)d characters.") % {"most": parser.MAX_TEXT_LENGTH}
            raise serializers.ValidationError(message)
        return parser.truncate(data)


def _facet_filter(name: str) -> AnyOfFilter:
    values = presentation.facet_values(name)
    parameter = ChoiceParameter(values) if values else SlugParameter()
    return AnyOfFilter(parameter, str(presentation.FACET_LABELS[name]))


class ApiSearchFilterSet(django_filters.FilterSet):
    """The parameters of the search, which `search.service` reads."""

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        text = TextParameter(
            help_text=(
                'What to look for; "in quotes" for a phrase, -word to exclude a word. '
                "Leave it empty to find everything."
            ),
            max_length=parser.MAX_TEXT_LENGTH,
            allow_blank=True,
            required=False,
        )
        facets = {name: _facet_filter(name) for name in FACETS}
        page = IntegerParameter(min_value=1, max_value=MAX_PAGE, default=1, help_text="Starts at 1.")
        size = IntegerParameter(
            min_value=1, max_value=MAX_PER_PAGE, default=PER_PAGE, help_text="Results on a page."
        )
        sort = ChoiceParameter(SORTS, help_text="Best match or newest first.")
        exact = BooleanParameter(help_text="Only your words, without synonyms and corrections.")
        others = {"page": page, "page_size": size, "sort": sort, "exact": exact}
        return {
            "q": ParameterFilter(text),
            **facets,
            **{name: ParameterFilter(parameter) for name, parameter in others.items()},
        }


class SearchView(ApiView):
    """Searches the library and the published plans and narratives of all members.

    Several values of one filter widen the search, several filters narrow it.
    """

    serializer_class = SearchSerializer
    filterset_class = ApiSearchFilterSet
    queryset = Document.objects.none()  # the service reads the documents

    @extend_schema(operation_id="search", summary="Search")
    def get(self, request: Request) -> HttpResponse:
        form = ApiSearchFilterSet(request.query_params, self.queryset).form
        params = {
            name: value
            for name, value in validate_query(request.query_params, form).items()
            if value is not None
        }
        selected = {name: params[name] for name in FACETS if params[name]}
        page, size = params.get("page", 1), params.get("page_size", PER_PAGE)
        results = service.search(
            params.get("q", ""),
            audience=self.audience,
            filters=selected,
            page=page,
            size=size,
            sort=params.get("sort", SORTS[0]),
            exact=params.get("exact", False),
        )
        links = {
            "next": self._link(page + 1) if page * size < results.total and page < MAX_PAGE else None,
            "previous": self._link(page - 1) if page > 1 else None,
        }
        body = links | _serialize_results(results, selected)
        return self.with_etag(Response(body), self.compute_etag(body))

    def _link(self, page: int) -> str:
        query = self.request.query_params.copy()
        query["page"] = str(page)
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")


def _serialize_results(results: SearchResults, selected: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "total": results.total,
        "corrected": results.corrected or None,
        "also": list(results.synonyms),
        "notice": str(results.notice) or None,
        "results": [_serialize_hit(hit) for hit in results.hits],
        "facets": {
            facet["name"]: [
                {"value": value["value"], "label": str(value["label"]), "count": value["count"]}
                for value in (*facet["choices"], *facet["more"])
            ]
            for facet in presentation.build_facets(results, selected)
        },
    }


def _serialize_hit(hit: Hit) -> dict[str, Any]:
    url = presentation.hit_url(hit)
    return {
        "kind": hit.kind,
        "id": str(hit.id),
        "key": hit.key or None,
        "title": _plain_text(hit.title),
        "summary": _plain_text(hit.summary),
        "url": f"{settings.ALLIANCE_BASE_URL}{url}" if hit.host == ALLIANCE_HOST else url,
        "origin": hit.origin,
        "type": hit.facets["type"] or None,
        "language": hit.language,
        "shared_with": hit.audience,
        "highlight": {
            "title": _highlighted_html(hit.title),
            "summary": _highlighted_html(hit.summary),
            "excerpt": _highlighted_html(hit.excerpt),
        },
    }


def _plain_text(parts: HighlightedText) -> str:
    return "".join(text for text, _is_match in parts)


def _highlighted_html(parts: HighlightedText) -> str:
    return "".join(f"<mark>{escape(text)}</mark>" if is_match else escape(text) for text, is_match in parts)
