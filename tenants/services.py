"""What is done to jurisdictions, teams and sessions. Pages, commands and the API call these."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context, tenant_context

from accounts.models import User
from tenants import cloning
from tenants.models import RESERVED_SLUGS, Affiliation, AuditEvent, Domain, Jurisdiction, Role
from tenants.signals import jurisdiction_opened


def schema_for(slug: str) -> str:
    """ "marrow-bend" lives in schema "c_marrow_bend", for good."""
    return "c_" + slug.replace("-", "_")


@transaction.atomic
def open_jurisdiction(*, name: str, slug: str, by: User | None, **fields: Any) -> Jurisdiction:
    """Open a jurisdiction: registry row, host, schema from the template, and what listeners add to it.

    One transaction; opening the same slug again returns the one that is there. Announces `jurisdiction_opened`.
    Raises ValidationError for a slug that is reserved or cannot be an address.
    """
    with schema_context("public"):
        cursor = connection.cursor()
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"open {slug}"])
        existing = Jurisdiction.objects.filter(slug=slug).first()
        if existing:
            return existing
        if slug in RESERVED_SLUGS:
            raise ValidationError({"slug": _("“%(slug)s” is kept for the portal itself. Choose another address.") % {"slug": slug}})
        place = Jurisdiction(
            name=name, slug=slug, schema_name=schema_for(slug), **{"short_name": name} | fields
        )
        place.full_clean(exclude=["schema_name"])
        place.save()
        Domain.objects.create(domain=place.host, tenant=place, is_primary=True)
        cloning.clone(place.schema_name)
        AuditEvent.objects.create(actor=by, jurisdiction=place, verb="opened", object_type="jurisdiction", object_id=slug)
    with tenant_context(place):
        jurisdiction_opened.send(Jurisdiction, jurisdiction=place, options={})
    return place


@transaction.atomic
def affiliate(user: User, jurisdiction: Jurisdiction, *, roles: list[Role], by: User | None, **fields: Any) -> Affiliation:
    """Give a person these roles at a jurisdiction (instead of those they had) and derive their groups there."""
    with schema_context("public"):
        affiliation, _created = Affiliation.objects.update_or_create(
            user=user, jurisdiction=jurisdiction, defaults={"roles": sorted(roles), "end_date": None} | fields
        )
        AuditEvent.objects.create(
            actor=by, jurisdiction=jurisdiction, verb="affiliated", object_type="user", object_id=str(user.uuid),
            detail={"roles": sorted(roles)},
        )
    return affiliation


@transaction.atomic
def set_up_alliance() -> Jurisdiction:
    """The registry rows of the alliance itself and of the template; safe to repeat."""
    with schema_context("public"):
        alliance, _made = Jurisdiction.objects.get_or_create(
            schema_name="public",
            defaults={"name": settings.ALLIANCE_NAME, "short_name": settings.ALLIANCE_NAME, "slug": "alliance",
                      "timezone": settings.TIME_ZONE, "kind": Jurisdiction.Kind.REGIONAL},
        )
        Domain.objects.get_or_create(domain=settings.ALLIANCE_HOST, defaults={"tenant": alliance, "is_primary": True})
        Jurisdiction.objects.get_or_create(
            schema_name=settings.TEMPLATE_SCHEMA,
            defaults={"name": "Template of a new city", "short_name": "Template", "slug": "template"},
        )
    return alliance
