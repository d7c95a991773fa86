"""The filters of the library's list, with the number of items that each choice would leave."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Func
from django.utils.translation import gettext as _

from resources.models import LibraryItem, LibraryItemQuerySet
from resources.presentation import localized_label
from tenants.models import ActionStage, Topic

FACETS = ("type", "topic", "stage")


class Unnest(Func):
    function = "unnest"
    set_returning = True


def apply_facets(
    items: LibraryItemQuerySet, selected: dict[str, str], *, except_facet: str = ""
) -> LibraryItemQuerySet:
    """The items that match the selected values, one facet left out."""
    if selected.get("type") and except_facet != "type":
        items = items.filter(type=selected["type"])
    if selected.get("topic") and except_facet != "topic":
        items = items.filter(topics__contains=[selected["topic"]])
    if selected.get("stage") and except_facet != "stage":
        items = items.filter(stage__contains=[selected["stage"]])
    return items


def count_facets(items: LibraryItemQuerySet, selected: dict[str, str]) -> list[dict[str, Any]]:
    """The facets of the list, each choice with the number of items it would leave; three queries.

    [{"name": "type", "label": "Type", "choices": [{"value": "tool", "label": "Tool", "count": 15, "is_selected": False}]}]
    """
    columns = {"type": F("type"), "topic": Unnest(F("topics")), "stage": Unnest(F("stage"))}
    facet_labels = {"type": _("Type"), "topic": _("Topic"), "stage": _("Kind of step")}
    labels: dict[str, dict[str, Any]] = {
        "type": dict(LibraryItem.Type.choices),
        "topic": {topic.slug: localized_label(topic) for topic in Topic.objects.all()},
        "stage": dict(ActionStage.choices),
    }
    facets = []
    for name in FACETS:
        counts = (
            apply_facets(items, selected, except_facet=name)
            .order_by()
            .annotate(value=columns[name])
            .values("value")
            .annotate(count=Count("pk"))
            .values_list("value", "count")
        )
        choices = [
            {
                "value": value,
                "label": labels[name].get(value, value),
                "count": count,
                "is_selected": selected.get(name) == value,
            }
            for value, count in counts
        ]
        order = {value: index for index, value in enumerate(labels[name])}
        if name == "stage":
            choices.sort(key=lambda choice: order.get(choice["value"], 99))
        else:
            choices.sort(key=lambda choice: (-choice["count"], str(choice["label"])))
        facets.append({"name": name, "label": facet_labels[name], "choices": choices})
    return facets
