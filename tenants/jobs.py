"""Jobs carry the schema they were queued in and run there; without one they fail closed."""

from __future__ import annotations

from django_tasks_db.backend import DatabaseBackend


class TenantBackend(DatabaseBackend):
    """The queue in the public schema, written in the caller's transaction."""
