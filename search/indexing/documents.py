"""The only place that makes search documents from rows.

Each function returns an unsaved `Document`; `audience` has no default. Nothing internal to a city may be passed here.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.html import strip_tags

from cms.models import NarrativePage
from cohort.models import PublicAction, PublicOutcome, PublicPlan
from resources.body_text import to_plain_text
from resources.models import LibraryItem
from search.models import Document
from search.text import MAX_BODY_LENGTH, MAX_HIDDEN_LENGTH, clean, title_key, vocabulary_terms
from search.types import ALLIANCE_HOST
from tenants.models import Jurisdiction, Topic
from tenants.models.us_states import state_name
from tenants.plans.standing import due_passed_from
from tenants.web.urlconf import city_path

_NAMESPACE = uuid.UUID("5e8b1c34-6d0f-4c6e-9a58-0c7b6a4d2f11")

TopicsBySlug = Mapping[str, Topic]


def library_uuid(item_id: int) -> uuid.UUID:
    """UUID of a library item's document, always the same one; items have none of their own."""
    return uuid.uuid5(_NAMESPACE, f"library/{item_id}")


def page_uuid(jurisdiction: Jurisdiction, page_id: int) -> uuid.UUID:
    """UUID of a page's document, made from schema and page id: copied pages share their translation key."""
    return uuid.uuid5(_NAMESPACE, f"page/{jurisdiction.schema_name}/{page_id}")


def from_library_item(
    item: LibraryItem, *, audience: str, topics: TopicsBySlug, texts: Mapping[str, str]
) -> Document:
    """The document of a library item; `item.attachments` should be prefetched with their documents.

    `topics` holds all topics: an item is also found by the names and aliases of its topics. `texts` holds the
    extracted text of files by the hash of their content.
    """
    attachments = item.attachments.all()
    file_titles = [attachment.title for attachment in attachments]
    file_texts = [texts.get(attachment.document.file_hash, "") for attachment in attachments]
    kind_labels = [item.get_type_display(), item.get_legal_form_display() if item.legal_form else ""]
    return _build_document(
        kind=Document.Kind.LIBRARY,
        uuid=library_uuid(item.pk),
        key=item.key,
        audience=audience,
        language=item.language,
        title=item.title,
        origin=item.origin,
        summary=item.summary,
        body=to_plain_text(item.body),
        hidden=[
            *item.hidden_tags,
            *_topic_names(item.topics, topics),
            *kind_labels,
            *file_titles,
            state_name(item.origin_state) if item.origin_state else "",
            *file_texts,
        ],
        host=ALLIANCE_HOST,
        path=item.get_absolute_url(),
        type=item.type,
        topics=item.topics,
        sectors=item.sectors,
        stages=item.stage,
        decision_kinds=item.decision_kinds,
        population_band=item.population_band,
        state=item.origin_state,
        evidence=item.evidence,
        legal_form=item.legal_form,
        licence=item.license,
        file="yes" if attachments else "",
        year=item.year,
        dated_on=item.first_published_at.date() if item.first_published_at else None,
        data={"is_sample": item.is_sample, "files": item.file_formats},
    )


def from_plan(jurisdiction: Jurisdiction, plan: PublicPlan, *, audience: str) -> Document:
    return _city_document(
        jurisdiction,
        kind=Document.Kind.PLAN,
        uuid=plan.uuid,
        audience=audience,
        title=plan.title,
        summary=plan.summary,
        hidden=["racial equity action plan", "REAP"],
        path=city_path("dashboard:plan"),
        type="plan",
        year=plan.adopted_on.year if plan.adopted_on else None,
        dated_on=plan.adopted_on or (plan.published_at.date() if plan.published_at else None),
        data={
            "lifecycle": plan.lifecycle,
            "period": [
                plan.period_start and plan.period_start.year,
                plan.period_end and plan.period_end.year,
            ],
            "actions": plan.actions,
            "completed": plan.completed,
        },
    )


def from_outcome(jurisdiction: Jurisdiction, outcome: PublicOutcome, *, audience: str) -> Document:
    """The document of an outcome; reads `outcome.goal`."""
    return _city_document(
        jurisdiction,
        kind=Document.Kind.OUTCOME,
        uuid=outcome.uuid,
        audience=audience,
        title=outcome.title,
        summary=outcome.goal.title,
        path=city_path("dashboard:plan"),
        sectors=outcome.goal.sectors,
        stages=[outcome.stage] if outcome.stage else [],
        dated_on=outcome.updated_at.date(),
        data={"label": outcome.label},
    )


