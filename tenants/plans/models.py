from __future__ import annotations

import datetime as dt
import uuid
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.formats import action_heading, title_with_label
from tenants.models import ActionStage, Visibility
from tenants.web.urlconf import city_path


class PlanModel(models.Model):
    """Base of a plan's rows: a lasting identity, and who created and edited the row when."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="+",
        editable=False,
    )
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="+",
        editable=False,
    )

    is_repeat = False  # not stored: True if a service found that this person had added the row before

    class Meta:
        abstract = True


class Precision(models.TextChoices):
    """Precision of a date as its author meant it."""

    DAY = "day", _("day")
    MONTH = "month", _("month")
    QUARTER = "quarter", _("quarter")
    YEAR = "year", _("year")


class PlanQuerySet(models.QuerySet["Plan"]):
    def in_force(self) -> Self:
        """Plans that pages show, one for each jurisdiction: not superseded, abandoned or archived."""
        return self.exclude(
            lifecycle__in=[Plan.Lifecycle.SUPERSEDED, Plan.Lifecycle.ABANDONED, Plan.Lifecycle.ARCHIVED]
        )

    def public(self) -> Self:
        return self.in_force().filter(visibility=Visibility.PUBLIC)


class Plan(PlanModel):
    """A Racial Equity Action Plan. Lifecycle, visibility and the launch of the site are three separate facts."""

    class Lifecycle(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ADOPTED = "adopted", _("Adopted")
        IMPLEMENTING = "implementing", _("Implementing")
        COMPLETED = "completed", _("Completed")
        SUPERSEDED = "superseded", _("Superseded")
        ABANDONED = "abandoned", _("Abandoned")
        ARCHIVED = "archived", _("Archived")

    title = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("summary"), blank=True)
    vision = models.TextField(_("vision"), blank=True)
    period_start = models.DateField(_("from"), null=True, blank=True)
    period_end = models.DateField(_("to"), null=True, blank=True)
    lifecycle = models.CharField(
        _("state"), max_length=16, choices=Lifecycle.choices, default=Lifecycle.DRAFT
    )
    visibility = models.CharField(
        _("visible to"), max_length=16, choices=Visibility.choices, default=Visibility.INTERNAL
    )
    published_at = models.DateTimeField(null=True, blank=True)  # for the first time; stays when unpublished
    adopted_on = models.DateField(_("adopted on"), null=True, blank=True)
    adopting_body = models.CharField(_("adopted by"), max_length=120, blank=True)
    resolution = models.CharField(_("resolution"), max_length=120, blank=True)
    cadence_days = models.PositiveSmallIntegerField(_("update every (days)"), default=92)
    grace_days = models.PositiveSmallIntegerField(_("grace period (days)"), default=30)
    next_code = models.PositiveIntegerField(default=1, editable=False)
    status_labels = models.JSONField(
        default=dict, blank=True
    )  # the city's labels for status codes: {"on_track": "Moving"}

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="plan_ends_after_it_starts",
                condition=Q(period_end__gte=F("period_start")) | Q(period_end=None) | Q(period_start=None),
                violation_error_message=_("The plan ends before it starts."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_draft(self) -> bool:
        return self.lifecycle == self.Lifecycle.DRAFT

    @property
    def owes_updates(self) -> bool:
        """A completed plan owes none any more, even if some of its actions stayed open."""
        return self.lifecycle != self.Lifecycle.COMPLETED


class Department(PlanModel):
    """A department, office, body or partner that is accountable for actions or helps with them."""

    name = models.CharField(_("name"), max_length=160)

    class Meta:
        constraints = [
            models.UniqueConstraint(models.functions.Lower("name"), name="one_department_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class RetirableModel(PlanModel):
    """Base of goals, outcomes and actions: retired (soft delete), never deleted."""

    position = models.PositiveIntegerField(default=0)
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_reason = models.CharField(max_length=300, blank=True)
    # Where an import read it: {"sheet": "Plan", "row": 12, "code": "1.1.2"}; {"starter": true} until somebody edits it.
    source = models.JSONField(default=dict, blank=True)
    # Cells of columns that the portal has no field for: [{"label": "Cost code", "text": "4-11"}].
    extra_columns = models.JSONField(default=list, blank=True, db_column="notes")

    class Meta:
        abstract = True


class Goal(RetirableModel):
    plan = models.ForeignKey(Plan, models.CASCADE, related_name="goals")
    label = models.CharField(_("label"), max_length=40, blank=True)  # as the city writes it: "Goal 1"
    title = models.TextField(_("goal"))
    story = models.TextField(_("where we stand"), blank=True)
    department = models.CharField(_("department"), max_length=160, blank=True)
    sectors = ArrayField(models.SlugField(max_length=40), default=list, blank=True, verbose_name=_("sectors"))

    class Meta:
        indexes = [models.Index(fields=["plan", "position"], name="goal_order")]

    def __str__(self) -> str:
        return title_with_label(self.label, self.title)


class Outcome(RetirableModel):
    """A change the jurisdiction commits to cause."""

    goal = models.ForeignKey(Goal, models.CASCADE, related_name="outcomes")
    label = models.CharField(_("label"), max_length=40, blank=True)  # "A", "1.1"
    title = models.TextField(_("outcome"))
    story = models.TextField(_("where we stand"), blank=True)
    stage = models.CharField(_("strategy"), max_length=16, choices=ActionStage.choices, blank=True)

    class Meta:
        indexes = [models.Index(fields=["goal", "position"], name="outcome_order")]

    def __str__(self) -> str:
        return title_with_label(self.label, self.title)


class ActionQuerySet(models.QuerySet["Action"]):
    def current(self) -> Self:
        """Actions that are not retired, nor is their outcome or goal."""
        return self.filter(retired_at=None, outcome__retired_at=None, outcome__goal__retired_at=None)

    def counted(self) -> Self:
        """Current actions that a rollup counts: without cancelled and merged ones."""
        return self.current().exclude(status__in=[Action.Status.CANCELLED, Action.Status.MERGED])

    def in_plan_order(self) -> Self:
        return self.order_by("outcome__goal__position", "outcome__position", "position", "pk")


class Action(RetirableModel):
    """A concrete step that the jurisdiction takes for an outcome."""

    class Status(models.TextChoices):
        NOT_STARTED = "not_started", _("Not started")
        ON_TRACK = "on_track", _("On track")
        AT_RISK = "at_risk", _("At risk")
        OFF_TRACK = "off_track", _("Off track")
        ON_HOLD = "on_hold", _("On hold")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")
        MERGED = "merged", _("Merged")

    NEEDS_REASON = frozenset({"at_risk", "off_track", "on_hold", "cancelled"})
    NEEDS_NEXT_STEP = frozenset({"at_risk", "off_track", "on_hold"})
    NEEDS_ATTENTION = frozenset({"at_risk", "off_track", "on_hold"})
    CLOSED = frozenset({"completed", "cancelled", "merged"})

    outcome = models.ForeignKey(Outcome, models.CASCADE, related_name="actions")
    code = models.CharField(max_length=12, unique=True)  # the portal's own, for addresses: "a12"
    number = models.CharField(_("number"), max_length=40, blank=True)  # as the city writes it: "1.1.2"
    title = models.TextField(_("action"))
    details = models.TextField(_("details"), blank=True)
    why = models.TextField(_("why it matters"), blank=True)
    stage = models.CharField(_("strategy"), max_length=16, choices=ActionStage.choices, blank=True)
    sectors = ArrayField(models.SlugField(max_length=40), default=list, blank=True, verbose_name=_("sectors"))
    topics = ArrayField(models.SlugField(max_length=60), default=list, blank=True, verbose_name=_("topics"))

    status = models.CharField(_("status"), max_length=16, choices=Status.choices, null=True, blank=True)  # noqa: DJ001
    status_raw = models.CharField(max_length=80, blank=True)
    status_since = models.DateField(null=True, blank=True)
    reason = models.TextField(_("reason for the status"), blank=True)
    next_step = models.TextField(_("what is next"), blank=True)

    accountable = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="answers_for",
        verbose_name=_("responsible"),
    )
    owner = models.ForeignKey(
        "tenants.Affiliation",
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("person"),
    )
    owner_vacant_since = models.DateField(_("vacant since"), null=True, blank=True)
    accountability_raw = models.TextField(blank=True)

    start_date = models.DateField(_("start"), null=True, blank=True)
    start_precision = models.CharField(max_length=8, choices=Precision.choices, blank=True)
    due_date = models.DateField(_("due"), null=True, blank=True)
    due_precision = models.CharField(max_length=8, choices=Precision.choices, blank=True)
    is_continuous = models.BooleanField(_("ongoing (no end date)"), default=False)
    timeline_raw = models.TextField(blank=True)

    resources = models.TextField(_("resources"), blank=True)
    implementation_plan = ArrayField(models.TextField(), default=list, blank=True, verbose_name=_("steps"))
    changes = models.TextField(_("what changed"), blank=True)
    indicator_text = models.TextField(_("starting point"), blank=True)
    last_update_on = models.DateField(null=True, blank=True)
    # The action that continues this one. Counts only while the status is "merged": see `continued_by`.
    # No constraint: code before this column deletes rows of an undone import without knowing of it.
    merged_into = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="merged",
        verbose_name=_("merged into"),
    )

    objects = ActionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["outcome", "position"], name="action_order"),
            models.Index(fields=["status"], name="action_status"),
        ]
        constraints = [
            models.CheckConstraint(
                name="action_due_after_start",
                condition=Q(due_date__gte=F("start_date")) | Q(due_date=None) | Q(start_date=None),
                violation_error_message=_("The due date is before the start date."),
            ),
            models.CheckConstraint(
                name="action_owner_or_vacant",
                condition=Q(owner=None) | Q(owner_vacant_since=None),
                violation_error_message=_("An action has an owner, or its position is vacant; not both."),
            ),
        ]

    def __str__(self) -> str:
        return action_heading(self.number, self.title)

    def get_absolute_url(self) -> str:
        return city_path("dashboard:action", self.code)

    @property
    def continued_by(self) -> Action | None:
        """The action that a merged one was merged into; None for any other, and where nobody chose one."""
        return self.merged_into if self.status == Action.Status.MERGED else None


class ActionParty(models.Model):
    """A department that works on an action besides the accountable one."""

    class Role(models.TextChoices):
        RESPONSIBLE = "responsible", _("Also responsible")
        SUPPORT = "support", _("Supports")

    action = models.ForeignKey(Action, models.CASCADE, related_name="parties")
    department = models.ForeignKey(Department, models.PROTECT, related_name="parties")
    role = models.CharField(max_length=12, choices=Role.choices, db_column="part")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "department", "role"], name="one_part_per_department")
        ]

    def __str__(self) -> str:
        return f"{self.department} ({self.get_role_display()})"


class PerformanceMeasure(PlanModel):
    """Performance measure of an action. Baseline and target are text, as the city words them."""

    class Kind(models.TextChoices):
        HOW_MUCH = "how_much", _("How much did we do?")
        HOW_WELL = "how_well", _("How well did we do it?")
        BETTER_OFF = "better_off", _("Is anyone better off?")

    action = models.ForeignKey(Action, models.CASCADE, related_name="measures")
    kind = models.CharField(_("question"), max_length=12, choices=Kind.choices)
    text = models.TextField(_("measure"))
    baseline = models.CharField(_("baseline"), max_length=200, blank=True)
    target = models.CharField(_("target"), max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.text


class Milestone(PlanModel):
    """A dated step of an action. `measure_position` is the position of its measure, from 0; None for no measure."""

    action = models.ForeignKey(Action, models.CASCADE, related_name="milestones")
    title = models.CharField(_("milestone"), max_length=300, blank=True)
    due_date = models.DateField(_("due"))
    due_precision = models.CharField(max_length=8, choices=Precision.choices, default=Precision.DAY)
    done_date = models.DateField(_("done on"), null=True, blank=True)
    measure_position = models.PositiveSmallIntegerField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.title or str(self.due_date)


class CurrentNoteManager(models.Manager["ProgressNote"]):
    """The notes that are not withdrawn. A page, file or count that forgets about withdrawn ones is right."""

    def get_queryset(self) -> models.QuerySet[ProgressNote]:
        return super().get_queryset().filter(withdrawn_at=None)


class ProgressNote(PlanModel):
    """A dated progress note on an action. A correction is dated, and the change log has the text before it.

    A withdrawn note, reported by mistake, is kept for the log and shown nowhere.
    """

    action = models.ForeignKey(Action, models.CASCADE, related_name="progress_notes")
    label = models.CharField(max_length=40, blank=True)  # the period as the sheet names it: "FY26 Q2"
    noted_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Action.Status.choices, blank=True)
    text = models.TextField(_("what happened"))
    reason = models.TextField(_("why"), blank=True)
    next_step = models.TextField(_("what is next"), blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_imported = models.BooleanField(default=False)
    corrected_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = CurrentNoteManager()
    with_withdrawn = models.Manager["ProgressNote"]()

    def __str__(self) -> str:
        return f"{self.label or self.noted_on}: {self.text[:60]}"


class PlanLogEntry(models.Model):
    """One change to a plan: object, old and new values, person, time, reason. Append-only."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_constraint=False, related_name="+"
    )
    verb = models.CharField(max_length=24)  # a key of tenants.plans.change_log.VERB_LABELS
    object_type = models.CharField(max_length=16)  # plan, goal, outcome, action
    object_uuid = models.UUIDField(db_index=True)
    object_title = models.CharField(max_length=200, blank=True)
    fields = models.JSONField(default=dict, blank=True)  # {"due_date": ["2026-06-30", "2026-12-31"]}
    reason = models.TextField(blank=True)

    class Meta:
        db_table = "plans_change"

    def __str__(self) -> str:
        return f"{self.verb} {self.object_title}"


