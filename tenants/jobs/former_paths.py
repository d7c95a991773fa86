"""Present paths of tasks and exceptions that earlier versions wrote into rows of the queue.

Rows name a task and an exception by their dotted path. Whoever moves or renames one adds a line here, so that jobs
which are in the queue during an upgrade still run. Failed jobs are deleted after a year, and with them the need for
a line.
"""

from __future__ import annotations

from typing import Any

TASKS = {
    "cms.periodic.publish_scheduled": "cms.tasks.publish_scheduled",
    "resources.texts.read_files": "resources.text_extraction.tasks.extract_item_files",
    "search.index.feed.send": "search.indexing.tasks.index_pending",
    "search.periodic.reconcile_search": "search.tasks.reconcile_search",
    "tenants.mail.deliver": "tenants.notifications.mail.send_mail_task",
    "tenants.periodic.expire_invitations": "tenants.tasks.expire_invitations",
    "tenants.periodic.forget_old_sessions": "tenants.tasks.clear_expired_sessions",
    "tenants.periodic.forget_what_is_done": "tenants.tasks.purge_finished_jobs",
}
EXCEPTIONS = {
    "search.index.transports.EngineError": "search.backends.engine.client.EngineError",
    "search.index.transports.Rejected": "search.backends.engine.client.Rejected",
    "search.index.transports.Unavailable": "search.backends.engine.client.Unavailable",
    "tenants.jobs.GiveUp": "tenants.jobs.backend.PermanentJobError",
    "tenants.jobs.NoTenant": "tenants.jobs.backend.UnknownTenant",
    "tenants.jobs.WorkerLost": "tenants.jobs.recovery.WorkerDied",
}
_FORMER_TASKS = {present: former for former, present in TASKS.items()}


def update_paths(job: Any) -> None:
    """Give a job of an earlier version the present paths of its task and its exception; its row stays as it is."""
    job.task_path = TASKS.get(job.task_path, job.task_path)
    job.exception_class_path = EXCEPTIONS.get(job.exception_class_path, job.exception_class_path)


def recorded_name(task_path: str) -> str:
    """The name under which runs of a periodic task are recorded: its first path.

    It stays, so that a version before and one after a move do not both queue the task in the same period.
    """
    return _FORMER_TASKS.get(task_path, task_path)
