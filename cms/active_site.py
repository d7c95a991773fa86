"""The site that is being worked on."""

from __future__ import annotations

from django.db import connection

from tenants.models import Jurisdiction


def active_site() -> Jurisdiction:
    """The jurisdiction of the active schema, also where the schema was activated by its name alone."""
    jurisdiction = connection.tenant
    if isinstance(jurisdiction, Jurisdiction):
        return jurisdiction
    return Jurisdiction.objects.get(schema_name=connection.schema_name)
