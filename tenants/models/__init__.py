from __future__ import annotations

import datetime as dt
import re
import unicodedata
import uuid
import zoneinfo
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from tenants.models.us_states import US_STATES

RESERVED_SLUGS = frozenset(
    [
        "admin",
        "alliance",
        "api",
        "cdn",
        "cms",
        "docs",
        "ftp",
        "help",
        "localhost",
        "mail",
        "media",
        "ns",
        "ns1",
        "ns2",
        "pg",
        "portal",
        "public",
        "staff",
        "static",
        "status",
        "template",
        "test",
        "webmail",
        "www",
    ]
)


class Visibility(models.TextChoices):
    INTERNAL = "internal", _("Only this jurisdiction")
    COHORT = "cohort", _("Members of the cohort")
    PUBLIC = "public", _("Everybody")


class ActionStage(models.TextChoices):
    """What kind of step an action is: normalize, organize or operationalize."""

    NORMALIZE = "normalize", _("Normalize")
    ORGANIZE = "organize", _("Organize")
    OPERATIONALIZE = "operationalize", _("Operationalize")


class JurisdictionQuerySet(models.QuerySet["Jurisdiction"]):
    def tenants(self) -> Self:
        """The members: without the rows that stand for the public schema and the template."""
        return self.exclude(schema_name__in=["public", settings.TEMPLATE_SCHEMA])

    def launched(self) -> Self:
        return self.tenants().filter(site_state=Jurisdiction.SiteState.LAUNCHED)

    def without_host(self) -> Self:
        """Those whose own host, under today's CITY_DOMAIN, leads nowhere yet."""
        host = Concat("slug", Value(f".{settings.CITY_DOMAIN}"))
        return self.annotate(own_host=host).exclude(own_host__in=Domain.objects.values("domain"))


