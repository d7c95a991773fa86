"""Roles, affiliations, invitations and one-time sign-in codes."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models.jurisdictions import Jurisdiction


class Role(models.TextChoices):
    """Every role. Alliance roles are held at the alliance (schema `public`), the others at a city.

    `tenants.access` alone decides what a role may do.
    """

    STAFF_ADMIN = "staff_admin", _("Alliance administrator")
    STAFF_ONBOARDING = "staff_onboarding", _("Alliance onboarding staff")
    LIBRARY_CURATOR = "library_curator", _("Library curator")
    COORDINATOR = "coordinator", _("Coordinator")
    PLAN_EDITOR = "plan_editor", _("Plan editor")
    DEPARTMENT_LEAD = "department_lead", _("Department lead")
    CONTRIBUTOR = "contributor", _("Contributor")
    VIEWER = "viewer", _("Viewer")
    MEMBER = "member", _("Member of the cohort")


ALLIANCE_ROLES = frozenset({Role.STAFF_ADMIN, Role.STAFF_ONBOARDING, Role.LIBRARY_CURATOR})
CITY_ROLES = frozenset(set(Role) - ALLIANCE_ROLES)


def utc_today() -> dt.date:
    """Return today in UTC: whether a person is on a team must not depend on the time zone of the request."""
    return timezone.now().date()


class AffiliationQuerySet(models.QuerySet["Affiliation"]):
    def active(self, *, on: dt.date | None = None) -> Self:
        """Affiliations in force on that day (by default today in UTC), of people who may sign in."""
        on = on or utc_today()
        return self.filter(
            Q(start_date__lte=on), Q(end_date=None) | Q(end_date__gte=on), user__is_active=True
        )


class Affiliation(models.Model):
    """A person's roles at a jurisdiction. Groups in the jurisdiction's schema are derived from it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="affiliations")
    jurisdiction = models.ForeignKey(Jurisdiction, models.PROTECT, related_name="affiliations")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices))
    title = models.CharField(_("job title"), max_length=120, blank=True)
    department = models.CharField(_("department"), max_length=120, blank=True)
    is_public = models.BooleanField(_("name may be shown publicly"), default=False)
    start_date = models.DateField(default=utc_today)  # both dates are in UTC
    end_date = models.DateField(null=True, blank=True)
    last_sign_in_at = models.DateTimeField(null=True, blank=True)
    # Of the workspace, written at most once in a few hours: see tenants.people.visits.
    visit_began_at = models.DateTimeField(null=True, blank=True)
    previous_visit_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AffiliationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "jurisdiction"], name="one_affiliation_per_place"),
            models.CheckConstraint(name="affiliation_has_a_role", condition=Q(roles__len__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.jurisdiction}"


class Invitation(models.Model):
    """An email that asks a person to join a jurisdiction's team; only the hash of its token is stored."""

    class State(models.TextChoices):
        SENT = "sent", _("Sent")
        OPENED = "opened", _("Opened")
        ACCEPTED = "accepted", _("Accepted")
        EXPIRED = "expired", _("Expired")
        REVOKED = "revoked", _("Canceled")

    OPEN_STATES: ClassVar[tuple[str, ...]] = (State.SENT, State.OPENED)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    jurisdiction = models.ForeignKey(Jurisdiction, models.PROTECT, related_name="invitations")
    email = models.EmailField(_("email address"))
    name = models.CharField(_("name"), max_length=120, blank=True)
    title = models.CharField(_("job title"), max_length=120, blank=True)
    department = models.CharField(_("department"), max_length=120, blank=True)
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices))
    token_hash = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.SENT)
    sent_count = models.PositiveSmallIntegerField(default=1)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.F("jurisdiction"),
                models.functions.Lower("email"),
                condition=Q(state__in=["sent", "opened"]),
                name="one_open_invitation_per_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.jurisdiction}"


class SignInCode(models.Model):
    """A one-time code that opens a session at a city for a person who signed in at the alliance."""

    code_hash = models.CharField(max_length=64, unique=True)
    nonce_hash = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    host = models.CharField(max_length=253)
    next_path = models.CharField(max_length=500, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "tenants_handoff"

    def __str__(self) -> str:
        return f"{self.user} to {self.host}"
