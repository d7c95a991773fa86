"""Synchronizes search documents with what is shown, inside the transaction that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from search.indexing import sync
from tenants.models import Jurisdiction
from tenants.signals import jurisdiction_changed, library_item_changed, page_changed, projection_changed


@receiver(projection_changed)
def refresh_plan(*, jurisdiction: Jurisdiction, action_ids: Sequence[int] | None, **_kwargs: Any) -> None:
    if action_ids is None:
        sync.refresh_plan(jurisdiction)
    else:
        sync.refresh_actions(jurisdiction, action_ids)


@receiver(jurisdiction_changed)
def refresh_pages(*, jurisdiction: Jurisdiction, **_kwargs: Any) -> None:
    sync.refresh_pages(jurisdiction)


@receiver(page_changed)
def refresh_page(*, jurisdiction: Jurisdiction, page_id: int, **_kwargs: Any) -> None:
    sync.refresh_pages(jurisdiction, [page_id])


@receiver(library_item_changed)
def refresh_library_item(*, item_id: int, **_kwargs: Any) -> None:
    sync.refresh_library([item_id])
