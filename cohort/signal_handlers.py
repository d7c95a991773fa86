"""Update the public copy of a city's plan, inside the transaction that changes the plan."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from cohort.projections import refresh
from tenants.models import Jurisdiction
from tenants.signals import action_changed, jurisdiction_changed, plan_changed, plan_published


@receiver([plan_published, plan_changed, jurisdiction_changed])
def refresh_plan(*, jurisdiction: Jurisdiction, **_kwargs: Any) -> None:
    refresh.refresh(jurisdiction)


@receiver(action_changed)
def refresh_actions(*, jurisdiction: Jurisdiction, action_ids: list[int], **_kwargs: Any) -> None:
    refresh.refresh_actions(jurisdiction, action_ids)
