"""The audit trail of the alliance and of the cities' teams."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import User
from tenants.models.jurisdictions import Jurisdiction
from tenants.models.people import Invitation


class AuditEventManager(models.Manager["AuditEvent"]):
    def log(
        self,
        verb: str,
        jurisdiction: Jurisdiction,
        *,
        by: User | None,
        target: User | Invitation | None = None,
        detail: dict[str, Any] | None = None,
    ) -> AuditEvent:
        """Record that `by` (None: a command) did `verb` at a jurisdiction: to `target`, or to the jurisdiction itself."""
        return self.create(
            actor=by,
            jurisdiction=jurisdiction,
            verb=verb,
            object_type=str((target or jurisdiction)._meta.model_name),
            object_id=str(target.uuid) if target else jurisdiction.slug,
            detail=detail or {},
        )


class AuditEvent(models.Model):
    """Who did what to a jurisdiction or to its team. Changes to a plan are logged in the city's own schema instead."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    jurisdiction = models.ForeignKey(Jurisdiction, models.PROTECT, null=True, related_name="audit_events")
    verb = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    objects = AuditEventManager()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.verb}"
