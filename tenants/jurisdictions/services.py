"""Open and change jurisdictions. Pages, commands and the demo call these functions."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context, tenant_context

from accounts.models import User
from tenants.models import RESERVED_SLUGS, Affiliation, AuditEvent, Domain, Invitation, Jurisdiction, Role
from tenants.people import permission_groups
from tenants.people.invitations import invite
from tenants.schemas import clone, inventory
from tenants.signals import jurisdiction_changed, jurisdiction_opened

_OPENING_LOCK_ID = 7_140_002  # first key of the advisory locks of openings; the second is the slug's hash

# Fields that can be set when a jurisdiction is opened or changed; slug and schema name never change.
EDITABLE_FIELDS = (
    "short_name", "kind", "state", "geoid", "population_band", "staff_band", "timezone", "languages",
    "fiscal_year_start_month", "entry_stage", "is_sample", "tagline", "brand_color", "accent_color", "pattern",
    "contact_name", "contact_email", "contact_phone", "contact_website",
)  # fmt: skip


def schema_name_for(slug: str) -> str:
    """Schema name of a slug, like "c_marrow_bend" of "marrow-bend"."""
    return "c_" + slug.replace("-", "_")


def _validate_slug(slug: str) -> None:
    """Raise ValidationError unless the slug can be the address of a jurisdiction."""
    field = Jurisdiction._meta.get_field("slug")
    try:
        field.clean(slug, None)
        if slug in RESERVED_SLUGS:
            raise ValidationError(
                _("“%(value)s” is reserved for the portal. Choose another address.") % {"value": slug}
            )
    except ValidationError as error:
        raise ValidationError({"slug": error.messages}) from None


def short_name_for(name: str) -> str:
    """ "City of Riverton" is called "Riverton" where space is short."""
    for beginning in ("City and County of ", "City of ", "Town of ", "Village of ", "County of "):
        if name.startswith(beginning) and len(name) > len(beginning):
            return name[len(beginning) :]
    return name


def slug_for(name: str) -> str:
    """The slug to propose for a jurisdiction: "ofallon-dete" for "City of O’Fallon d’Été"; "" if there is none."""
    return slugify(short_name_for(name))[:40].strip("-").lstrip("-0123456789")


@transaction.atomic
def open_jurisdiction(
    *,
    name: str,
    slug: str,
    by: User | None,
    coordinator: str = "",
    options: dict[str, Any] | None = None,
    repair: bool = False,
    **fields: Any,
) -> Jurisdiction:
    """Open a jurisdiction: registry row, host, schema copied from the template, what signal handlers add, an invitation.

    `coordinator` is the email address of the person to invite as coordinator; `options` are passed to the handlers of
    `jurisdiction_opened`; `fields` are those of EDITABLE_FIELDS.

    All in one transaction. Opening a slug again, even at the same time, returns the existing jurisdiction unchanged; if
    nobody is coordinator or invited to be, the invitation is sent now. `repair` gives a jurisdiction without a schema
    a new, empty one.
    Raises ValidationError with one message for each invalid field.
    """
    if unknown := sorted(set(fields) - set(EDITABLE_FIELDS)):
        raise TypeError(
            f"open_jurisdiction() has no field {unknown[0]!r}; it has {', '.join(EDITABLE_FIELDS)}."
        )
    _validate_slug(slug)
    with schema_context("public"):
        inventory.acquire_shared_migration_lock()
        with connection.cursor() as cursor:  # two openings of one slug wait for each other
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_OPENING_LOCK_ID, slug])
        jurisdiction = Jurisdiction.objects.filter(slug=slug).first()
        is_new = jurisdiction is None
        if jurisdiction is None:
            jurisdiction = Jurisdiction(
                name=name,
                slug=slug,
                schema_name=schema_name_for(slug),
                **{"short_name": short_name_for(name)} | fields,
            )
            jurisdiction.full_clean(exclude=["schema_name"])
            jurisdiction.save(force_insert=True)
        register_host(jurisdiction)
        needs_schema = not inventory.schema_exists(jurisdiction.schema_name)
        if needs_schema and not is_new and not repair:
            raise ValidationError(
                _(
                    "%(name)s is registered, but its data is missing (schema %(schema)s). Restore them from a "
                    "backup. Only if there is none, set it up again with --repair: it starts empty."
                )
                % {"name": jurisdiction.name, "schema": jurisdiction.schema_name}
            )
        if needs_schema:
            clone.clone_schema(jurisdiction.schema_name)
            AuditEvent.objects.log("opened" if is_new else "repaired", jurisdiction, by=by)
    if needs_schema:
        with tenant_context(jurisdiction):
            jurisdiction_opened.send(Jurisdiction, jurisdiction=jurisdiction, options=options or {})
        permission_groups.grant_page_permissions(jurisdiction)
    if coordinator and (needs_schema or not _has_coordinator(jurisdiction)):
        try:
            invite(jurisdiction, email=coordinator, roles=[Role.COORDINATOR], by=by)
        except ValidationError as error:
            raise ValidationError({"coordinator": error.messages}) from None
    return jurisdiction


def _has_coordinator(jurisdiction: Jurisdiction) -> bool:
    """True if the jurisdiction has a coordinator or an open invitation for one."""
    with schema_context("public"):
        coordinators = Affiliation.objects.active().filter(
            jurisdiction=jurisdiction, roles__contains=[Role.COORDINATOR]
        )
        invitations = Invitation.objects.filter(
            jurisdiction=jurisdiction, roles__contains=[Role.COORDINATOR], state__in=Invitation.OPEN_STATES
        )
        return coordinators.exists() or invitations.exists()


@transaction.atomic
def change_jurisdiction(jurisdiction: Jurisdiction, *, by: User | None, **fields: Any) -> Jurisdiction:
    """Change `name` and fields of EDITABLE_FIELDS of a jurisdiction. Sends `jurisdiction_changed`.

    An audit event keeps the changes, from and to; if nothing changes, nothing is recorded or sent.
    Raises ValidationError with one message for each invalid field.
    """
    if unknown := sorted(set(fields) - {"name", *EDITABLE_FIELDS}):
        raise TypeError(f"change_jurisdiction() has no field {unknown[0]!r}.")
    with schema_context("public"):
        jurisdiction = Jurisdiction.objects.select_for_update().get(pk=jurisdiction.pk)
        changes = {
            field: {"from": getattr(jurisdiction, field), "to": value}
            for field, value in fields.items()
            if getattr(jurisdiction, field) != value
        }
        if not changes:
            return jurisdiction
        for field, change in changes.items():
            setattr(jurisdiction, field, change["to"])
        jurisdiction.full_clean(exclude=["schema_name"])
    save_and_announce(jurisdiction, changes, by=by)
    return jurisdiction


def save_and_announce(jurisdiction: Jurisdiction, changes: dict[str, Any], *, by: User | None) -> None:
    """Save the changed fields and an audit event, and send `jurisdiction_changed` for a member.

    `changes` are their old and new values: {"tagline": {"from": "", "to": "Fair streets"}}.
    """
    with schema_context("public"):
        jurisdiction.save(update_fields=[*changes, "updated_at"])
        AuditEvent.objects.log("changed", jurisdiction, by=by, detail=changes)
    if jurisdiction.is_tenant:  # the alliance has no plan, and nothing is made from its row
        with tenant_context(jurisdiction):
            jurisdiction_changed.send(Jurisdiction, jurisdiction=jurisdiction)


@transaction.atomic
def set_site_state(jurisdiction: Jurisdiction, *, state: str, by: User | None) -> Jurisdiction:
    """Launch, schedule or close the jurisdiction's public site. Sends `jurisdiction_changed`."""
    with schema_context("public"):
        jurisdiction = Jurisdiction.objects.select_for_update().get(pk=jurisdiction.pk)
        if jurisdiction.site_state == state:
            return jurisdiction
        changes = {"site_state": {"from": jurisdiction.site_state, "to": state}}
        jurisdiction.site_state = Jurisdiction.SiteState(state)
    save_and_announce(jurisdiction, changes, by=by)
    return jurisdiction


