"""The filters of the library's list, with the number of items that each choice would leave."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, F, Func
from django.utils.translation import gettext_lazy as _

from resources.models import LibraryItem
from resources.presentation import localized_label
from tenants.models import Sector, Topic
from tenants.web.filters import Facet, ListFilterSet, facet


def topic_choices() -> list[tuple[str, str]]:
    return [(topic.pk, localized_label(topic)) for topic in Topic.objects.order_by("label")]


def sector_choices() -> list[tuple[str, str]]:
    return [(sector.pk, localized_label(sector)) for sector in Sector.objects.order_by("position")]


TOPIC: dict[str, Any] = {"label": _("Topic"), "choices": topic_choices}
FILE: dict[str, Any] = {"label": _("Files"), "choices": [("yes", _("With a file"))]}
SECTOR: dict[str, Any] = {"label": _("Sector"), "choices": sector_choices}


class Unnest(Func):
    function = "unnest"
    set_returning = True


class LibraryFilterSet(ListFilterSet):
    type = facet(LibraryItem, "type")
    topic = Facet("topics", "overlap", **TOPIC)
    stage = facet(LibraryItem, "stage", lookup_expr="overlap")
    file = Facet("file", **FILE)
    open_facets: ClassVar = ("type", "file", "stage")
    facets_by_count: ClassVar = ("type", "topic")

    class Meta:
        model = LibraryItem
        fields = ()

    def facets(self) -> list[dict[str, Any]]:
        """The facets of the list, each choice with the number of items it would leave; a query for each facet."""
        columns = {
            "type": F("type"),
            "topic": Unnest(F("topics")),
            "stage": Unnest(F("stage")),
            "file": F("file"),
        }
        facets = []
        for name, column in columns.items():
            counts = (
                self.filter_queryset(self.queryset, skip=(name,))
                .order_by()
                .values(value=column)
                .annotate(count=Count("pk"))
                .values_list("value", "count")
            )
            facet = self.facet(name, {value: count for value, count in counts if value})
            if not facet["choices"]:
                continue
            for choice in facet["choices"]:
                choice["url"] = self.query_string(**{name: "" if choice["is_selected"] else choice["value"]})
            facets.append(facet)
        return facets
