"""The queue: `TASKS` in the settings names its backend."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django_tasks.base import Task
from django_tasks_db.backend import DatabaseBackend


class PermanentJobError(Exception):
    """Raised by a job that would fail again however often it is tried."""


class UnknownTenant(PermanentJobError):
    """The job does not say which schema it belongs to, or that schema is not registered."""


class TenantBackend(DatabaseBackend):
    """The queue in the public schema, written in the caller's transaction, each job with the caller's schema."""

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
