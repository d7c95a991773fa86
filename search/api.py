"""Search in the API: the same results, filters and counts as on the results page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse
from django.utils.html import escape
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

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
from tenants.api import parameters
from tenants.api.base import ApiView
from tenants.api.parameters import Parameter, choice, slug

Serializer = serializers.Serializer[Any]
MAX_PAGE = 100


class HighlightSerializer(Serializer):
    """HTML, safe to show: everything is escaped but `<mark>` around what matches."""

    title = serializers.CharField()
    summary = serializers.CharField()
    excerpt = serializers.CharField(help_text="Of the text, where the match is only there.")


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
    shared_with = serializers.ChoiceField([("public", "Everybody"), ("members", "Members of the cohort")])
    highlight = HighlightSerializer()


class FacetValueSerializer(Serializer):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField(help_text="Hits that choosing it leaves, under the other filters.")


class SearchSerializer(Serializer):
    """One page of what was found, best first."""

    total = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    corrected = serializers.CharField(
        allow_null=True, help_text="What was searched for instead of your words: they found nothing."
    )
    also = serializers.ListField(
        child=serializers.CharField(), help_text="Synonyms that were searched for too."
    )
    notice = serializers.CharField(
        allow_null=True, help_text="Set while the search engine is away and the database answers."
    )
    results = HitSerializer(many=True)
    facets = serializers.DictField(child=FacetValueSerializer(many=True))


def _facet_parameter(name: str) -> Parameter:
    description = str(presentation.FACET_LABELS[name])
    values = presentation.facet_values(name)
    return choice(name, description, values) if values else slug(name, description, lookup="")


def _parse_text(text: str) -> str:
    if len(text) > parser.MAX_TEXT_LENGTH:
        raise ValueError(_("Write at most %(most)d characters.") % {"most": parser.MAX_TEXT_LENGTH})
    return parser.truncate(text)


TEXT_PARAMETER = Parameter(
    "q",
    'What to look for; "in quotes" for a phrase, -word for what must not be there. Nothing finds everything.',
    {"type": "string", "maxLength": parser.MAX_TEXT_LENGTH},
    _parse_text,
)


class SearchView(ApiView):
    """Searches the library and the published plans and narratives of all cities.

    Several values of one filter widen the search, several filters narrow it.
    """

    tag, operation, summary = "search", "search", "Search"
    filters: ClassVar[Sequence[Parameter]] = tuple(_facet_parameter(name) for name in FACETS)

    @classmethod
    def answers(cls) -> Any:
        return SearchSerializer()

    @classmethod
    def takes(cls) -> Sequence[Parameter]:
        return (
            TEXT_PARAMETER,
            *cls.filters,
            parameters.number("page", "From 1 on.", low=1, high=MAX_PAGE, default=1),
            parameters.number("page_size", "Hits on a page.", low=1, high=MAX_PER_PAGE, default=PER_PAGE),
            choice("sort", "The best or the newest first.", SORTS, many=False),
            parameters.flag("exact", "Your words alone, without synonyms and corrections."),
        )

    def get(self, request: Request) -> HttpResponse:
        params = self.asked()
        selected = {name: params[name] for name in FACETS if name in params}
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
        body = json.dumps(links | _serialize_results(results, selected), ensure_ascii=False)
        response = HttpResponse(body, content_type="application/json")
        return self.tagged(response, self.tag_of(body))

    def _link(self, page: int) -> str:
        query = self.request._request.GET.copy()
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
        "url": f"{settings.WAGTAILADMIN_BASE_URL}{url}" if hit.host == ALLIANCE_HOST else url,
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
