"""`manage.py jobs`: counts jobs by state, and lists and retries those that failed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult


class Command(BaseCommand):
    help = (
        "Count the jobs by state and list those that failed for good; --retry sends them back to the queue."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--retry", metavar="ID", help="The failed job to retry, or `all`.")
        parser.add_argument("--traceback-of", metavar="ID", help="Show why this job failed.")

    def handle(self, *, retry: str | None, traceback_of: str | None, **options: Any) -> None:
        failed = DBTaskResult.objects.failed()
        if traceback_of:
            self.stdout.write(self.find_job(DBTaskResult.objects.all(), traceback_of).traceback)
            return
        if retry:
            retried = failed if retry == "all" else failed.filter(pk=self.find_job(failed, retry).pk)
            count = retried.update(
                status=TaskResultStatus.READY, run_after=timezone.now(), worker_ids=[], finished_at=None
            )
            self.stdout.write(f"{count} jobs are back in the queue.")
            return
        counts = dict(DBTaskResult.objects.order_by().values_list("status").annotate(Count("pk")))
        self.stdout.write(
            ", ".join(f"{counts.get(status, 0)} {status.lower()}" for status in TaskResultStatus.values)
        )
        for job in failed.order_by("-finished_at")[:50]:
            schema = job.args_kwargs.get("schema", "no schema")
            self.stdout.write(
                f"{job.finished_at:%Y-%m-%d %H:%M} {job.id} {job.task_path} {schema}: {job.exception_class_path}"
            )

    def find_job(self, jobs: Any, key: str) -> DBTaskResult:
        try:
            return jobs.get(pk=key)
        except (DBTaskResult.DoesNotExist, ValidationError):
            raise CommandError(
                f"There is no such job as {key!r}. `manage.py jobs` lists those that failed."
            ) from None
