"""Keeps what may be found in step with what is shown, inside the transaction that changes it."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from search.indexing import sync
from tenants.models import Jurisdiction
from tenants.signals import (
    action_changed,
    jurisdiction_changed,
    library_item_changed,
    page_changed,
    plan_changed,
    plan_published,
)


@receiver([plan_published, plan_changed])
def refresh_plan(*, jurisdiction: Jurisdiction, **_kwargs: Any) -> None:
    sync.refresh_plan(jurisdiction)


@receiver(action_changed)
def refresh_actions(*, jurisdiction: Jurisdiction, action_ids: list[int], **_kwargs: Any) -> None:
    sync.refresh_actions(jurisdiction, action_ids)


@receiver(jurisdiction_changed)
def refresh_jurisdiction(*, jurisdiction: Jurisdiction, **_kwargs: Any) -> None:
    sync.refresh_plan(jurisdiction)
    sync.refresh_pages(jurisdiction)


@receiver(page_changed)
def refresh_page(*, jurisdiction: Jurisdiction, page_id: int, **_kwargs: Any) -> None:
    sync.refresh_pages(jurisdiction, [page_id])


@receiver(library_item_changed)
def refresh_library_item(*, item_id: int, **_kwargs: Any) -> None:
    sync.refresh_library([item_id])
