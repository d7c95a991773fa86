from __future__ import annotations

import uuid
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.models import ActionStage, Jurisdiction, Visibility
from tenants.web.urlconf import city_path


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


class PublicPlan(Projection):
    """A plan and its rollup: one row per jurisdiction, so the progress of all cities is one query.

    The counts leave out cancelled and merged actions, which `left_out` counts.
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
    needs_attention = models.PositiveIntegerField(default=0)
    not_started = models.PositiveIntegerField(default=0)
    no_status = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    last_update_on = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["jurisdiction"], name="one_public_plan_per_place")]

    def __str__(self) -> str:
        return self.title


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

    def __str__(self) -> str:
        return self.title

    @property
    def path(self) -> str:
        """The path of its page on the city's host."""
        return city_path("dashboard:action", self.code)
