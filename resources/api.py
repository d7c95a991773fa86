"""The shared library and its topics in the API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat
from rest_framework import serializers

from resources.models import Attachment, DecisionKind, LibraryItem, Strategy
from tenants.api import parameters
from tenants.api.parameters import choice, slug, updated_since
from tenants.api.views import DetailView, ListView, RowsView
from tenants.models import ActionStage, Jurisdiction, Topic

Serializer = serializers.Serializer[Any]
ALLIANCE_BASE_URL = settings.WAGTAILADMIN_BASE_URL


def string_list_field(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **options)


# ---- The library --------------------------------------------------------------------------------------------
class LibrarySerializer(Serializer):
    """A policy, a tool, a practice, a training, a report: something to learn from or to adapt."""

    key = serializers.SlugField(help_text="Its lasting name, in the address of its page.")
    title = serializers.CharField()
    type = serializers.ChoiceField(LibraryItem.Type.choices)
    summary = serializers.CharField()
    sectors = string_list_field()
    topics = string_list_field()
    stages = string_list_field(source="stage", help_text="normalize, organize, operationalize")
    strategies = string_list_field(help_text=", ".join(Strategy.values))
    decisions = string_list_field(source="decision_kinds", help_text=", ".join(DecisionKind.values))
    origin = serializers.CharField(help_text="Where it comes from.")
    origin_kind = serializers.ChoiceField(LibraryItem.OriginKind.choices)
    state = serializers.CharField(source="origin_state", allow_null=True, help_text="Two letters, like MN.")
    size = serializers.ChoiceField(
        Jurisdiction.PopulationBand.choices, source="population_band", allow_null=True
    )
    year = serializers.IntegerField(allow_null=True)
    form = serializers.ChoiceField(LibraryItem.LegalForm.choices, source="legal_form", allow_null=True)
    evidence = serializers.ChoiceField(LibraryItem.Evidence.choices)
    effort = serializers.ChoiceField(LibraryItem.Effort.choices)
    license = serializers.ChoiceField(LibraryItem.License.choices, help_text="How it may be used.")
    credit = serializers.CharField(
        source="attribution", allow_null=True, help_text="Credit line, where its owner asks for one."
    )
    source_url = serializers.CharField(allow_null=True, help_text="The original.")
    language = serializers.ChoiceField(LibraryItem.Language.choices)
    adapted_from = serializers.SlugField(
        source="parent_key", allow_null=True, help_text="The key of the item it was made from."
    )
    is_sample = serializers.BooleanField(help_text="Made up to try the portal out.")
    shared_with = serializers.ChoiceField(
        [("public", "Everybody"), ("members", "Members of the cohort")], source="visibility"
    )
    url = serializers.URLField(help_text="Its page.")
    updated_at = serializers.DateTimeField()


class FileSerializer(Serializer):
    title = serializers.CharField()
    part = serializers.CharField(help_text="What it is: text, budget, guide, form …")
    language = serializers.CharField()
    url = serializers.URLField()


class LibraryDetailSerializer(LibrarySerializer):
    """One item with its full text and its files."""

    body = serializers.CharField(allow_null=True, help_text="An empty line starts a new paragraph.")
    files = FileSerializer(many=True)


class Library(RowsView):
    tag, key, serializer = "library", "key", LibrarySerializer

    @classmethod
    def rows(cls, audience: str) -> QuerySet[Any]:
        is_visible = Q(adapted_from__live=True)
        if audience != "members":
            is_visible &= Q(adapted_from__visibility=LibraryItem.Audience.PUBLIC)
        return LibraryItem.objects.visible_to(audience).annotate(
            parent_key=Case(When(is_visible, then=F("adapted_from__key"))),
            url=Concat(
                Value(f"{ALLIANCE_BASE_URL}/library/"), F("key"), Value("/"), output_field=TextField()
            ),
        )


class LibraryList(Library, ListView):
    """Practices, tools and sample policies, by key. To find some by words, use the search."""

    operation, summary = "list_library", "Library items"
    filters = (
        choice("type", "Of this type.", LibraryItem.Type.values, lookup="type__in"),
        slug("topic", "About one of these topics.", lookup="topics__overlap"),
        slug("sector", "Of one of these sectors.", lookup="sectors__overlap"),
        choice("stage", "For this kind of step.", ActionStage.values, lookup="stage__overlap"),
        choice("decision", "For this kind of decision.", DecisionKind.values, lookup="decision_kinds__overlap"),
        choice("size", "From places of this size.", Jurisdiction.PopulationBand.values, lookup="population_band__in"),
        parameters.state("state", "From these states.", lookup="origin_state__in"),
        choice("evidence", "As well known to work.", LibraryItem.Evidence.values, lookup="evidence__in"),
        choice("form", "Of this legal form.", LibraryItem.LegalForm.values, lookup="legal_form__in"),
        choice("license", "Under this license.", LibraryItem.License.values, lookup="license__in"),
        choice("language", "In this language.", LibraryItem.Language.values, lookup="language__in"),
        updated_since(lookup="updated_at__gte"),
    )  # fmt: skip


class LibraryDetail(Library, DetailView):
    """One item of the library, with its text and files."""

    operation, summary, serializer = "get_library_item", "One library item", LibraryDetailSerializer
    more_fields = frozenset({"files"})

    def more(self, key: str) -> dict[str, Any]:
        attachments = Attachment.objects.filter(item__key=key).select_related("document")
        files = [
            {
                "title": f.title,
                "part": f.kind,
                "language": f.language,
                "url": f"{ALLIANCE_BASE_URL}{f.document.url}",
            }
            for f in attachments.order_by("sort_order", "pk")
        ]
        return {"files": files}


# ---- Topics -------------------------------------------------------------------------------------------------
class TopicSerializer(Serializer):
    """What plans and library items are about."""

    slug = serializers.SlugField()
    label = serializers.CharField()  # type: ignore[assignment]
    label_es = serializers.CharField(allow_null=True, help_text="In Spanish.")
    sector = serializers.SlugField(source="sector_id", allow_null=True)
    sector_label = serializers.CharField(source="sector.label", allow_null=True)
    definition = serializers.CharField(allow_null=True)


class Topics(RowsView):
    tag, key, serializer = "topics", "slug", TopicSerializer

    @classmethod
    def rows(cls, audience: str) -> QuerySet[Any]:
        return Topic.objects.all()


class TopicList(Topics, ListView):
    """The topics that plans and library items are sorted by."""

    operation, summary = "list_topics", "Topics"
    filters = (slug("sector", "Of these sectors.", lookup="sector_id__in"),)


class TopicDetail(Topics, DetailView):
    """One topic."""

    operation, summary = "get_topic", "One topic"
