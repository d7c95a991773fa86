"""Runs a job that a worker has claimed, and writes its outcome on its row."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import format_exception
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, SuspiciousOperation
from django.db import transaction
from django.utils import timezone, translation
from django_tasks.base import TaskContext, TaskResultStatus
from django_tasks.signals import task_finished, task_started
from django_tasks_db.models import DBTaskResult
from django_tenants.utils import schema_context, tenant_context

from tenants.jobs.backend import PermanentJobError, UnknownTenant
from tenants.jobs.former_paths import update_paths
from tenants.models import Jurisdiction

log = logging.getLogger(__name__)

# How long a job that raised an exception waits: before its second attempt, its third, …
RETRY_DELAYS = (
    dt.timedelta(seconds=10),
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=10),
    dt.timedelta(hours=1),
)


class LostClaim(Exception):
    """Another worker has claimed the job meanwhile; what this one did of it is rolled back."""


@contextmanager
def tenant_context_of(job: Any) -> Iterator[None]:
    """Work in the job's schema, and in its city's time zone and language. Raises UnknownTenant."""
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
    """Run a job that was claimed, in one transaction with its success; True if it succeeded.

    Its outcome is on its row, exceptions too, unless another worker has claimed the job meanwhile. Whatever stops the
    worker itself (KeyboardInterrupt, SystemExit) makes the job ready for another one, and is raised again.
    """
    update_paths(job)
    try:
        with transaction.atomic():
            task = job.task
            result = job.task_result
            task_started.send(sender=type(task.get_backend()), task_result=result)
            with tenant_context_of(job):
                context = [TaskContext(task_result=result)] if task.takes_context else []
                value = task.call(*context, *result.args, **result.kwargs)
            _write_outcome(
                job, status=TaskResultStatus.SUCCESSFUL, return_value=value, finished_at=timezone.now()
            )
    except LostClaim:
        log.warning(
            "Job %s (%s) was claimed by another worker; its work here is rolled back.", job.id, job.task_path
        )
        return False
    except Exception as error:  # noqa: BLE001 - whatever a job raises is written on its row
        return _handle_failure(job, error)
    except BaseException:  # the worker is told to stop at once: another one shall run the job
        _write_outcome(job, status=TaskResultStatus.READY, run_after=timezone.now())
        raise
    task_finished.send(sender=type(task.get_backend()), task_result=job.task_result)
    return True


def run_due_jobs() -> int:
    """Run jobs in this process until none is due, one transaction each; returns how many, failed ones too. For tests."""
    count = 0
    while True:
        with transaction.atomic():
            job = DBTaskResult.objects.ready().get_locked()
            if job is None:
                return count
            job.claim("in-process")
        run_job(job)
        count += 1


def _write_outcome(job: Any, **outcome: Any) -> None:
    """Write the outcome on the job's row, if this worker's claim still holds. Raises LostClaim."""
    claimed = DBTaskResult.objects.filter(
        pk=job.pk, status=TaskResultStatus.RUNNING, worker_ids=job.worker_ids
    )
    if not claimed.update(**outcome):
        raise LostClaim
    for name, value in outcome.items():
        setattr(job, name, value)


def _handle_failure(job: Any, error: Exception) -> bool:
    """Retry the job later, or mark it FAILED; True if the failure counts as success."""
    if isinstance(error, ObjectDoesNotExist) and job.task_path.startswith(("wagtail.", "modelsearch.")):
        # These name their object by its key; an object that was deleted meanwhile needs no index.
        _write_outcome(job, status=TaskResultStatus.SUCCESSFUL, finished_at=timezone.now())
        return True
    attempts = len(job.worker_ids)
    trace = {
        "exception_class_path": f"{type(error).__module__}.{type(error).__qualname__}",
        "traceback": "".join(format_exception(error)),
    }
    is_final = (
        isinstance(error, (PermanentJobError, ImportError, SuspiciousOperation))
        or attempts >= settings.JOB_ATTEMPTS
    )
    try:
        if is_final:
            _write_outcome(
                job, status=TaskResultStatus.FAILED, finished_at=timezone.now(), return_value=None, **trace
            )
            log.error(
                "Job %s (%s) failed for good after %s attempts: %s", job.id, job.task_path, attempts, error
            )
        else:
            delay = RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1]
            _write_outcome(job, status=TaskResultStatus.READY, run_after=timezone.now() + delay, **trace)
            log.warning("Job %s (%s) failed, retry in %s: %s", job.id, job.task_path, delay, error)
    except LostClaim:
        log.warning("Job %s (%s) was claimed by another worker.", job.id, job.task_path)
    return False
