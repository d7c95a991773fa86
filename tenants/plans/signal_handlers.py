"""Handlers of other apps' signals; they run in the sender's transaction."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from tenants.plans.services.starter import make_starter_plan
from tenants.signals import jurisdiction_opened


@receiver(jurisdiction_opened)
def create_starter_plan(**_kwargs: Any) -> None:
    make_starter_plan()
