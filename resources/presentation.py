"""What the library's pages show, gathered with a fixed number of queries."""

from __future__ import annotations

import dataclasses
import json
from typing import Any
from urllib.parse import urlsplit

from django.db import connection, models
from django.db.models import Count, F, Func, Value
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from resources.models import DecisionKind, LibraryItem, LibraryItemQuerySet, Strategy
from tenants.models import ActionStage, Sector, Topic

MAX_TREE_NODES = 40

EVIDENCE_DESCRIPTIONS: dict[str, Promise] = {
    LibraryItem.Evidence.DESCRIBED: gettext_lazy("It says what was done. Whether it worked is not reported."),
    LibraryItem.Evidence.REPORTED_RESULTS: gettext_lazy("Results are reported by those who did it."),
    LibraryItem.Evidence.EVALUATED: gettext_lazy("Somebody else has looked at the results."),
    LibraryItem.Evidence.RIGOROUS: gettext_lazy("A study compares with what would have happened otherwise."),
}
EFFORT_DESCRIPTIONS: dict[str, Promise] = {
    LibraryItem.Effort.LOW: gettext_lazy("A few people, some weeks, little money."),
    LibraryItem.Effort.MEDIUM: gettext_lazy("Several months, some staff time, agreement of several offices."),
    LibraryItem.Effort.HIGH: gettext_lazy("A year or more, a budget of its own, a decision at the top."),
}
LICENSE_DESCRIPTIONS: dict[str, Promise] = {
    LibraryItem.License.PUBLIC_DOMAIN: gettext_lazy("Public domain. Use it freely."),
    LibraryItem.License.CC_BY: gettext_lazy("CC BY 4.0. Adapt it; give credit."),
    LibraryItem.License.CC_BY_SA: gettext_lazy(
        "CC BY-SA 4.0. Adapt it; give credit; share under the same terms."
    ),
    LibraryItem.License.PERMISSION: gettext_lazy("Shown here with permission. Ask before you adapt it."),
    LibraryItem.License.LINK_ONLY: gettext_lazy(
        "We link to the original. Its owner decides how it may be used."
    ),
}
LICENSE_URLS: dict[str, str] = {
    LibraryItem.License.PUBLIC_DOMAIN: "https://creativecommons.org/publicdomain/zero/1.0/",
    LibraryItem.License.CC_BY: "https://creativecommons.org/licenses/by/4.0/",
    LibraryItem.License.CC_BY_SA: "https://creativecommons.org/licenses/by-sa/4.0/",
}


@dataclasses.dataclass
class Node:
    """An item in the tree of adaptations."""

    key: str
    title: str
    origin: str
    year: int | None
    language: str
    is_this: bool
    children: list[Node] = dataclasses.field(default_factory=list)


class Unnest(Func):
    function = "unnest"
    set_returning = True


def localized_labels(model: type[models.Model], wanted: list[str]) -> list[dict[str, str]]:
    """Slug and label in the reader's language, in the order asked for: [{"slug": "housing", "label": "Vivienda"}]."""
    found = {row.pk: row for row in model._default_manager.filter(pk__in=wanted)} if wanted else {}
    return [{"slug": slug, "label": localized_label(found[slug])} for slug in wanted if slug in found]


def localized_label(row: Any) -> str:
    spanish = (get_language() or "").startswith("es")
    return (spanish and row.label_es) or row.label


def item_context(item: LibraryItem, *, audience: str) -> dict[str, Any]:
    """Everything the page of an item shows to `audience`."""
    topics = localized_labels(Topic, item.topics)
    tree, hidden = build_tree(item, audience=audience)
    return {
        "item": item,
        "topics": topics,
        "stages": [{"slug": slug, "label": ActionStage(slug).label} for slug in item.stage],
        "facts": facts(item, localized_labels(Sector, item.sectors)),
        "attachments": list(item.attachments.select_related("document").order_by("sort_order", "pk")),
        "tree": tree,
        "tree_hidden": hidden,
        "similar": similar_items(item, audience=audience),
        "credit": credit_line(item),
        "json_ld": json_ld(item),
        "source_host": urlsplit(item.source_url).hostname or "",
    }


