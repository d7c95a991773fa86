"""Synchronizes search documents with what cities and the library show now.

Plans are read from their public copies (`cohort`), which hold nothing internal; pages from their city's schema,
which must be active. With `check` nothing is written; the counts say what would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import connection, transaction

from cms.models import NarrativePage
from cohort.models import PublicAction, PublicOutcome, PublicPlan
from resources.models import LibraryItem
from resources.text_extraction import tasks as text_extraction
from search.indexing import documents, store
from search.models import Document
from tenants.models import Jurisdiction, Topic, Visibility
from tenants.plans.models import Action, Plan

BATCH_SIZE = 500


def plan_audience(jurisdiction: Jurisdiction, visibility: str) -> str | None:
    """The audience of a plan's documents: "public", "members", or None for nobody.

    A public plan is not found before the city's site is launched; a plan shared with the cohort is.
    """
    if visibility == Visibility.COHORT:
        return Document.Audience.MEMBERS
    if visibility == Visibility.PUBLIC and jurisdiction.is_launched:
        return Document.Audience.PUBLIC
    return None


def topics_by_slug() -> dict[str, Topic]:
    return Topic.objects.in_bulk()


@transaction.atomic
def refresh_plan(jurisdiction: Jurisdiction, *, check: bool = False) -> store.WriteCounts:
    """Synchronize all documents of a city's plan; the same number of queries for any number of actions."""
    jurisdiction = _lock_and_refresh(jurisdiction)
    return store.replace(
        _documents_of_plan(jurisdiction),
        among=Document.objects.of_plans().filter(jurisdiction=jurisdiction),
        check=check,
    )


@transaction.atomic
def refresh_actions(jurisdiction: Jurisdiction, action_ids: Iterable[int]) -> store.WriteCounts:
    """Synchronize the documents of these actions, and the plan's own, which counts them."""
    jurisdiction = _lock_and_refresh(jurisdiction)
    uuids = list(Action.objects.filter(pk__in=list(action_ids)).values_list("uuid", flat=True))
    plans = list(_plan_documents(jurisdiction))
    stored = Document.objects.filter(jurisdiction=jurisdiction)
    return store.replace(
        _action_documents(jurisdiction, uuids),
        among=stored.filter(kind=Document.Kind.ACTION, uuid__in=uuids),
    ) + store.replace(plans, among=stored.filter(kind=Document.Kind.PLAN))


@transaction.atomic
def refresh_pages(
    jurisdiction: Jurisdiction, page_ids: Iterable[int] | None = None, *, check: bool = False
) -> store.WriteCounts:
    """Synchronize these narratives of a city, or all. Only live, unrestricted pages of a launched site are found."""
    jurisdiction = _lock_and_refresh(jurisdiction)
    among = Document.objects.filter(jurisdiction=jurisdiction, kind=Document.Kind.NARRATIVE)
    pages = NarrativePage.objects.live().public().order_by("pk")
    if page_ids is not None:
        page_ids = list(page_ids)
        pages = pages.filter(pk__in=page_ids)
        among = among.filter(uuid__in=[documents.page_uuid(jurisdiction, pk) for pk in page_ids])
    visible_pages = pages if jurisdiction.is_tenant and jurisdiction.is_launched else pages.none()
    return store.replace(
        (
            documents.from_page(jurisdiction, page, audience=Document.Audience.PUBLIC)
            for page in visible_pages
        ),
        among=among,
        check=check,
    )


@transaction.atomic
def refresh_library(item_ids: Iterable[int], *, check: bool = False) -> store.WriteCounts:
    """Synchronize the documents of these items; a withdrawn or deleted item has none."""
    ids = list(item_ids)
    live = LibraryItem.objects.live().filter(pk__in=ids)
    items = list(live.prefetch_related("attachments__document"))
    topics, texts = topics_by_slug(), text_extraction.get_extracted_texts(items)
    return store.replace(
        (
            documents.from_library_item(item, audience=item.audience, topics=topics, texts=texts)
            for item in items
        ),
        among=Document.objects.filter(
            kind=Document.Kind.LIBRARY, uuid__in=[documents.library_uuid(pk) for pk in ids]
        ),
        check=check,
    )


def library_batches() -> Iterator[list[int]]:
    """The ids of all live items, at most BATCH_SIZE at a time."""
    last_id = 0
    live = LibraryItem.objects.live().order_by("pk").values_list("pk", flat=True)
    while batch := list(live.filter(pk__gt=last_id)[:BATCH_SIZE]):
        yield batch
        last_id = batch[-1]


@transaction.atomic
def remove_orphans(*, check: bool = False) -> store.WriteCounts:
    """Remove documents of library items that are deleted or withdrawn."""
    live = LibraryItem.objects.live().values("key")
    orphans = Document.objects.filter(kind=Document.Kind.LIBRARY).exclude(key__in=live)
    return store.WriteCounts(removed=orphans.count() if check else store.remove(orphans))


def _lock_and_refresh(jurisdiction: Jurisdiction) -> Jurisdiction:
    """The registry's row, read after every other writer of this city's documents has committed.

    Otherwise an edit that began while the site was open could be found after the site was closed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext(%s))", [f"documents {jurisdiction.schema_name}"]
        )
    return Jurisdiction.objects.get(pk=jurisdiction.pk)


def _plan_documents(jurisdiction: Jurisdiction) -> Iterator[Document]:
    for plan in PublicPlan.objects.filter(jurisdiction=jurisdiction):
        if audience := plan_audience(jurisdiction, plan.visibility):
            yield documents.from_plan(jurisdiction, plan, audience=audience)


def _documents_of_plan(jurisdiction: Jurisdiction) -> Iterator[Document]:
    yield from _plan_documents(jurisdiction)
    for outcome in PublicOutcome.objects.filter(jurisdiction=jurisdiction).select_related("goal"):
        if audience := plan_audience(jurisdiction, outcome.visibility):
            yield documents.from_outcome(jurisdiction, outcome, audience=audience)
    yield from _action_documents(jurisdiction, None)


def _action_documents(jurisdiction: Jurisdiction, uuids: list | None) -> Iterator[Document]:
    rows = PublicAction.objects.filter(jurisdiction=jurisdiction).select_related("outcome__goal")
    topics = topics_by_slug()
    drafts = PublicPlan.objects.filter(jurisdiction=jurisdiction, lifecycle=Plan.Lifecycle.DRAFT)
    is_draft = drafts.exists()
    for action in rows if uuids is None else rows.filter(uuid__in=uuids):
        if audience := plan_audience(jurisdiction, action.visibility):
            yield documents.from_action(
                jurisdiction, action, audience=audience, topics=topics, is_draft=is_draft
            )
