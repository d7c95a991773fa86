"""Jurisdictions, their hosts, and who may see a plan."""

from __future__ import annotations

import re
import unicodedata
import uuid
import zoneinfo
from collections.abc import Mapping
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Concat
from django.urls import reverse
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
    INTERNAL = "internal", _("Your team only")
    COHORT = "cohort", _("Members of the cohort")
    PUBLIC = "public", _("Everyone")


class JurisdictionQuerySet(models.QuerySet["Jurisdiction"]):
    def tenants(self) -> Self:
        """Member jurisdictions: all rows but those of the public schema and the template."""
        return self.exclude(schema_name__in=["public", settings.TEMPLATE_SCHEMA])

    def launched(self) -> Self:
        return self.tenants().filter(site_state=Jurisdiction.SiteState.LAUNCHED)

    def without_host(self) -> Self:
        """Jurisdictions whose host under the current CITY_DOMAIN has no `Domain` row."""
        host = Concat("slug", Value(f".{settings.CITY_DOMAIN}"))
        return self.annotate(own_host=host).exclude(own_host__in=Domain.objects.values("domain"))


class Jurisdiction(TenantMixin):
    """A city, county or agency of the alliance; each owns one PostgreSQL schema.

    The rows `public` (the alliance itself) and `template_city` (copied for each new city) are no members: use
    `objects.tenants()`. Membership stage, site state and plan visibility are independent of each other.
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

    # The stages that follow from what happens to the plan, in order; staff decide on the others.
    STAGES_OF_THE_PLAN = (
        MembershipStage.ONBOARDING.value,
        MembershipStage.LEARNING.value,
        MembershipStage.PLANNING.value,
        MembershipStage.ADOPTED_PLAN.value,
    )

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
    name = models.CharField(_("official name"), max_length=120)
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
        _("new plans are visible to"), max_length=16, choices=Visibility.choices, default=Visibility.INTERNAL
    )
    is_sample = models.BooleanField(_("sample, not a real place"), default=False)
    tagline = models.CharField(_("in your own words"), max_length=160, blank=True)
    brand_color = models.CharField(max_length=7, default="#2a2f66")
    accent_color = models.CharField(max_length=7, default="#f2b632")
    pattern = models.CharField(max_length=20, blank=True)  # a file of static/img/patterns, without .svg
    logo = models.ImageField(upload_to="brand/", blank=True)
    # A picture of the place on top of the front page; with it come both texts (tenants.jurisdictions.pictures).
    picture = models.ImageField(upload_to="brand/", blank=True, default="", db_default="")
    picture_alt = models.CharField(
        _("what the picture shows"), max_length=200, blank=True, default="", db_default=""
    )
    picture_credit = models.CharField(
        _("credit of the picture"), max_length=120, blank=True, default="", db_default=""
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    # How residents reach the office; all of it is public. Of the alliance: its row in the public schema.
    contact_name = models.CharField(
        _("contact person or office"), max_length=120, blank=True, default="", db_default=""
    )
    contact_email = models.EmailField(_("contact email"), blank=True, default="", db_default="")
    contact_phone = models.CharField(_("contact phone"), max_length=40, blank=True, default="", db_default="")
    contact_website = models.URLField(
        _("website"), blank=True, default="", db_default="", validators=[URLValidator(["http", "https"])]
    )

    row_hash = ""  # of the row's values, set by tenants.web.host_registry: equal hashes, equal values
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
        """Check what the columns cannot; each message names the value and what to write instead."""
        errors: dict[str, Any] = {}
        for field in ("name", "short_name", "tagline", "contact_name", "picture_alt", "picture_credit"):
            value = getattr(self, field)
            if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in value):
                errors[field] = _(
                    "This has characters that can’t be shown, like a line break. Type it again."
                )
            elif value and not value.strip():
                errors[field] = _("This has only spaces. Type a name.")
        if self.state and self.state not in US_STATES:
            errors["state"] = _("“%(value)s” is not a state. Write its two letters, like MN.") % {
                "value": self.state
            }
        if self.geoid and not re.fullmatch(r"[0-9]{2,12}", self.geoid):
            errors["geoid"] = _("“%(value)s” is not a Census GEOID. Write 2 to 12 digits, like 2758000.") % {
                "value": self.geoid
            }
        if self.timezone not in zoneinfo.available_timezones():
            errors["timezone"] = _("“%(value)s” is not a time zone. Write one like America/Chicago.") % {
                "value": self.timezone
            }
        if unknown := [
            code for code in self.languages if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,4})?", code)
        ]:
            errors["languages"] = _("“%(value)s” is not a language code. Write codes like en or es.") % {
                "value": unknown[0]
            }
        for field in ("brand_color", "accent_color"):
            if not re.fullmatch(r"#[0-9a-fA-F]{6}", getattr(self, field)):
                errors[field] = _("“%(value)s” is not a color. Write it like #2a2f66.") % {
                    "value": getattr(self, field)
                }
        if self.contact_phone and not re.fullmatch(
            r"\+?[0-9(][0-9 ()./–-]{5,}[0-9](,? ?(ext\.?|x) ?[0-9]{1,6})?", self.contact_phone
        ):
            errors["contact_phone"] = _(
                "“%(value)s” is not a phone number. Write it like (202) 555-0142."
            ) % {"value": self.contact_phone}
        if errors:
            raise ValidationError(errors)

    @property
    def has_contact(self) -> bool:
        """True if residents can reach somebody: by email, by phone, or on the government's website."""
        return bool(self.contact_email or self.contact_phone or self.contact_website)

    @property
    def is_tenant(self) -> bool:
        """True for a member jurisdiction: neither the alliance nor the template."""
        return self.schema_name not in {"public", settings.TEMPLATE_SCHEMA}

    @property
    def portal_languages(self) -> list[str]:
        """The portal's interface languages offered here, in the city's order; all of them if it names none."""
        available = [code for code, _name in settings.LANGUAGES]
        offered = [
            code
            for language in self.languages
            for code in available
            if code.split("-")[0] == language.split("-")[0]
        ]
        return list(dict.fromkeys(offered)) or available

    @property
    def is_launched(self) -> bool:
        return self.site_state == self.SiteState.LAUNCHED

    @property
    def stage_is_behind(self) -> bool:
        """True if the public site is open and the membership stage is still one from before a plan."""
        before_a_plan = (self.MembershipStage.ONBOARDING, self.MembershipStage.LEARNING)
        return self.is_launched and self.entry_stage in before_a_plan

    @property
    def is_before_adoption(self) -> bool:
        """True while the membership stage is one from before an adopted plan: its public site has no progress to show."""
        stages = self.MembershipStage
        return self.entry_stage in (stages.ONBOARDING, stages.LEARNING, stages.PLANNING)

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

    @property
    def urlconf(self) -> str:
        """The URLconf of this jurisdiction's host."""
        return settings.ROOT_URLCONF if self.is_tenant else settings.PUBLIC_SCHEMA_URLCONF

    def build_url(self, name: str, *args: Any, query: Mapping[str, str] | None = None) -> str:
        """Absolute URL of a URL name on this jurisdiction's host, whichever host is active."""
        return self.base_url + reverse(name, self.urlconf, args, query=query)


class Domain(DomainMixin):
    """A host name of a jurisdiction."""

    def __str__(self) -> str:
        return self.domain