class ImportJob(PlanModel):
    """One import of an uploaded sheet: the file, its column mapping, the check, the result and the undo data."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKED = "checked", _("Checked")
        COMMITTED = "committed", _("Imported")
        UNDONE = "undone", _("Undone")
        REFUSED = "refused", _("Refused")

    filename = models.CharField(max_length=255)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)  # counts, cells, messages, rows to add or change
    tree = models.JSONField(default=list, blank=True)  # the plan as the sheet has it, for the three-way merge
    before = models.JSONField(
        default=dict, blank=True
    )  # the undo journal: tenants.plans.imports.undo_journal
    state = models.CharField(max_length=12, choices=State.choices, default=State.UPLOADED)
    committed_at = models.DateTimeField(null=True, blank=True)
    undo_until = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.filename} ({self.get_state_display()})"


class ExportSnapshot(PlanModel):
    """The plan as a downloaded sheet has it: a base for the three-way merge when the sheet is imported again."""

    tree = models.JSONField()

    class Meta:
        db_table = "plans_export"

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d}"


def freshness(
    last_update_on: dt.date | None,
    *,
    on: dt.date,
    cadence_days: int,
    grace_days: int,
    has_undated: bool = False,
) -> str:
    """Freshness of an action's newest update: "none", "undated", "fresh", "due", "late" or "stale".

    Fresh within the plan's cadence; due for 14 days after it; late until the grace days have passed; then stale.
    Undated: there are reports (`has_undated`), but none has a date, so that nobody knows how old they are.
    """
    if last_update_on is None:
        return "undated" if has_undated else "none"
    age = (on - last_update_on).days
    if age <= cadence_days:
        return "fresh"
    if age <= cadence_days + min(14, grace_days):
        return "due"
    if age <= cadence_days + grace_days:
        return "late"
    return "stale"
