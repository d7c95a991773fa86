"""Jobs carry the schema they were queued in and run there; without one they fail closed.

A job is a row in the public schema, written in the transaction that wants it done. A worker runs it in one transaction
with its success: if the worker is killed, nothing of it was done, and the job is taken up again. What leaves the
database, like a mail, may therefore happen twice, but not never.

An exception sends a job back, each time for longer; after JOB_ATTEMPTS it is FAILED and stays so until somebody
looks (`manage.py jobs`).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import format_exception
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, SuspiciousOperation
from django.db import connection, transaction
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.module_loading import autodiscover_modules
from django_tasks.base import Task, TaskContext, TaskResultStatus
from django_tasks.signals import task_finished, task_started
from django_tasks_db.backend import DatabaseBackend
from django_tenants.utils import schema_context, tenant_context

log = logging.getLogger(__name__)

# How long a job that raised an exception waits: before its second attempt, its third, …
RETRY_DELAYS = (
    dt.timedelta(seconds=10),
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=10),
    dt.timedelta(hours=1),
)


class PermanentJobError(Exception):
    """Raised by a job that would fail again however often it is tried."""


class UnknownTenant(PermanentJobError):
    """The job does not say where it belongs, or that place is gone."""


class LostClaim(Exception):
    """Another worker has taken the job up meanwhile; what this one did of it is rolled back."""


class WorkerDied(Exception):
    """The worker that ran the job was killed."""


class TenantBackend(DatabaseBackend):
    """The queue in the public schema, written in the caller's transaction, each job with the caller's schema."""

    def _task_to_db_task(self, task: Task, args: Any, kwargs: Any) -> Any:
        schema = connection.schema_name
        if not schema:
            raise UnknownTenant(f"{task.module_path} was queued without an active schema.")
        with transaction.atomic():  # no worker sees the row before it says where it belongs
            job = super()._task_to_db_task(task, args, kwargs)
            job.args_kwargs["schema"] = schema
            job.save(update_fields=["args_kwargs"])
        return job

    async def aenqueue(self, task: Task, args: Any, kwargs: Any) -> Any:
        return await sync_to_async(self.enqueue)(task, args, kwargs)


# --- Running -------------------------------------------------------------------------------------------------


@contextmanager
def tenant_context_of(job: Any) -> Iterator[None]:
    """Work in the job's schema, and in its city's time zone and language. Raises NoTenant."""
    from tenants.models import Jurisdiction

    schema = job.args_kwargs.get("schema")
    if not schema:
        raise UnknownTenant(f"Job {job.id} ({job.task_path}) does not say which schema it belongs to.")
    with schema_context("public"):
        jurisdiction = Jurisdiction.objects.filter(schema_name=schema).first()
    if jurisdiction is None:
        raise UnknownTenant(f"Job {job.id} ({job.task_path}) belongs to {schema!r}, which is not registered.")
    language = jurisdiction.portal_languages[0]
    with (
        tenant_context(jurisdiction),
        timezone.override(ZoneInfo(jurisdiction.timezone)),
        translation.override(language),
    ):
        yield


def run_job(job: Any) -> bool:
    """Run a job that was claimed; True if it succeeded. Its outcome is on its row, exceptions too."""
    try:
        with transaction.atomic():
            task = job.task
            result = job.task_result
            task_started.send(sender=type(task.get_backend()), task_result=result)
            with tenant_context_of(job):
                context = [TaskContext(task_result=result)] if task.takes_context else []
                value = task.call(*context, *result.args, **result.kwargs)
            _settle(job, status=TaskResultStatus.SUCCESSFUL, return_value=value, finished_at=timezone.now())
    except LostClaim:
        log.warning(
            "Job %s (%s) was taken up by another worker; its work here is undone.", job.id, job.task_path
        )
        return False
    except Exception as error:  # noqa: BLE001 - whatever a job raises is kept on its row
        return _failed(job, error)
    except BaseException:  # the worker is told to stop at once: somebody else shall do it
        _settle(job, status=TaskResultStatus.READY, run_after=timezone.now())
        raise
    task_finished.send(sender=type(task.get_backend()), task_result=job.task_result)
    return True


def run_due_jobs() -> int:
    """Run every job that is due, here and now; how many there were. For tests and for `worker --batch`."""
    from django_tasks_db.models import DBTaskResult

    count = 0
    while True:
        with transaction.atomic():
            job = DBTaskResult.objects.ready().get_locked()
            if job is None:
                return count
            job.claim("in-process")
        run_job(job)
        count += 1


def _settle(job: Any, **outcome: Any) -> None:
    """Write the outcome on the job's row, if it is still ours. Raises Overtaken."""
    from django_tasks_db.models import DBTaskResult

    ours = DBTaskResult.objects.filter(pk=job.pk, status=TaskResultStatus.RUNNING, worker_ids=job.worker_ids)
    if not ours.update(**outcome):
        raise LostClaim
    for name, value in outcome.items():
        setattr(job, name, value)


