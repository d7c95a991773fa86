"""Publishes and withdraws scheduled pages and library items."""

from __future__ import annotations

from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone
from django_tenants.utils import tenant_context
from wagtail.models import DraftStateMixin, Page, Revision

from tenants.models import Jurisdiction


def publish_due(jurisdiction: Jurisdiction) -> int:
    """Publish and withdraw what is due at `jurisdiction` by now, in one transaction; return the number of changes.

    Wagtail's own command is not used: it publishes outside a transaction, and in a city's schema it would
    also publish items of the library, whose tables are in the public schema alone.
    """
    now = timezone.now()
    changes = 0
    with tenant_context(jurisdiction), transaction.atomic():
        models = [Page]
        if jurisdiction.schema_name == "public":
            models += [
                model
                for model in apps.get_models()
                if issubclass(model, DraftStateMixin) and not issubclass(model, Page)
            ]
        for model in models:
            for item in model.objects.filter(live=True, expire_at__lt=now).order_by("expire_at"):
                item.unpublish(set_expired=True, log_action="wagtail.unpublish.scheduled")
                changes += 1
        due = Revision.objects.filter(approved_go_live_at__lt=now).order_by("approved_go_live_at")
        for revision in due:
            revision.publish(log_action="wagtail.publish.scheduled")
            changes += 1
    connection.set_schema_to_public()
    return changes
