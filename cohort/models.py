from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, CharField, Count, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import JSONObject
from django.utils import timezone

from tenants.models import ActionStage, Jurisdiction, Visibility
from tenants.plans.models import Action
from tenants.plans.standing import NEEDS_ATTENTION, NO_STATUS, OVERDUE
from tenants.web.urlconf import city_path

OPEN_STATUSES = [status for status in Action.Status.values if status not in Action.CLOSED]


class ProjectionQuerySet(models.QuerySet):
    def visible_to(self, audience: str) -> Self:
        """The rows that `audience` may see: "public" what is public, "members" also what the cohort shares.

        Raises ValueError for any other audience.
        """
        if audience == "public":
            return self.filter(
                visibility=Visibility.PUBLIC, jurisdiction__site_state=Jurisdiction.SiteState.LAUNCHED
            )
        if audience == "members":
            return self.filter(
                Q(visibility=Visibility.COHORT)
                | Q(visibility=Visibility.PUBLIC, jurisdiction__site_state=Jurisdiction.SiteState.LAUNCHED)
            )
        raise ValueError(f"No audience {audience!r}. Known: 'public', 'members'.")


class Projection(models.Model):
    """A copy of a row that a city shows to others, written in the city's transaction. Never internal data."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    jurisdiction = models.ForeignKey(Jurisdiction, models.CASCADE, related_name="+")
    visibility = models.CharField(max_length=16, choices=Visibility.choices)
    updated_at = models.DateTimeField()  # of the city's own row, at the last change of this copy
    changed_at = models.DateTimeField(default=timezone.now)  # the last change of this copy

    objects = ProjectionQuerySet.as_manager()

    class Meta:
        abstract = True


class PublicPlanQuerySet(ProjectionQuerySet):
    def with_overdue(self, *, at: dt.datetime | None = None, with_last: bool = False) -> Self:
        """Annotates what `PublicPlan.count_by_standing` needs as of that moment, now by default.

        `with_last` adds when the last of its actions became overdue.

        Which actions are overdue changes at midnight without a write, so it is counted when it is read: by the index
        of those actions alone.
        """
        overdue = (
            PublicAction.objects.filter(
                jurisdiction=OuterRef("jurisdiction"), overdue_at__lte=at or timezone.now()
            )
            .order_by()
            .values("jurisdiction")
        )
        counts: Any = {status: Count("pk", filter=Q(status=status)) for status in OPEN_STATUSES}
        plans = self.annotate(
            overdue_by_status=Subquery(overdue.annotate(counts=JSONObject(**counts)).values("counts"))
        )
        if not with_last:
            return plans
        return plans.annotate(
            last_overdue_at=Subquery(overdue.annotate(last=Max("overdue_at")).values("last"))
        )


class PublicPlan(Projection):
    """A plan and its rollup: one row per jurisdiction, so the progress of all cities is one query.

    The counts are of statuses as reported; `count_by_standing` has those that are shown. They leave out cancelled and
    merged actions, which `left_out` counts.
    """

    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    lifecycle = models.CharField(max_length=16)
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    adopted_on = models.DateField(null=True)
    published_at = models.DateTimeField(null=True)
    goals = models.PositiveIntegerField(default=0)
    outcomes = models.PositiveIntegerField(default=0)
    actions = models.PositiveIntegerField(default=0)
    completed = models.PositiveIntegerField(default=0)
    on_track = models.PositiveIntegerField(default=0)
    at_risk = models.IntegerField(default=0, db_default=0)
    off_track = models.IntegerField(default=0, db_default=0)
    on_hold = models.IntegerField(default=0, db_default=0)
    needs_attention = models.PositiveIntegerField(default=0)
    not_started = models.PositiveIntegerField(default=0)
    no_status = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    last_update_on = models.DateField(null=True)

    # Annotations of `with_overdue`.
    overdue_by_status: dict[str, int] | None
    last_overdue_at: dt.datetime | None

    objects = PublicPlanQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["jurisdiction"], name="one_public_plan_per_place")]

    def __str__(self) -> str:
        return self.title

    def count_by_standing(self) -> dict[str, int]:
        """The eight groups and "needs_attention"; of a plan that was read `with_overdue`.

        {"completed": 8, "on_track": 14, "at_risk": 5, "off_track": 1, "overdue": 3, "on_hold": 1, "not_started": 3,
        "no_status": 0, "needs_attention": 10}
        """
        overdue = self.overdue_by_status or {}
        counts = {status: getattr(self, status) - overdue.get(status, 0) for status in OPEN_STATUSES}
        counts |= {
            OVERDUE: sum(overdue.values()),
            Action.Status.COMPLETED.value: self.completed,
            "no_status": self.no_status,
        }
        return counts | {"needs_attention": sum(counts[state] for state in NEEDS_ATTENTION)}


class PublicGoal(Projection):
    label = models.CharField(max_length=40, blank=True)
    title = models.TextField()
    position = models.PositiveIntegerField(default=0)
    sectors = ArrayField(models.CharField(max_length=40), default=list)

    def __str__(self) -> str:
        return self.title


class PublicOutcome(Projection):
    goal = models.ForeignKey(
        PublicGoal, models.CASCADE, to_field="uuid", db_constraint=False, related_name="+"
    )
    label = models.CharField(max_length=40, blank=True)
    title = models.TextField()
    stage = models.CharField(max_length=16, choices=ActionStage.choices, blank=True)
    position = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.title


class PublicActionQuerySet(ProjectionQuerySet):
    def with_standing(self, *, at: dt.datetime | None = None) -> Self:
        """Annotates `standing` as of that moment, now by default: see tenants.plans.standing."""
        return self.annotate(
            standing=Case(
                When(status="", then=Value(NO_STATUS)),
                When(overdue_at__lte=at or timezone.now(), then=Value(OVERDUE)),
                default="status",
                output_field=CharField(),
            )
        )


class PublicAction(Projection):
    outcome = models.ForeignKey(
        PublicOutcome, models.CASCADE, to_field="uuid", db_constraint=False, related_name="+"
    )
    code = models.CharField(max_length=12)
    number = models.CharField(max_length=40, blank=True)
    title = models.TextField()
    details = models.TextField(blank=True)
    stage = models.CharField(max_length=16, choices=ActionStage.choices, blank=True)
    sectors = ArrayField(models.CharField(max_length=40), default=list)
    topics = ArrayField(models.CharField(max_length=60), default=list)
    status = models.CharField(max_length=16, blank=True)  # empty: no status yet
    reason = models.TextField(blank=True)
    next_step = models.TextField(blank=True)
    accountable = models.CharField(max_length=160, blank=True)
    start_date = models.DateField(null=True)
    due_date = models.DateField(null=True)
    due_precision = models.CharField(max_length=8, blank=True)
    is_continuous = models.BooleanField(default=False)
    last_update_on = models.DateField(null=True)
    last_update_text = models.TextField(blank=True)
    position = models.PositiveIntegerField(default=0)
    overdue_at = models.DateTimeField(null=True)  # from tenants.plans.standing.overdue_from

    standing: str  # annotation of `with_standing`

    objects = PublicActionQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        indexes = [
            models.Index(
                fields=["jurisdiction", "overdue_at"],
                name="public_action_overdue",
                condition=Q(overdue_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def path(self) -> str:
        """The path of its page on the city's host."""
        return city_path("dashboard:action", self.code)