@transaction.atomic
def advance_stage(jurisdiction: Jurisdiction, *, to: str, by: User | None) -> Jurisdiction:
    """Raise the membership stage to `to`, as far as the plan itself decides it: never back, and no later stage.

    What follows an adopted plan, and what ends a membership, is decided by staff. Sends `jurisdiction_changed`.
    """
    steps = Jurisdiction.STAGES_OF_THE_PLAN
    with schema_context("public"):
        jurisdiction = Jurisdiction.objects.select_for_update().get(pk=jurisdiction.pk)
        current = jurisdiction.entry_stage
        if current not in steps or steps.index(current) >= steps.index(to):
            return jurisdiction
        jurisdiction.entry_stage = Jurisdiction.MembershipStage(to)
    save_and_announce(jurisdiction, {"entry_stage": {"from": current, "to": to}}, by=by)
    return jurisdiction


def register_host(jurisdiction: Jurisdiction) -> None:
    """Register the jurisdiction's host; safe to repeat. Raises ValidationError if the host belongs to another one."""
    domain, _created = Domain.objects.get_or_create(
        domain=jurisdiction.host, defaults={"tenant": jurisdiction, "is_primary": True}
    )
    if domain.tenant_id != jurisdiction.pk:
        raise ValidationError(
            _("The host %(host)s is already used by %(name)s. Choose another address.")
            % {"host": jurisdiction.host, "name": domain.tenant}
        )


@transaction.atomic
def set_up_alliance() -> Jurisdiction:
    """Create the registry rows of the alliance and of the template, and missing hosts of members; safe to repeat.

    A member lacks its host if CITY_DOMAIN was changed after it was opened; its old host stays registered.
    """
    with schema_context("public"):
        alliance, _created = Jurisdiction.objects.get_or_create(
            schema_name="public",
            defaults={
                "name": settings.ALLIANCE_NAME,
                "short_name": settings.ALLIANCE_NAME,
                "slug": "alliance",
                "timezone": settings.TIME_ZONE,
                "kind": Jurisdiction.Kind.REGIONAL,
            },
        )
        register_host(alliance)
        Jurisdiction.objects.get_or_create(
            schema_name=settings.TEMPLATE_SCHEMA,
            defaults={"name": "Template of a new city", "short_name": "Template", "slug": "template"},
        )
        for jurisdiction in Jurisdiction.objects.tenants().without_host():
            register_host(jurisdiction)
    permission_groups.create_groups()
    permission_groups.grant_page_permissions(alliance)
    return alliance
