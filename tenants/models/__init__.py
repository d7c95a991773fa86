"""The tables of the public schema: jurisdictions, people, the audit trail, the taxonomy and jobs."""

from tenants.models.audit import AuditEvent
from tenants.models.jobs import PeriodicRun, Worker
from tenants.models.jurisdictions import (
    RESERVED_SLUGS,
    Domain,
    Jurisdiction,
    JurisdictionQuerySet,
    Visibility,
)
from tenants.models.people import (
    ALLIANCE_ROLES,
    CITY_ROLES,
    Affiliation,
    AffiliationQuerySet,
    Invitation,
    Role,
    SignInCode,
    utc_today,
)
from tenants.models.taxonomy import ActionStage, Sector, Topic

__all__ = [
    "ALLIANCE_ROLES",
    "CITY_ROLES",
    "RESERVED_SLUGS",
    "ActionStage",
    "Affiliation",
    "AffiliationQuerySet",
    "AuditEvent",
    "Domain",
    "Invitation",
    "Jurisdiction",
    "JurisdictionQuerySet",
    "PeriodicRun",
    "Role",
    "Sector",
    "SignInCode",
    "Topic",
    "Visibility",
    "Worker",
    "utc_today",
]
