"""The library in the alliance's editor, and access to its files."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.panels import (
    FieldPanel,
    InlinePanel,
    MultiFieldPanel,
    ObjectList,
    TabbedInterface,
    TitleFieldPanel,
)
from wagtail.admin.ui.tables import BooleanColumn, Column, DateColumn, UpdatedAtColumn
from wagtail.admin.widgets import SlugInput
from wagtail.models import Revision
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet, SnippetViewSetGroup

from resources import forms
from resources.filters import SECTOR, TOPIC
from resources.models import Attachment, LibraryItem, SynonymGroup
from resources.presentation import missing_document_notice
from tenants import access


class LibraryItemFilter(WagtailFilterSet):
    topic = django_filters.ChoiceFilter(**TOPIC, method="with_topic")
    sector = django_filters.ChoiceFilter(**SECTOR, method="with_sector")

    class Meta:
        model = LibraryItem
        fields = ("type", "live", "visibility", "license", "evidence", "language", "is_sample")

    def with_topic(self, items: Any, _name: str, value: str) -> Any:
        return items.filter(topics__contains=[value])

    def with_sector(self, items: Any, _name: str, value: str) -> Any:
        return items.filter(sectors__contains=[value])


class LibraryItemViewSet(SnippetViewSet):
    model = LibraryItem
    icon = "doc-full-inverse"
    menu_label = _("Items")
    menu_name = "library-items"
    list_display = (
        "title",
        Column("get_type_display", label=_("Type"), sort_key="type"),
        Column("origin", label=_("From"), sort_key="origin"),
        Column("year", accessor=lambda item: str(item.year or ""), label=_("Year"), sort_key="year"),
        Column("get_visibility_display", label=_("Visible to"), sort_key="visibility"),
        BooleanColumn("is_sample", label=_("Sample"), sort_key="is_sample"),
        DateColumn("review_due", label=_("Next review"), sort_key="review_due"),
        UpdatedAtColumn(),
    )
    filterset_class = LibraryItemFilter
    search_fields = ("title", "summary", "key", "origin")
    ordering = ("title",)
    list_per_page = 40
    copy_view_enabled = False
    edit_handler = TabbedInterface(
        [
            ObjectList(
                [
                    TitleFieldPanel("title", targets=["key"]),
                    FieldPanel("key", widget=SlugInput({"data-w-slug-allow-unicode-value": False})),
                    FieldPanel("type"),
                    FieldPanel("summary"),
                    FieldPanel("body"),
                    InlinePanel(
                        "attachments",
                        heading=_("Files"),
                        label=_("File"),
                        panels=[
                            FieldPanel("title"),
                            FieldPanel("kind"),
                            FieldPanel("language"),
                            FieldPanel("document"),
                        ],
                    ),
                ],
                heading=_("Content"),
            ),
            ObjectList(
                [
                    MultiFieldPanel(
                        [FieldPanel("sectors"), FieldPanel("topics"), FieldPanel("hidden_tags")],
                        _("What it is about"),
                    ),
                    MultiFieldPanel(
                        [FieldPanel("stage"), FieldPanel("strategies"), FieldPanel("decision_kinds")],
                        _("What it is for"),
                    ),
                ],
                heading=_("Subject"),
            ),
            ObjectList(
                [
                    MultiFieldPanel(
                        [
                            FieldPanel("origin"),
                            FieldPanel("origin_kind"),
                            FieldPanel("origin_state"),
                            FieldPanel("population_band"),
                            FieldPanel("year"),
                            FieldPanel("legal_form"),
                        ],
                        _("Origin"),
                    ),
                    MultiFieldPanel(
                        [FieldPanel("evidence"), FieldPanel("effort")], _("What is known about it")
                    ),
                    FieldPanel("adapted_from"),
                    FieldPanel("language"),
                ],
                heading=_("Facts"),
            ),
            ObjectList(
                [
                    MultiFieldPanel(
                        [FieldPanel("license"), FieldPanel("attribution"), FieldPanel("source_url")],
                        _("Rights"),
                    ),
                    MultiFieldPanel(
                        [
                            FieldPanel("visibility"),
                            FieldPanel("contributed_by"),
                            FieldPanel("curator"),
                            FieldPanel("review_due"),
                            FieldPanel("is_sample"),
                        ],
                        _("Care"),
                    ),
                ],
                heading=_("Rights and care"),
            ),
        ],
        base_form_class=forms.LibraryItemForm,
    )


class SynonymGroupViewSet(SnippetViewSet):
    model = SynonymGroup
    icon = "tag"
    menu_label = _("Synonyms")
    menu_name = "library-synonyms"
    list_display = ("__str__", "theme")
    list_filter = ("theme",)
    search_fields = ("theme", "terms")
    ordering = ("theme", "pk")
    copy_view_enabled = False
    panels = (FieldPanel("terms"), FieldPanel("theme"))


class LibraryGroup(SnippetViewSetGroup):
    menu_label = _("Library")
    menu_icon = "folder-open-inverse"
    menu_order = 200
    items = (LibraryItemViewSet, SynonymGroupViewSet)


register_snippet(LibraryGroup)


@hooks.register("after_create_snippet")
@hooks.register("after_edit_snippet")
def warn_of_a_missing_document(request: HttpRequest, item: Any) -> None:
    """Tell the curator who has published an item that what it promises is not there."""
    if not isinstance(item, LibraryItem):
        return
    published = LibraryItem.objects.filter(pk=item.pk, live=True, has_unpublished_changes=False).first()
    if published and published.lacks_document:
        messages.warning(
            request,
            _(
                "“%(title)s” has neither a file nor a link to the original. Readers will see: “%(notice)s” "
                "Add a file, or the address of the original."
            )
            % {"title": item.title, "notice": missing_document_notice(published)},
        )


@hooks.register("before_serve_document")
def require_visible_item_for_documents(document: Any, request: HttpRequest) -> None:
    """A file of items is for readers who may see one of them, and for curators.

    A file that only a draft or an older revision of an item has is for curators.
    """
    if connection.schema_name != "public" or access.has_permission(
        request.user, access.Permission.CURATE_LIBRARY, connection.tenant
    ):
        return
    item_ids = list(Attachment.objects.filter(document_id=document.pk).values_list("item_id", flat=True))
    visible = LibraryItem.objects.visible_to(access.get_audience(request.user))
    is_hidden = not visible.filter(pk__in=item_ids).exists() if item_ids else _is_in_a_revision(document)
    if is_hidden:
        raise Http404


def _is_in_a_revision(document: Any) -> bool:
    """True if a saved revision of an item has this file."""
    revisions = Revision.objects.filter(base_content_type=ContentType.objects.get_for_model(LibraryItem))
    return revisions.filter(content__attachments__contains=[{"document": document.pk}]).exists()
