"""Periodic tasks: queued once in every period, however many workers there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from django_tasks.base import Task
from django_tenants.utils import schema_context

from tenants.jobs.former_paths import recorded_name
from tenants.models import Jurisdiction


@dataclass(frozen=True)
class PeriodicTask:
    """A task that is queued once in every period, at the alliance or at each site (the alliance's too)."""

    task: Task
    period: dt.timedelta
    at_each_site: bool

    def period_start(self, now: dt.datetime) -> dt.datetime:
        """The start of the period that contains `now`, counted from midnight UTC."""
        return now - (now - dt.datetime.min.replace(tzinfo=dt.UTC)) % self.period


PERIODIC_TASKS: dict[str, PeriodicTask] = {}  # by the path of the task


def periodic_task(*, every: dt.timedelta, at_each_site: bool = False) -> Callable[[Task], Task]:
    """Decorate a task without arguments that is to be queued once in every period. Put it in `<app>/tasks.py`."""

    def register(task: Task) -> Task:
        PERIODIC_TASKS[task.module_path] = PeriodicTask(task, every, at_each_site)
        return task

    return register


def autodiscover() -> None:
    """Import the `tasks.py` of all apps, which registers their periodic tasks."""
    autodiscover_modules("tasks")


def enqueue_due(
    now: dt.datetime | None = None, *, queued_periods: dict[str, dt.datetime] | None = None
) -> int:
    """Queue periodic tasks for the current period, each once however many workers call this; returns how many.

    A period in which no worker ran is left out. `queued_periods` is a worker's memory between calls: the period of
    each task that needs no further query.
    """
    now = now or timezone.now()
    count = 0
    for path, periodic in PERIODIC_TASKS.items():
        start = periodic.period_start(now)
        if queued_periods is not None and queued_periods.get(path) == start:
            continue
        with transaction.atomic(), schema_context("public"):
            schemas = ["public"]
            if periodic.at_each_site:
                schemas += Jurisdiction.objects.tenants().values_list("schema_name", flat=True)
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO tenants_periodicrun (name, schema_name, period) SELECT %s, unnest(%s), %s "
                    "ON CONFLICT DO NOTHING RETURNING schema_name",
                    [recorded_name(path), schemas, start],
                )
                due_schemas = [row[0] for row in cursor.fetchall()]
            for schema in due_schemas:
                with schema_context(schema):
                    periodic.task.enqueue()
        count += len(due_schemas)
        if queued_periods is not None:
            queued_periods[path] = start
    return count
