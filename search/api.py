"""The search in the API: the same answer as the page of results, with the same filters and counts."""

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

from search import pages, phrasing, queries
from search.documents import ALLIANCE
from search.engine import FACETS, Answer, Hit
from search.models import Document
from tenants.api import parameters
from tenants.api.base import ApiView
from tenants.api.parameters import Parameter, choice, slug

Serializer = serializers.Serializer[Any]
LAST_PAGE = 100


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


def _filter(name: str) -> Parameter:
    says = str(pages.QUESTIONS[name])
    closed = pages.values_of(name)
    return choice(name, says, closed) if closed else slug(name, says, lookup="")


def _words(text: str) -> str:
    if len(text) > phrasing.LONGEST_TEXT:
        raise ValueError(_("Write at most %(most)d characters.") % {"most": phrasing.LONGEST_TEXT})
    return phrasing.shorten(text)


WORDS = Parameter(
    "q",
    'What to look for; "in quotes" for a phrase, -word for what must not be there. Nothing finds everything.',
    {"type": "string", "maxLength": phrasing.LONGEST_TEXT},
    _words,
)


class SearchView(ApiView):
    """Searches the library and the published plans and narratives of all cities.

    Several values of one filter widen the search, several filters narrow it.
    """

    tag, operation, summary = "search", "search", "Search"
    filters: ClassVar[Sequence[Parameter]] = tuple(_filter(name) for name in FACETS)

    @classmethod
    def answers(cls) -> Any:
        return SearchSerializer()

    @classmethod
    def takes(cls) -> Sequence[Parameter]:
        most = queries.MOST_PER_PAGE
        return (
            WORDS,
            *cls.filters,
            parameters.number("page", "From 1 on.", low=1, high=LAST_PAGE, default=1),
            parameters.number("page_size", "Hits on a page.", low=1, high=most, default=queries.PER_PAGE),
            choice("sort", "The best or the newest first.", queries.SORTS, many=False),
            parameters.flag("exact", "Your words alone, without synonyms and corrections."),
        )

    def get(self, request: Request) -> HttpResponse:
        asked = self.asked()
        chosen = {name: asked[name] for name in FACETS if name in asked}
        page, size = asked.get("page", 1), asked.get("page_size", queries.PER_PAGE)
        answer = queries.find(
            asked.get("q", ""),
            audience=self.audience,
            filters=chosen,
            page=page,
            size=size,
            sort=asked.get("sort", queries.SORTS[0]),
            exact=asked.get("exact", False),
        )
        links = {
            "next": self._link(page + 1) if page * size < answer.total and page < LAST_PAGE else None,
            "previous": self._link(page - 1) if page > 1 else None,
        }
        body = json.dumps(links | _said(answer, chosen), ensure_ascii=False)
        response = HttpResponse(body, content_type="application/json")
        return self.tagged(response, self.tag_of(body))

    def _link(self, page: int) -> str:
        given = self.request._request.GET.copy()
        given["page"] = str(page)
        return self.request.build_absolute_uri(f"{self.request.path}?{given.urlencode()}")


def _said(answer: Answer, chosen: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "total": answer.total,
        "corrected": answer.corrected or None,
        "also": list(answer.also),
        "notice": str(answer.notice) or None,
        "results": [_hit(hit) for hit in answer.hits],
        "facets": {
            question["name"]: [
                {"value": c["value"], "label": str(c["label"]), "count": c["count"]}
                for c in (*question["choices"], *question["more"])
            ]
            for question in pages.questions(answer, chosen)
        },
    }


def _hit(hit: Hit) -> dict[str, Any]:
    url = pages.address(hit)
    return {
        "kind": hit.kind,
        "id": str(hit.id),
        "key": hit.key or None,
        "title": _plain(hit.title),
        "summary": _plain(hit.summary),
        "url": f"{settings.WAGTAILADMIN_BASE_URL}{url}" if hit.host == ALLIANCE else url,
        "origin": hit.origin,
        "type": hit.facets["type"] or None,
        "language": hit.language,
        "shared_with": hit.audience,
        "highlight": {
            "title": _marked(hit.title),
            "summary": _marked(hit.summary),
            "excerpt": _marked(hit.excerpt),
        },
    }


def _plain(parts: list[tuple[str, bool]]) -> str:
    return "".join(text for text, _matches in parts)


def _marked(parts: list[tuple[str, bool]]) -> str:
    return "".join(f"<mark>{escape(text)}</mark>" if matches else escape(text) for text, matches in parts)