def facts(item: LibraryItem, sectors: list[dict[str, str]]) -> list[tuple[Any, Any, Any]]:
    """Rows of label, value and plain words: [("Effort", "Low", "A few people, …")]; what is unknown is left out."""
    kinds = [str(DecisionKind(kind).label) for kind in item.decision_kinds]
    ways = [str(Strategy(way).label) for way in item.strategies]
    origin = f"{item.origin}, {item.origin_state}" if item.origin_state else item.origin
    rows: list[tuple[Any, Any, Any]] = [
        (_("From"), origin, item.get_origin_kind_display()),
        (_("Population"), item.get_population_band_display(), ""),
        (_("Year"), item.year, ""),
        (_("Legal form"), item.get_legal_form_display(), ""),
        (_("Evidence"), item.get_evidence_display(), EVIDENCE_DESCRIPTIONS.get(item.evidence, "")),
        (_("Effort"), item.get_effort_display(), EFFORT_DESCRIPTIONS.get(item.effort, "")),
        (_("License"), item.get_licence_display(), LICENSE_DESCRIPTIONS.get(item.licence, "")),
        (_("Sectors"), ", ".join(sector["label"] for sector in sectors) or _("Every sector"), ""),
        (_("For decisions on"), ", ".join(kinds), ""),
        (_("Strategies"), ", ".join(ways), ""),
        (_("Language"), item.get_language_display(), ""),
    ]
    return [row for row in rows if row[1]]


def credit_line(item: LibraryItem) -> str:
    """What somebody who adapts the item writes below the copy; empty where it may only be linked to."""
    if item.attribution:
        return item.attribution
    if item.licence == LibraryItem.License.LINK_ONLY:
        return ""
    parts = [item.origin, str(item.year) if item.year else "", str(item.get_licence_display())]
    return _("Adapted from %(source)s") % {"source": ", ".join(part for part in parts if part)}


def build_tree(item: LibraryItem, *, audience: str) -> tuple[Node | None, int]:
    """The tree from the oldest ancestor down, and how many nodes it leaves out for length.

    Items the audience may not see are passed over: their adaptations hang below the next older one.
    None if the item stands alone.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE up AS (
              SELECT id, adapted_from_id, 0 AS step FROM resources_libraryitem WHERE id = %(start)s
              UNION ALL
              SELECT p.id, p.adapted_from_id, up.step + 1
              FROM resources_libraryitem p JOIN up ON p.id = up.adapted_from_id WHERE up.step < 50
            ), down AS (
              (SELECT id, NULL::bigint AS parent_id, 0 AS depth FROM up ORDER BY step DESC LIMIT 1)
              UNION ALL
              SELECT c.id, c.adapted_from_id, down.depth + 1
              FROM resources_libraryitem c JOIN down ON c.adapted_from_id = down.id WHERE down.depth < 50
            )
            SELECT d.id, d.parent_id, i.key, i.title, i.origin, i.year, i.language, i.live, i.visibility
            FROM down d JOIN resources_libraryitem i ON i.id = d.id
            ORDER BY d.depth, i.year NULLS FIRST, i.title
            LIMIT 500
            """,
            {"start": item.pk or (item.adapted_from_id or 0)},
        )
        rows = cursor.fetchall()
    nodes: dict[int, Node | None] = {}
    stands_in: dict[int, int | None] = {}  # a node passed over -> the nearest older one that is shown
    root: Node | None = None
    shown = hidden = 0
    for pk, parent_id, key, title, origin, year, language, live, visibility in rows:
        while parent_id in stands_in:
            parent_id = stands_in[parent_id]
        is_this = pk == item.pk
        readable = live and (audience == "members" or visibility == LibraryItem.Audience.PUBLIC)
        if not readable and not is_this:
            stands_in[pk] = parent_id
            continue
        if shown >= MAX_TREE_NODES and not is_this:
            hidden += 1
            stands_in[pk] = parent_id
            continue
        shown += 1
        node = Node(key, title, origin, year, language, is_this)
        nodes[pk] = node
        parent = nodes.get(parent_id) if parent_id else None
        if parent is not None:
            parent.children.append(node)
        elif root is None:
            root = node
        elif is_this:  # its ancestors are not readable and something else came first
            root.children.append(node)
    return (root, hidden) if shown > 1 else (None, 0)


