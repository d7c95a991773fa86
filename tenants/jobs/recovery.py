"""Finds jobs whose worker was killed, by the heartbeats of the workers."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from tenants.models import Worker

log = logging.getLogger(__name__)


class WorkerDied(Exception):
    """The worker that ran the job was killed."""


def heartbeat(worker_id: str, *, host: str, pid: int) -> None:
    """Record that this worker is alive."""
    Worker.objects.update_or_create(
        id=worker_id,
        defaults={"seen_at": Now()},
        create_defaults={"seen_at": Now(), "host": host, "pid": pid},
    )


def requeue_orphans(*, lease: dt.timedelta) -> int:
    """Take back running jobs whose worker was not seen for `lease`; returns how many.

    Each is READY again, or FAILED if it was tried JOB_ATTEMPTS times: it may be what kills the workers.
    """
    alive = Worker.objects.filter(seen_at__gt=Now() - lease).values("id")
    with transaction.atomic():
        jobs = list(
            DBTaskResult.objects.running()
            .annotate(worker=KeyTextTransform(-1, "worker_ids"))
            .exclude(worker__in=alive)
            .select_for_update(skip_locked=True)
        )
        for job in jobs:
            if len(job.worker_ids) >= settings.JOB_ATTEMPTS:
                job.status, job.finished_at = TaskResultStatus.FAILED, timezone.now()
                job.exception_class_path = f"{WorkerDied.__module__}.{WorkerDied.__qualname__}"
                job.traceback = f"{len(job.worker_ids)} workers were killed while they ran this job."
                log.error("Job %s (%s) failed for good: %s", job.id, job.task_path, job.traceback)
            else:
                job.status, job.run_after = TaskResultStatus.READY, timezone.now()
                log.warning("Job %s (%s) is requeued: its worker is gone.", job.id, job.task_path)
            job.save(
                update_fields=["status", "finished_at", "run_after", "exception_class_path", "traceback"]
            )
        Worker.objects.filter(seen_at__lt=Now() - max(lease, dt.timedelta(days=1))).delete()
    return len(jobs)