class Jurisdiction(TenantMixin):
    """A city, county or agency of the alliance; each owns one PostgreSQL schema.

    The rows `public` (the alliance itself) and `template_city` (what a new city is copied from) are not places:
    ask `.tenants()`. Entry stage, site state and plan visibility are three separate axes.
    """

    class Kind(models.TextChoices):
        CITY = "city", _("City")
        TOWN = "town", _("Town")
        VILLAGE = "village", _("Village")
        COUNTY = "county", _("County")
        DISTRICT = "school_or_park_district", _("School or park district")
        REGIONAL = "regional", _("Regional body")
        STATE_AGENCY = "state_agency", _("State agency")
        TRIBAL = "tribal", _("Tribal government")
        DEPARTMENT = "department", _("Department")

    class MembershipStage(models.TextChoices):
        ONBOARDING = "onboarding", _("Onboarding")
        LEARNING = "learning", _("Learning")
        PLANNING = "planning", _("Planning")
        ADOPTED_PLAN = "adopted_plan", _("Plan adopted")
        IMPLEMENTING = "implementing", _("Implementing")
        SUSTAINING = "sustaining", _("Sustaining")
        MENTOR = "mentor", _("Mentor")
        DORMANT = "dormant", _("Dormant")
        LAPSED = "lapsed", _("Lapsed")
        OFFBOARDED = "offboarded", _("Left the alliance")

    class SiteState(models.TextChoices):
        NOT_LAUNCHED = "not_launched", _("Not launched")
        SCHEDULED = "scheduled", _("Launch is scheduled")
        LAUNCHED = "launched", _("Launched")

    class PopulationBand(models.TextChoices):
        UNDER_10K = "under_10k", _("Under 10,000")
        FROM_10K = "10k_50k", _("10,000 to 49,999")
        FROM_50K = "50k_100k", _("50,000 to 99,999")
        FROM_100K = "100k_250k", _("100,000 to 249,999")
        FROM_250K = "250k_500k", _("250,000 to 499,999")
        FROM_500K = "500k_1m", _("500,000 to 999,999")
        OVER_1M = "over_1m", _("1 million or more")

    class StaffBand(models.TextChoices):
        UNDER_100 = "under_100", _("Under 100 employees")
        FROM_100 = "100_500", _("100 to 499 employees")
        FROM_500 = "500_1000", _("500 to 999 employees")
        FROM_1000 = "1000_5000", _("1,000 to 4,999 employees")
        OVER_5000 = "over_5000", _("5,000 employees or more")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("legal name"), max_length=120)
    short_name = models.CharField(_("short name"), max_length=60)
    slug = models.SlugField(
        _("address"),
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\Z",
                _(
                    "Use small letters, digits and single hyphens, starting with a letter, like “marrow-bend”."
                ),
            )
        ],
    )
    kind = models.CharField(_("kind"), max_length=24, choices=Kind.choices, default=Kind.CITY)
    state = models.CharField(_("state"), max_length=2, blank=True)
    geoid = models.CharField(_("Census GEOID"), max_length=12, blank=True)
    population_band = models.CharField(
        _("population"), max_length=12, choices=PopulationBand.choices, blank=True
    )
    staff_band = models.CharField(_("staff"), max_length=12, choices=StaffBand.choices, blank=True)
    timezone = models.CharField(_("time zone"), max_length=40, default="America/Chicago")
    languages = ArrayField(
        models.CharField(max_length=8), default=list, blank=True, verbose_name=_("languages")
    )
    fiscal_year_start_month = models.PositiveSmallIntegerField(_("fiscal year starts in month"), default=7)
    entry_stage = models.CharField(
        _("stage"), max_length=16, choices=MembershipStage.choices, default=MembershipStage.ONBOARDING
    )
    site_state = models.CharField(
        _("public site"), max_length=16, choices=SiteState.choices, default=SiteState.NOT_LAUNCHED
    )
    plan_visibility_default = models.CharField(
        _("who sees a new plan"), max_length=16, choices=Visibility.choices, default=Visibility.INTERNAL
    )
    is_sample = models.BooleanField(_("sample, not a real place"), default=False)
    tagline = models.CharField(_("in the city’s own words"), max_length=160, blank=True)
    brand_color = models.CharField(max_length=7, default="#2a2f66")
    accent_color = models.CharField(max_length=7, default="#f2b632")
    pattern = models.CharField(max_length=20, blank=True)  # a file of static/img/patterns, without .svg
    logo = models.ImageField(upload_to="brand/", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    row_hash = ""  # of the row's values, where tenants.web.host_registry gave it: equal marks, equal values
    auto_create_schema = False
    auto_drop_schema = False

    objects = JurisdictionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="jurisdiction_fiscal_year_month",
                condition=Q(fiscal_year_start_month__gte=1, fiscal_year_start_month__lte=12),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """What the columns alone cannot refuse; each message names the value and what to write instead."""
        wrong: dict[str, Any] = {}
        for field in ("name", "short_name", "tagline"):
            value = getattr(self, field)
            if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in value):
                wrong[field] = _("This has characters that cannot be shown, like a line break. Type it anew.")
            elif value and not value.strip():
                wrong[field] = _("This holds nothing but spaces. Type a name.")
        if self.state and self.state not in US_STATES:
            wrong["state"] = _("“%(value)s” is not a state. Write its two letters, like MN.") % {
                "value": self.state
            }
        if self.geoid and not re.fullmatch(r"[0-9]{2,12}", self.geoid):
            wrong["geoid"] = _("“%(value)s” is not a Census GEOID. Write 2 to 12 digits, like 2758000.") % {
                "value": self.geoid
            }
        if self.timezone not in zoneinfo.available_timezones():
            wrong["timezone"] = _("“%(value)s” is not a time zone. Write one like America/Chicago.") % {
                "value": self.timezone
            }
        if odd := [
            code for code in self.languages if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,4})?", code)
        ]:
            wrong["languages"] = _("“%(value)s” is not a language code. Write codes like en or es.") % {
                "value": odd[0]
            }
        for field in ("brand_color", "accent_color"):
            if not re.fullmatch(r"#[0-9a-fA-F]{6}", getattr(self, field)):
                wrong[field] = _("“%(value)s” is not a color. Write it like #2a2f66.") % {
                    "value": getattr(self, field)
                }
        if wrong:
            raise ValidationError(wrong)

    @property
    def is_tenant(self) -> bool:
        return self.schema_name not in {"public", settings.TEMPLATE_SCHEMA}

    @property
    def portal_languages(self) -> list[str]:
        """The languages of the portal's own words that are offered here, in the city's order: all, if it names none."""
        spoken = [code for code, _name in settings.LANGUAGES]
        named = [
            code for wish in self.languages for code in spoken if code.split("-")[0] == wish.split("-")[0]
        ]
        return list(dict.fromkeys(named)) or spoken

    @property
    def is_launched(self) -> bool:
        return self.site_state == self.SiteState.LAUNCHED

    @property
    def host(self) -> str:
        """The host name of this jurisdiction's site, without a port."""
        return (
            settings.ALLIANCE_HOST if self.schema_name == "public" else f"{self.slug}.{settings.CITY_DOMAIN}"
        )

    @property
    def base_url(self) -> str:
        """Scheme, host and port of this jurisdiction's site, without a closing slash."""
        port = f":{settings.PORTAL_PORT}" if settings.PORTAL_PORT else ""
        return f"{settings.PORTAL_SCHEME}://{self.host}{port}"


