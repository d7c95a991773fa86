"""The queue: `TASKS` in the settings names its backend."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django_tasks.base import Task
from django_tasks.exceptions import TaskResultDoesNotExist
from django_tasks_db.backend import DatabaseBackend

from tenants.jobs.former_paths import update_paths


class PermanentJobError(Exception):
    """Raised by a job that would fail again however often it is tried."""


class UnknownTenant(PermanentJobError):
    """The job does not say which schema it belongs to, or that schema is not registered."""


class TenantBackend(DatabaseBackend):
    """The queue in the public schema, written in the caller's transaction, each job with the caller's schema."""

    # Django's tasks know no argument for the schema; this is where the row is made, for every way of enqueueing.
    def _task_to_db_task(self, task: Task, args: Any, kwargs: Any) -> Any:
        schema = connection.schema_name
        if not schema:
            raise UnknownTenant(f"{task.module_path} was queued without an active schema.")
        with transaction.atomic():  # no worker sees the row before it has its schema
            job = super()._task_to_db_task(task, args, kwargs)
            job.args_kwargs["schema"] = schema
            job.save(update_fields=["args_kwargs"])
        return job

    async def aenqueue(self, task: Task, args: Any, kwargs: Any) -> Any:
        return await sync_to_async(self.enqueue)(task, args, kwargs)

    def get_result(self, result_id: str) -> Any:
        from django_tasks_db.models import DBTaskResult

        try:
            job = DBTaskResult.objects.get(id=result_id)
        except (DBTaskResult.DoesNotExist, ValidationError) as error:
            raise TaskResultDoesNotExist(result_id) from error
        update_paths(job)
        return job.task_result

    async def aget_result(self, result_id: str) -> Any:
        return await sync_to_async(self.get_result)(result_id)
