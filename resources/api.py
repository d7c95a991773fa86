"""The shared library and its topics in the API."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Case, F, Prefetch, Q, QuerySet, When
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers

from resources.models import Attachment, DecisionKind, LibraryItem, Strategy
from tenants.api.parameters import (
    AnyOfFilter,
    ApiFilterSet,
    ChoiceParameter,
    SlugParameter,
    StateParameter,
    UpdatedSinceFilter,
)
from tenants.api.serializers import KEY, SHARED_WITH, RowSerializer, row_path
from tenants.api.views import ResourceViewSet
from tenants.models import ActionStage, Jurisdiction, Topic

ALLIANCE_BASE_URL = settings.ALLIANCE_BASE_URL


# ---- The library --------------------------------------------------------------------------------------------
class LibrarySerializer(RowSerializer):
    """A policy, a tool, a practice, a training, a report: something to learn from or to adapt."""

    stages = serializers.ListField(
        child=serializers.CharField(), source="stage", help_text="normalize, organize, operationalize"
    )
    strategies = serializers.ListField(child=serializers.CharField(), help_text=", ".join(Strategy.values))
    decisions = serializers.ListField(
        child=serializers.CharField(), source="decision_kinds", help_text=", ".join(DecisionKind.values)
    )
    state = serializers.CharField(source="origin_state", allow_null=True, help_text="Two letters, like MN.")
    size = serializers.ChoiceField(
        Jurisdiction.PopulationBand.choices, source="population_band", allow_null=True
    )
    form = serializers.ChoiceField(LibraryItem.LegalForm.choices, source="legal_form", allow_null=True)
    credit = serializers.CharField(
        source="attribution", allow_null=True, help_text="Credit line, where its owner asks for one."
    )
    source_url = serializers.CharField(allow_null=True, help_text="The original.")
    adapted_from = serializers.SlugField(
        source="parent_key", allow_null=True, help_text="The key of the item it was made from."
    )
    shared_with = serializers.ChoiceField(SHARED_WITH, source="visibility")
    url = serializers.URLField(help_text="Its page.")

    class Meta:
        model = LibraryItem
        fields: tuple[str, ...] = (
            "key", "title", "type", "summary", "sectors", "topics", "stages", "strategies", "decisions", "origin",
            "origin_kind", "state", "size", "year", "form", "evidence", "effort", "license", "credit", "source_url",
            "language", "adapted_from", "is_sample", "shared_with", "url", "updated_at",
        )  # fmt: skip
        extra_kwargs = {
            "key": {"help_text": "Its permanent name, used in the address of its page."},
            "summary": {"help_text": ""},
            "origin": {"help_text": "Where it comes from."},
            "license": {"help_text": "How it may be used."},
            "is_sample": {"help_text": "Sample data, not from a real place."},
            "body": {
                "help_text": "An empty line starts a new paragraph. “## ” begins a heading, “- ” and “1. ” items of a "
                "list; **bold**, [label](address) for a link."
            },
        }


class FileSerializer(RowSerializer):
    """A file that belongs to an item."""

    part = serializers.CharField(source="kind", help_text="The kind of file: text, budget, guide, form …")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Attachment
        fields = ("title", "part", "language", "url")

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, attachment: Attachment) -> str:
        return f"{ALLIANCE_BASE_URL}{attachment.document.url}"


class LibraryDetailSerializer(LibrarySerializer):
    """One item with its full text and its files."""

    files = FileSerializer(many=True, source="attachments")

    class Meta(LibrarySerializer.Meta):
        fields = (*LibrarySerializer.Meta.fields, "body", "files")


class ApiLibraryFilterSet(ApiFilterSet):
    type = AnyOfFilter(ChoiceParameter(LibraryItem.Type.values), "Of this type.")
    topic = AnyOfFilter(
        SlugParameter(), "About one of these topics.", field_name="topics", lookup_expr="overlap"
    )
    sector = AnyOfFilter(
        SlugParameter(), "Of one of these sectors.", field_name="sectors", lookup_expr="overlap"
    )
    stage = AnyOfFilter(ChoiceParameter(ActionStage.values), "With this strategy.", lookup_expr="overlap")
    decision = AnyOfFilter(
        ChoiceParameter(DecisionKind.values),
        "For this kind of decision.",
        field_name="decision_kinds",
        lookup_expr="overlap",
    )
    size = AnyOfFilter(
        ChoiceParameter(Jurisdiction.PopulationBand.values),
        "From places of this size.",
        field_name="population_band",
    )
    state = AnyOfFilter(StateParameter(), "From these states.", field_name="origin_state")
    evidence = AnyOfFilter(ChoiceParameter(LibraryItem.Evidence.values), "With this level of evidence.")
    form = AnyOfFilter(
        ChoiceParameter(LibraryItem.LegalForm.values), "Of this legal form.", field_name="legal_form"
    )
    license = AnyOfFilter(ChoiceParameter(LibraryItem.License.values), "Under this license.")
    language = AnyOfFilter(ChoiceParameter(LibraryItem.Language.values), "In this language.")
    updated_since = UpdatedSinceFilter("updated_at")


@extend_schema_view(
    list=extend_schema(
        operation_id="list_library",
        summary="Library items",
        description="Practices, tools and sample policies, by key. To find items by keyword, use the search.",
    ),
    retrieve=extend_schema(
        operation_id="get_library_item",
        summary="One library item",
        description="One item of the library, with its text and files.",
    ),
)
class LibraryViewSet(ResourceViewSet):
    filterset_class = ApiLibraryFilterSet
    lookup_field = "key"

    def get_serializer_class(self) -> type[LibrarySerializer]:
        return LibraryDetailSerializer if self.action == "retrieve" else LibrarySerializer

    def get_queryset(self) -> QuerySet[Any]:
        is_visible = Q(adapted_from__live=True)
        if self.audience != "members":
            is_visible &= Q(adapted_from__visibility=LibraryItem.Audience.PUBLIC)
        items = LibraryItem.objects.visible_to(self.audience).annotate(
            parent_key=Case(When(is_visible, then=F("adapted_from__key"))),
            url=row_path(f"{ALLIANCE_BASE_URL}{LibraryItem(key=KEY).get_absolute_url()}", "key"),
        )
        if self.action == "retrieve":
            attachments = Attachment.objects.select_related("document").order_by("sort_order", "pk")
            items = items.prefetch_related(Prefetch("attachments", attachments))
        return items


# ---- Topics -------------------------------------------------------------------------------------------------
class TopicSerializer(RowSerializer):
    """What plans and library items are about."""

    sector_label = serializers.CharField(allow_null=True)

    class Meta:
        model = Topic
        fields = ("slug", "label", "label_es", "sector", "sector_label", "definition")
        extra_kwargs = {"label_es": {"help_text": "In Spanish."}}


class ApiTopicFilterSet(ApiFilterSet):
    sector = AnyOfFilter(SlugParameter(), "Of these sectors.")


@extend_schema_view(
    list=extend_schema(
        operation_id="list_topics",
        summary="Topics",
        description="The topics of plans and library items.",
    ),
    retrieve=extend_schema(operation_id="get_topic", summary="One topic", description="One topic."),
)
class TopicViewSet(ResourceViewSet):
    serializer_class = TopicSerializer
    filterset_class = ApiTopicFilterSet
    lookup_field = "slug"
    queryset = Topic.objects.annotate(sector_label=F("sector__label"))