class Domain(DomainMixin):
    """A host name that leads to a jurisdiction."""

    def __str__(self) -> str:
        return self.domain


class Role(models.TextChoices):
    """Every role there is. Alliance roles are held at the alliance (schema `public`), the others at a city.

    What a role may do is decided in `tenants.access` alone.
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
    """The day in UTC: whether a person belongs to a place must not depend on the time zone of who asks."""
    return timezone.now().date()


class AffiliationQuerySet(models.QuerySet["Affiliation"]):
    def active(self, *, on: dt.date | None = None) -> Self:
        """In force on that day (today in UTC by default), of people who may sign in."""
        on = on or utc_today()
        return self.filter(
            Q(start_date__lte=on), Q(end_date=None) | Q(end_date__gte=on), user__is_active=True
        )


class Affiliation(models.Model):
    """Who belongs to which jurisdiction, in which roles. The one truth; groups in a schema are derived from it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="affiliations")
    jurisdiction = models.ForeignKey(Jurisdiction, models.PROTECT, related_name="affiliations")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices))
    title = models.CharField(_("job title"), max_length=120, blank=True)
    department = models.CharField(_("department"), max_length=120, blank=True)
    is_public = models.BooleanField(_("name may be shown in public"), default=False)
    start_date = models.DateField(default=utc_today)  # both days are of UTC
    end_date = models.DateField(null=True, blank=True)
    last_sign_in_at = models.DateTimeField(null=True, blank=True)
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
    """Asks a person by mail to join a jurisdiction's team; only the hash of its token is kept."""

    class State(models.TextChoices):
        SENT = "sent", _("Sent")
        OPENED = "opened", _("Opened")
        ACCEPTED = "accepted", _("Accepted")
        EXPIRED = "expired", _("Expired")
        REVOKED = "revoked", _("Revoked")

    OPEN_STATES: ClassVar[tuple[str, ...]] = (State.SENT, State.OPENED)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    jurisdiction = models.ForeignKey(Jurisdiction, models.PROTECT, related_name="invitations")
    email = models.EmailField(_("mail address"))
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
    """A one-time code that opens a city's own session for a person who signed in at the alliance."""

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


class AuditEvent(models.Model):
    """Who did what to whom at the alliance and to a city's team. What a plan's history holds stays in its city."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    jurisdiction = models.ForeignKey(Jurisdiction, models.PROTECT, null=True, related_name="audit_events")
    verb = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.verb}"


class Sector(models.Model):
    """One of the field's broad areas, such as Housing."""

    slug = models.SlugField(primary_key=True, max_length=40)
    label = models.CharField(max_length=60)
    label_es = models.CharField(max_length=60, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.label


class Topic(models.Model):
    """What a plan or a library item is about; `aliases` are other names people search by."""

    slug = models.SlugField(primary_key=True, max_length=60)
    label = models.CharField(max_length=80)
    label_es = models.CharField(max_length=80, blank=True)
    sector = models.ForeignKey(Sector, models.PROTECT, null=True, blank=True, related_name="topics")
    definition = models.CharField(max_length=300, blank=True)
    aliases = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    def __str__(self) -> str:
        return self.label


class Worker(models.Model):
    """A process that runs jobs. One that was not seen for a while was killed, and its job is taken up again."""

    id = models.CharField(primary_key=True, max_length=64)
    host = models.CharField(max_length=253)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.pid} on {self.host}"


class PeriodicRun(models.Model):
    """A periodic job was queued for the period that began then; the constraint lets this happen once."""

    name = models.CharField(max_length=120)
    schema_name = models.CharField(max_length=63)
    period = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "schema_name", "period"], name="once_in_a_period"),
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.schema_name} for {self.period:%Y-%m-%d %H:%M}"
