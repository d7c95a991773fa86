"""Items of the library and their files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.contenttypes.fields import GenericRelation
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import connection, models
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel
from wagtail.models import (
    DraftStateMixin,
    LockableMixin,
    Orderable,
    PreviewableMixin,
    RevisionMixin,
    WorkflowMixin,
)

from resources.models.choices import DecisionKind, Strategy
from resources.models.revisions import RenamedFieldsMixin
from tenants.models import ActionStage, Jurisdiction, Sector, Topic, Visibility


def set_null_in_public(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """SET_NULL, but only while the public schema is active.

    Every schema has revisions with ids of its own: deleting revision 7 of a city must not touch the library item
    that has revision 7 of the public schema.
    """
    if connection.schema_name == "public":
        models.SET_NULL(collector, field, sub_objs, using)


def protect_in_public(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """PROTECT, but only while the public schema is active, for the same reason."""
    if connection.schema_name == "public":
        models.PROTECT(collector, field, sub_objs, using)


def slug_array_field(length: int, label: Any, **kwargs: Any) -> ArrayField:
    return ArrayField(
        models.CharField(max_length=length), default=list, blank=True, verbose_name=label, **kwargs
    )


class LibraryItemQuerySet(models.QuerySet["LibraryItem"]):
    def live(self) -> Self:
        return self.filter(live=True)

    def visible_to(self, audience: str) -> Self:
        """The items that `audience` may read: "public" what is public, "members" also what the cohort shares.

        Raises ValueError for any other audience.
        """
        if audience == "public":
            return self.live().filter(visibility=LibraryItem.Audience.PUBLIC)
        if audience == "members":
            return self.live()
        raise ValueError(f"No audience {audience!r}. Known: 'public', 'members'.")

    def with_file_mark(self) -> Self:
        """Each with `file`: "yes" if a file belongs to it, otherwise empty."""
        files = Attachment.objects.filter(item=models.OuterRef("pk"))
        return self.annotate(
            file=models.Case(
                models.When(models.Exists(files), then=models.Value("yes")),
                default=models.Value(""),
                output_field=models.CharField(),
            )
        )

    def newest_first(self) -> Self:
        """By the day of publishing, then by the year of the item."""
        return self.order_by(
            models.functions.TruncDate("first_published_at").desc(nulls_last=True),
            models.F("year").desc(nulls_last=True),
            "title",
        )


class LibraryItem(
    RenamedFieldsMixin,
    WorkflowMixin,
    DraftStateMixin,
    LockableMixin,
    RevisionMixin,
    PreviewableMixin,
    ClusterableModel,
):
    """One thing to learn from or to adapt: a policy, a tool, a practice, a training, a report."""

    class Type(models.TextChoices):
        TOOL = "tool", _("Tool")
        SAMPLE_POLICY = "sample_policy", _("Sample policy")
        PRACTICE = "practice", _("Practice")
        CASE_STUDY = "case_study", _("Case study")
        TRAINING = "training", _("Training")
        DATA_RESOURCE = "data_resource", _("Data resource")
        PLAN = "plan", _("Plan")
        NARRATIVE = "narrative", _("Narrative")
        REPORT = "report", _("Report")
        TEMPLATE = "template", _("Template")
        VIDEO = "video", _("Video")
        TOOLKIT = "toolkit", _("Toolkit")

    # An item of these types is the document itself: without a file or a link it is only talked about.
    DOCUMENT_TYPES = frozenset({Type.TOOL, Type.SAMPLE_POLICY, Type.TEMPLATE, Type.TOOLKIT, Type.VIDEO})

    class OriginKind(models.TextChoices):
        CITY = Jurisdiction.Kind.CITY.value, Jurisdiction.Kind.CITY.label
        TOWN = Jurisdiction.Kind.TOWN.value, Jurisdiction.Kind.TOWN.label
        VILLAGE = Jurisdiction.Kind.VILLAGE.value, Jurisdiction.Kind.VILLAGE.label
        COUNTY = Jurisdiction.Kind.COUNTY.value, Jurisdiction.Kind.COUNTY.label
        DISTRICT = Jurisdiction.Kind.DISTRICT.value, Jurisdiction.Kind.DISTRICT.label
        REGIONAL = Jurisdiction.Kind.REGIONAL.value, Jurisdiction.Kind.REGIONAL.label
        STATE_AGENCY = Jurisdiction.Kind.STATE_AGENCY.value, Jurisdiction.Kind.STATE_AGENCY.label
        TRIBAL = Jurisdiction.Kind.TRIBAL.value, Jurisdiction.Kind.TRIBAL.label
        DEPARTMENT = Jurisdiction.Kind.DEPARTMENT.value, Jurisdiction.Kind.DEPARTMENT.label
        NETWORK = "network", _("Network")
        NONPROFIT = "nonprofit", _("Nonprofit organization")
        UNIVERSITY = "university", _("University")

    class LegalForm(models.TextChoices):
        ORDINANCE = "ordinance", _("Ordinance")
        RESOLUTION = "resolution", _("Resolution")
        EXECUTIVE_ORDER = "executive_order", _("Executive order")
        ADMINISTRATIVE_RULE = "administrative_rule", _("Administrative rule")
        BUDGET = "budget", _("Budget decision")
        CONTRACT = "contract", _("Contract terms")
        PROGRAM = "program", _("Program rules")

    class Evidence(models.TextChoices):
        DESCRIBED = "described", _("Described")
        REPORTED_RESULTS = "reported_results", _("Results reported")
        EVALUATED = "evaluated", _("Evaluated")
        RIGOROUS = "rigorous", _("Rigorous study")

    class Effort(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")

    class License(models.TextChoices):
        PUBLIC_DOMAIN = "public_domain", _("Public domain")
        CC_BY = "CC-BY", _("CC BY")
        CC_BY_SA = "CC-BY-SA", _("CC BY-SA")
        PERMISSION = "permission", _("With permission")
        LINK_ONLY = "link_only", _("Link only")

    class Language(models.TextChoices):
        EN = "en", _("English")
        ES = "es", _("Spanish")

    class Audience(models.TextChoices):
        PUBLIC = Visibility.PUBLIC.value, Visibility.PUBLIC.label
        MEMBERS = "members", Visibility.COHORT.label

    key = models.SlugField(
        _("address"),
        max_length=80,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z0-9]+(-[a-z0-9]+)*\Z",
                _("Use small letters, digits and single hyphens, like “end-overdue-fines”."),
            )
        ],
        help_text=_("The item is found at /library/<address>/. Do not change it once others link to it."),
    )
    title = models.CharField(_("title"), max_length=200)
    type = models.CharField(_("type"), max_length=20, choices=Type.choices)
    summary = models.TextField(_("summary"), max_length=500, help_text=_("Two or three plain sentences."))
    body = models.TextField(_("about"), blank=True, help_text=_("An empty line starts a new paragraph."))
    sectors = slug_array_field(40, _("sectors"))
    topics = slug_array_field(60, _("topics"))
    stage = ArrayField(
        models.CharField(max_length=16, choices=ActionStage.choices),
        default=list,
        blank=True,
        verbose_name=_("strategy"),
    )
    strategies = ArrayField(
        models.CharField(max_length=40, choices=Strategy.choices),
        default=list,
        blank=True,
        verbose_name=_("approach"),
    )
    decision_kinds = ArrayField(
        models.CharField(max_length=20, choices=DecisionKind.choices),
        default=list,
        blank=True,
        verbose_name=_("decisions"),
    )

    origin = models.CharField(_("from"), max_length=160)
    origin_state = models.CharField(_("state"), max_length=2, blank=True)
    origin_kind = models.CharField(_("kind of origin"), max_length=24, choices=OriginKind.choices)
    population_band = models.CharField(
        _("population"), max_length=12, choices=Jurisdiction.PopulationBand.choices, blank=True
    )
    year = models.PositiveSmallIntegerField(
        _("year"), null=True, blank=True, validators=[MinValueValidator(1900), MaxValueValidator(2100)]
    )
    legal_form = models.CharField(_("legal form"), max_length=20, choices=LegalForm.choices, blank=True)
    evidence = models.CharField(_("evidence"), max_length=20, choices=Evidence.choices)
    effort = models.CharField(_("effort"), max_length=8, choices=Effort.choices)

    license = models.CharField(_("license"), max_length=16, choices=License.choices, db_column="licence")
    attribution = models.CharField(
        _("credit line"),
        max_length=240,
        blank=True,
        help_text=_("If empty, it is made from origin, year and license."),
    )
    source_url = models.URLField(_("address of the original"), max_length=500, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=Language.choices, default=Language.EN)
    adapted_from = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="adaptations",
        verbose_name=_("adapted from"),
    )
    hidden_tags = ArrayField(
        models.CharField(max_length=80),
        default=list,
        blank=True,
        verbose_name=_("search words"),
        help_text=_("Words for the search only, separated by commas. They are not shown."),
    )
    is_sample = models.BooleanField(_("sample, not a real place"), default=False)

    visibility = models.CharField(
        _("visible to"), max_length=8, choices=Audience.choices, default=Audience.PUBLIC
    )
    contributed_by = models.ForeignKey(
        Jurisdiction,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("contributed by"),
    )
    curator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("curator"),
    )
    review_due = models.DateField(_("next review"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    _revisions = GenericRelation("wagtailcore.Revision", related_query_name="library_item")
    workflow_states = GenericRelation(
        "wagtailcore.WorkflowState",
        content_type_field="base_content_type",
        object_id_field="object_id",
        related_query_name="library_item",
        for_concrete_model=False,
    )

    # Wagtail's own two fields, with the deletion rule for schemas.
    latest_revision = models.ForeignKey(
        "wagtailcore.Revision", set_null_in_public, null=True, blank=True, related_name="+", editable=False
    )
    live_revision = models.ForeignKey(
        "wagtailcore.Revision", set_null_in_public, null=True, blank=True, related_name="+", editable=False
    )

    objects = LibraryItemQuerySet.as_manager()

    RENAMED_FIELDS: ClassVar[dict[str, str]] = {"licence": "license"}
    # What the item's page shows, for its preview. Set by ResourcesConfig: presentation is above models.
    page_context: ClassVar[Callable[..., dict[str, Any]]]

    class Meta:
        verbose_name = _("library item")
        verbose_name_plural = _("library items")
        indexes = [
            models.Index(fields=["live", "visibility", "type"], name="library_browse"),
        ]
        constraints = [
            models.CheckConstraint(
                name="library_item_is_no_adaptation_of_itself",
                condition=~Q(adapted_from=models.F("pk")) | Q(adapted_from=None),
                violation_error_message=_("An item cannot be an adaptation of itself."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The path on the alliance's host, on every host."""
        return reverse("resources:item", args=[self.key], urlconf=settings.PUBLIC_SCHEMA_URLCONF)

    @property
    def revisions(self) -> Any:
        return self._revisions

    @property
    def audience(self) -> str:
        """Who may read it: "public" or "members"."""
        return self.visibility

    @property
    def file_formats(self) -> list[str]:
        """["DOCX", "XLSX"]; `attachments` should be prefetched with their documents."""
        return sorted({file.document.file_extension.upper() for file in self.attachments.all()})

    @property
    def lacks_document(self) -> bool:
        """True for an item that promises a document, and has neither a file nor a link to the original."""
        return self.type in self.DOCUMENT_TYPES and not self.source_url and not self.attachments.exists()

    def clean(self) -> None:
        super().clean()
        errors: dict[str, Any] = {}
        for field, model in (("sectors", Sector), ("topics", Topic)):
            existing = set(model.objects.values_list("pk", flat=True))
            unknown = [slug for slug in getattr(self, field) if slug not in existing]
            if unknown:
                errors[field] = _(
                    "Not in the portal’s list: %(values)s. Choose from the list, or add them to it first."
                ) % {"values": ", ".join(unknown)}
        if self.license == self.License.LINK_ONLY and not self.source_url:
            errors["source_url"] = _("A link-only item needs the address of the original.")
        if self._adapts_itself():
            errors["adapted_from"] = _("This item would be adapted from itself. Choose another parent.")
        if errors:
            raise ValidationError(errors)

    def _adapts_itself(self) -> bool:
        seen, parent_id = {self.pk}, self.adapted_from_id
        while self.pk and parent_id:
            if parent_id in seen:
                return True
            seen.add(parent_id)
            parent = LibraryItem.objects.filter(pk=parent_id)
            parent_id = parent.values_list("adapted_from_id", flat=True).first()
        return False

    def get_preview_template(self, request: HttpRequest, mode_name: str) -> str:
        return "resources/item.html"

    def get_preview_context(self, request: HttpRequest, mode_name: str) -> dict[str, Any]:
        return super().get_preview_context(request, mode_name) | type(self).page_context(
            self, audience="members"
        )


class Attachment(RenamedFieldsMixin, Orderable):
    """A file that belongs to an item; downloaded from the alliance's host alone."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Full text")
        BUDGET = "budget", _("Budget note")
        GUIDE = "guide", _("Staff guide")
        FORM = "form", _("Form or worksheet")
        NOTICE = "notice", _("Notice to the public")
        SLIDES = "slides", _("Slides")
        DATA = "data", _("Data")
        OTHER = "other", _("Other")

    item = ParentalKey(LibraryItem, on_delete=models.CASCADE, related_name="attachments")
    kind = models.CharField(
        _("what it is"), max_length=12, choices=Kind.choices, default=Kind.TEXT, db_column="part"
    )
    title = models.CharField(_("title"), max_length=160)
    language = models.CharField(
        _("language"), max_length=2, choices=LibraryItem.Language.choices, default=LibraryItem.Language.EN
    )
    document = models.ForeignKey(
        "wagtaildocs.Document", protect_in_public, related_name="+", verbose_name=_("file")
    )

    RENAMED_FIELDS: ClassVar[dict[str, str]] = {"part": "kind"}

    def __str__(self) -> str:
        return self.title
