"""Worker processes, and the periods for which a periodic job was queued."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Worker(models.Model):
    """A process that runs jobs. If `seen_at` is too old, the process was killed and its job is queued again."""

    id = models.CharField(primary_key=True, max_length=64)
    host = models.CharField(max_length=253)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.pid} on {self.host}"


class PeriodicRun(models.Model):
    """A periodic job was queued for the period that begins at `period`; the constraint allows it once."""

    name = models.CharField(max_length=120)
    schema_name = models.CharField(max_length=63)
    period = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "schema_name", "period"], name="once_in_a_period"),
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.schema_name} for {self.period:%Y-%m-%d %H:%M}"
