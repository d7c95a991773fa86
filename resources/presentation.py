"""The content of an item's page, gathered with a fixed number of queries."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from django.db import models
from django.db.models import F, Func, Value
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from resources.body_text import to_html
from resources.lineage import build_tree
from resources.models import DecisionKind, LibraryItem, Strategy
from tenants.models import ActionStage, Jurisdiction, Sector, Topic

EVIDENCE_DESCRIPTIONS: dict[str, Promise] = {
    LibraryItem.Evidence.DESCRIBED: gettext_lazy(
        "Describes what was done. Whether it worked is not reported."
    ),
    LibraryItem.Evidence.REPORTED_RESULTS: gettext_lazy(
        "Results are reported by the people who did the work."
    ),
    LibraryItem.Evidence.EVALUATED: gettext_lazy("Someone else has reviewed the results."),
    LibraryItem.Evidence.RIGOROUS: gettext_lazy(
        "A study compares the results with what would have happened otherwise."
    ),
}
EFFORT_DESCRIPTIONS: dict[str, Promise] = {
    LibraryItem.Effort.LOW: gettext_lazy("A few people, some weeks, little money."),
    LibraryItem.Effort.MEDIUM: gettext_lazy("Several months, some staff time, agreement of several offices."),
    LibraryItem.Effort.HIGH: gettext_lazy("A year or more, its own budget, a decision by top leaders."),
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
DECISIONS_LABEL = gettext_lazy("For decisions on")
LICENSE_URLS: dict[str, str] = {
    LibraryItem.License.PUBLIC_DOMAIN: "https://creativecommons.org/publicdomain/zero/1.0/",
    LibraryItem.License.CC_BY: "https://creativecommons.org/licenses/by/4.0/",
    LibraryItem.License.CC_BY_SA: "https://creativecommons.org/licenses/by-sa/4.0/",
}


def localized_labels(model: type[models.Model], slugs: list[str]) -> list[dict[str, str]]:
    """Slugs with their labels in the reader's language: [{"slug": "housing", "label": "Vivienda"}].

    In the order of `slugs`; unknown ones are left out.
    """
    by_slug = {row.pk: row for row in model._default_manager.filter(pk__in=slugs)} if slugs else {}
    return [{"slug": slug, "label": localized_label(by_slug[slug])} for slug in slugs if slug in by_slug]


def localized_label(row: Any) -> str:
    is_spanish = (get_language() or "").startswith("es")
    return (is_spanish and row.label_es) or row.label


def missing_document_notice(item: LibraryItem) -> str:
    if item.type == LibraryItem.Type.VIDEO:
        return _("The video itself is not here yet.")
    return _("The document itself is not here yet.")


def _whom_to_ask(item: LibraryItem) -> dict[str, str]:
    """Who has the document: the jurisdiction that contributed the item, or that it comes from, with its contact."""
    owner = item.contributed_by or Jurisdiction.objects.tenants().filter(name=item.origin).first()
    if owner is None:
        return {"name": item.origin, "email": "", "url": ""}
    url = owner.build_url("wagtail_serve", "contact/") if owner.is_launched and owner.has_contact else ""
    return {"name": owner.name, "email": owner.contact_email, "url": url}


def item_context(item: LibraryItem, *, audience: str) -> dict[str, Any]:
    """The template context of an item's page for `audience`."""
    topics = localized_labels(Topic, item.topics)
    tree, hidden = build_tree(item, audience=audience)
    attachments = list(item.attachments.select_related("document").order_by("sort_order", "pk"))
    lacks_document = item.type in LibraryItem.DOCUMENT_TYPES and not item.source_url and not attachments
    return {
        "item": item,
        "topics": topics,
        "stages": [{"slug": slug, "label": ActionStage(slug).label} for slug in item.stage],
        "facts": facts(item, localized_labels(Sector, item.sectors)),
        "body": to_html(item.body),
        "attachments": attachments,
        "missing_document": missing_document_notice(item) if lacks_document else "",
        "owner": _whom_to_ask(item) if lacks_document else None,
        "tree": tree,
        "tree_hidden": hidden,
        "similar": similar_items(item, audience=audience),
        "credit": credit_line(item),
        "json_ld": json_ld(item),
        "source_host": urlsplit(item.source_url).hostname or "",
    }


def facts(item: LibraryItem, sectors: list[dict[str, str]]) -> list[tuple[Any, Any, Any]]:
    """Rows of label, value and explanation: [("Effort", "Low", "A few people, …")]; rows without a value are left out."""
    kinds = [str(DecisionKind(kind).label) for kind in item.decision_kinds]
    strategies = [str(Strategy(strategy).label) for strategy in item.strategies]
    origin = f"{item.origin}, {item.origin_state}" if item.origin_state else item.origin
    rows: list[tuple[Any, Any, Any]] = [
        (_("From"), origin, item.get_origin_kind_display()),
        (_("Population"), item.get_population_band_display(), ""),
        (_("Year"), str(item.year or ""), ""),
        (_("Legal form"), item.get_legal_form_display(), ""),
        (_("Evidence"), item.get_evidence_display(), EVIDENCE_DESCRIPTIONS.get(item.evidence, "")),
        (_("Effort"), item.get_effort_display(), EFFORT_DESCRIPTIONS.get(item.effort, "")),
        (_("License"), item.get_license_display(), LICENSE_DESCRIPTIONS.get(item.license, "")),
        (_("Sectors"), ", ".join(sector["label"] for sector in sectors) or _("Every sector"), ""),
        (DECISIONS_LABEL, ", ".join(kinds), ""),
        (_("Approach"), ", ".join(strategies), ""),
        (_("Language"), item.get_language_display(), ""),
    ]
    return [row for row in rows if row[1]]


def credit_line(item: LibraryItem) -> str:
    """The credit line to put below an adaptation; empty if the item may only be linked to."""
    if item.attribution:
        return item.attribution
    if item.license == LibraryItem.License.LINK_ONLY:
        return ""
    sources = [item.origin, str(item.year) if item.year else "", str(item.get_license_display())]
    return _("Adapted from %(source)s") % {"source": ", ".join(source for source in sources if source)}


def similar_items(item: LibraryItem, *, audience: str, limit: int = 5) -> list[LibraryItem]:
    """The items that share the most topics with this one."""
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
    """The item as JSON-LD of schema.org, safe inside a script element."""
    properties = {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "name": item.title,
        "abstract": item.summary,
        "inLanguage": item.language,
        "genre": str(item.get_type_display()),
        "keywords": item.topics,
        "creator": {"@type": "Organization", "name": item.origin},
        "dateCreated": str(item.year) if item.year else None,
        "license": LICENSE_URLS.get(item.license),
        "isBasedOn": item.source_url or None,
        "creditText": credit_line(item) or None,
    }
    text = json.dumps({name: value for name, value in properties.items() if value}, ensure_ascii=False)
    escapes = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}
    return mark_safe(text.translate(escapes))  # noqa: S308 - nothing in it can end the element