def _failed(job: Any, error: Exception) -> bool:
    if isinstance(error, ObjectDoesNotExist) and job.task_path.startswith(("wagtail.", "modelsearch.")):
        # They name what they are about by its key; what was deleted meanwhile needs no index.
        _settle(job, status=TaskResultStatus.SUCCESSFUL, finished_at=timezone.now())
        return True
    attempts = len(job.worker_ids)
    trace = {
        "exception_class_path": f"{type(error).__module__}.{type(error).__qualname__}",
        "traceback": "".join(format_exception(error)),
    }
    final = (
        isinstance(error, (PermanentJobError, ImportError, SuspiciousOperation))
        or attempts >= settings.JOB_ATTEMPTS
    )
    try:
        if final:
            _settle(
                job, status=TaskResultStatus.FAILED, finished_at=timezone.now(), return_value=None, **trace
            )
            log.error(
                "Job %s (%s) failed for good after %s attempts: %s", job.id, job.task_path, attempts, error
            )
        else:
            wait = RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1]
            _settle(job, status=TaskResultStatus.READY, run_after=timezone.now() + wait, **trace)
            log.warning("Job %s (%s) failed, again in %s: %s", job.id, job.task_path, wait, error)
    except LostClaim:
        log.warning("Job %s (%s) was taken up by another worker.", job.id, job.task_path)
    return False


# --- Workers that are no more ------------------------------------------------------------------------------------


def heartbeat(worker_id: str, *, host: str, pid: int) -> None:
    """Say that this worker is alive."""
    from tenants.models import Worker

    Worker.objects.update_or_create(
        id=worker_id,
        defaults={"seen_at": Now()},
        create_defaults={"seen_at": Now(), "host": host, "pid": pid},
    )


def requeue_orphans(*, lease: dt.timedelta) -> int:
    """Make jobs ready again whose worker was not seen for `lease`; how many they were.

    One that was tried too often is FAILED instead: it may be what kills the workers.
    """
    from django_tasks_db.models import DBTaskResult

    from tenants.models import Worker

    alive = Worker.objects.filter(seen_at__gt=Now() - lease).values("id")
    with transaction.atomic():
        lost = (
            DBTaskResult.objects.running()
            .annotate(worker=KeyTextTransform(-1, "worker_ids"))
            .exclude(worker__in=alive)
            .select_for_update(skip_locked=True)
        )
        jobs = list(lost)
        for job in jobs:
            if len(job.worker_ids) >= settings.JOB_ATTEMPTS:
                job.status, job.finished_at = TaskResultStatus.FAILED, timezone.now()
                job.exception_class_path = f"{WorkerDied.__module__}.{WorkerDied.__qualname__}"
                job.traceback = f"{len(job.worker_ids)} workers were killed while they ran this job."
                log.error("Job %s (%s) is given up: %s", job.id, job.task_path, job.traceback)
            else:
                job.status, job.run_after = TaskResultStatus.READY, timezone.now()
                log.warning("Job %s (%s) is taken up again: its worker is gone.", job.id, job.task_path)
            job.save(
                update_fields=["status", "finished_at", "run_after", "exception_class_path", "traceback"]
            )
        Worker.objects.filter(seen_at__lt=Now() - max(lease, dt.timedelta(days=1))).delete()
    return len(jobs)


# --- Periodic work -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PeriodicTask:
    """A task that is queued once in every period, at the alliance or at each site (the alliance's too)."""

    task: Task
    period: dt.timedelta
    at_each_site: bool

    def begin(self, now: dt.datetime) -> dt.datetime:
        """The begin of the period that holds `now`, counted from midnight UTC."""
        return now - (now - dt.datetime.min.replace(tzinfo=dt.UTC)) % self.period


PERIODIC_TASKS: dict[str, PeriodicTask] = {}


def periodic_task(period: dt.timedelta, *, at_each_site: bool = False) -> Callable[[Task], Task]:
    """Decorate a task without arguments that is to be queued once in every period. Put it in `<app>/periodic.py`."""

    def register(task: Task) -> Task:
        PERIODIC_TASKS[task.module_path] = PeriodicTask(task, period, at_each_site)
        return task

    return register


def autodiscover() -> None:
    """Know the periodic tasks of all apps: those in their `periodic.py`."""
    autodiscover_modules("tasks")


def enqueue_due(now: dt.datetime | None = None, *, asked: dict[str, dt.datetime] | None = None) -> int:
    """Queue periodic tasks for the period that has begun, each once however many workers ask; how many they were.

    A period in which no worker ran is left out. In `asked` a worker keeps the periods it has asked for, so as not to
    ask again at every beat of its heart.
    """
    from tenants.models import Jurisdiction

    now = now or timezone.now()
    count = 0
    for name, periodic in PERIODIC_TASKS.items():
        begin = periodic.begin(now)
        if asked is not None and asked.get(name) == begin:
            continue
        with transaction.atomic(), schema_context("public"):
            schemas = ["public"]
            if periodic.at_each_site:
                schemas += Jurisdiction.objects.tenants().values_list("schema_name", flat=True)
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO tenants_periodicrun (name, schema_name, period) SELECT %s, unnest(%s), %s "
                    "ON CONFLICT DO NOTHING RETURNING schema_name",
                    [name, schemas, begin],
                )
                due = [row[0] for row in cursor.fetchall()]
            for schema in due:
                with schema_context(schema):
                    periodic.task.enqueue()
        count += len(due)
        if asked is not None:
            asked[name] = begin
    return count