def from_action(
    jurisdiction: Jurisdiction,
    action: PublicAction,
    *,
    audience: str,
    topics: TopicsBySlug,
    is_draft: bool,
) -> Document:
    """The document of an action; reads `action.outcome.goal`. `is_draft`: its plan is one."""
    due_passed_at = (
        None
        if action.status
        else due_passed_from(action.due_date, is_draft=is_draft, zone=ZoneInfo(jurisdiction.timezone))
    )
    own_texts = [action.details, action.reason, action.next_step, action.accountable]
    return _city_document(
        jurisdiction,
        kind=Document.Kind.ACTION,
        uuid=action.uuid,
        audience=audience,
        title=action.title,
        summary=action.last_update_text or action.details,
        body="\n\n".join([*own_texts, action.outcome.title, action.outcome.goal.title]),
        hidden=_topic_names(action.topics, topics),
        path=action.path,
        topics=action.topics,
        sectors=action.sectors or action.outcome.goal.sectors,
        stages=[stage] if (stage := action.stage or action.outcome.stage) else [],
        status=action.status,
        overdue_at=action.overdue_at,
        dated_on=action.last_update_on or action.updated_at.date(),
        data={
            "number": action.number,
            "accountable": action.accountable,
            "due": action.due_date.isoformat() if action.due_date else None,
            "due_precision": action.due_precision,
            "updated": action.last_update_on.isoformat() if action.last_update_on else None,
            # Without a status it is never overdue; its result says from then on that the date has passed.
            "due_passed_at": int(due_passed_at.timestamp()) if due_passed_at else None,
            "has_report": bool(action.last_update_on or action.last_update_text),
        },
    )


def from_page(jurisdiction: Jurisdiction, page: NarrativePage, *, audience: str) -> Document:
    lead = page.lead or page.headline
    return _city_document(
        jurisdiction,
        kind=Document.Kind.NARRATIVE,
        uuid=page_uuid(jurisdiction, page.pk),
        audience=audience,
        language=page.language,
        title=page.headline or page.title,
        summary=lead,
        body=strip_tags(page.get_search_text()),
        hidden=[page.title, page.search_description, "racial equity narrative"],
        path=city_path("narrative"),
        type="narrative",
        year=page.first_published_at.year if page.first_published_at else None,
        dated_on=page.last_published_at.date() if page.last_published_at else None,
    )


def _city_document(jurisdiction: Jurisdiction, *, hidden: Iterable[str] = (), **fields: Any) -> Document:
    site_language = jurisdiction.languages[:1]
    fields.setdefault("language", "es" if site_language == ["es"] else "en")
    return _build_document(
        jurisdiction=jurisdiction,
        origin=jurisdiction.name,
        hidden=[
            *hidden,
            jurisdiction.short_name,
            state_name(jurisdiction.state) if jurisdiction.state else "",
        ],
        host=jurisdiction.slug,
        population_band=jurisdiction.population_band,
        state=jurisdiction.state,
        **fields | {"data": fields.get("data", {}) | {"is_sample": jurisdiction.is_sample}},
    )


def _build_document(
    *,
    title: str,
    summary: str,
    body: str = "",
    hidden: Iterable[str] = (),
    dated_on: dt.date | None,
    **fields: Any,
) -> Document:
    for name in ("topics", "sectors", "stages", "decision_kinds"):
        fields[name] = list(dict.fromkeys(fields.get(name, ())))  # without duplicates, which would be counted
    title, summary, body = clean(title), clean(summary), clean(body)[:MAX_BODY_LENGTH]
    return Document(
        title=title,
        title_key=title_key(title),
        summary=summary,
        body=body,
        hidden=", ".join(clean(str(text)) for text in hidden if text)[:MAX_HIDDEN_LENGTH],
        terms=vocabulary_terms([title, summary, body, fields.get("origin", "")]),
        dated_on=dated_on,
        **fields,
    )


def _topic_names(slugs: Iterable[str], topics: TopicsBySlug) -> list[str]:
    """The label, Spanish label and aliases of each topic."""
    known_topics = [topics[slug] for slug in slugs if slug in topics]
    return [name for topic in known_topics for name in (topic.label, topic.label_es, *topic.aliases)]