def similar_items(item: LibraryItem, *, audience: str, limit: int = 5) -> list[LibraryItem]:
    """Items that share most topics with this one."""
    if not item.topics:
        return []
    shared = Func(
        F("topics"),
        Value(item.topics),
        template="cardinality(ARRAY(SELECT unnest(%(expressions)s::varchar[])))",
        arg_joiner="::varchar[]) INTERSECT SELECT unnest(",
        output_field=models.IntegerField(),
    )
    return list(
        LibraryItem.objects.visible_to(audience)
        .filter(topics__overlap=item.topics)
        .exclude(pk=item.pk)
        .annotate(shared=shared)
        .order_by("-shared", F("year").desc(nulls_last=True), "title")[:limit]
    )


def json_ld(item: LibraryItem) -> SafeString:
    """schema.org's description of the item, safe to stand inside a script element."""
    described = {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "name": item.title,
        "abstract": item.summary,
        "inLanguage": item.language,
        "genre": str(item.get_type_display()),
        "keywords": item.topics,
        "creator": {"@type": "Organization", "name": item.origin},
        "dateCreated": str(item.year) if item.year else None,
        "license": LICENSE_URLS.get(item.licence),
        "isBasedOn": item.source_url or None,
        "creditText": credit_line(item) or None,
    }
    text = json.dumps({name: value for name, value in described.items() if value}, ensure_ascii=False)
    escapes = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}
    return mark_safe(text.translate(escapes))  # noqa: S308 - nothing in it can end the element


# ---- Browsing ---------------------------------------------------------------------------------------------
FACETS = ("type", "topic", "stage")


def apply_facets(items: LibraryItemQuerySet, chosen: dict[str, str], *, but: str = "") -> LibraryItemQuerySet:
    """The items that match what was chosen, leaving one facet out."""
    if chosen.get("type") and but != "type":
        items = items.filter(type=chosen["type"])
    if chosen.get("topic") and but != "topic":
        items = items.filter(topics__contains=[chosen["topic"]])
    if chosen.get("stage") and but != "stage":
        items = items.filter(stage__contains=[chosen["stage"]])
    return items


def count_facets(items: LibraryItemQuerySet, chosen: dict[str, str]) -> list[dict[str, Any]]:
    """What the list can be narrowed by, each choice with the number it would leave; three queries.

    [{"name": "type", "label": "Type", "choices": [{"value": "tool", "label": "Tool", "count": 15, "on": False}]}]
    """
    columns = {"type": F("type"), "topic": Unnest(F("topics")), "stage": Unnest(F("stage"))}
    names = {"type": _("Type"), "topic": _("Topic"), "stage": _("Kind of step")}
    topic_labels = {topic.slug: localized_label(topic) for topic in Topic.objects.all()}
    words: dict[str, dict[str, Any]] = {
        "type": dict(LibraryItem.Type.choices),
        "topic": topic_labels,
        "stage": dict(ActionStage.choices),
    }
    found = []
    for name in FACETS:
        counts = (
            apply_facets(items, chosen, but=name)
            .order_by()
            .annotate(value=columns[name])
            .values("value")
            .annotate(count=Count("pk"))
            .values_list("value", "count")
        )
        choices = [
            {
                "value": value,
                "label": words[name].get(value, value),
                "count": count,
                "on": chosen.get(name) == value,
            }
            for value, count in counts
        ]
        order = {value: index for index, value in enumerate(words[name])}
        if name == "stage":
            choices.sort(key=lambda choice: order.get(choice["value"], 99))
        else:
            choices.sort(key=lambda choice: (-choice["count"], str(choice["label"])))
        found.append({"name": name, "label": names[name], "choices": choices})
    return found
