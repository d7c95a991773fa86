"""django-tenants' PostgreSQL backend, in which callbacks of on_commit() run in the schema they were registered in.

It also caches the search path of the connection: the package sets it again for each request, though most requests of a
busy process follow one of the same schema.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import psycopg2  # type: ignore[import-untyped]
from django_tenants.postgresql_backend import base

from tenants.schemas.backend import pooler_check
from tenants.schemas.backend.introspection import DatabaseIntrospection


class DatabaseWrapper(base.DatabaseWrapper):
    _path: list[str] | None = None
    _connection_path: list[str] | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.introspection = DatabaseIntrospection(self)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        pooler_check.reject_shared_connection(
            connection, lambda **more: psycopg2.connect(**conn_params | more)
        )
        return connection

    @property
    def search_path_set_schemas(self) -> list[str] | None:
        """The search path, if it is the one that this schema needs; None: set it before the next statement."""
        return self._path

    @search_path_set_schemas.setter
    def search_path_set_schemas(self, path: list[str] | None) -> None:
        """None means that the connection's path is unknown: after a rollback, a new connection, a SET LOCAL."""
        self._path = self._connection_path = path

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        connection_path = self._connection_path
        super().set_tenant(tenant, include_public)  # which resets the path
        self._connection_path = connection_path
        # django-tenants has no public name for the path that it is about to set.
        if connection_path == self._get_cursor_search_paths():
            self._path = connection_path

    def on_commit(self, func: Callable[[], Any], robust: bool = False) -> None:
        """Run `func` after the commit in the schema that is active now.

        A transaction of the alliance may enter a city and leave it before it commits. Wagtail, for example, deletes
        files and queues jobs after the commit: without this it would do so in the wrong schema.
        """
        if not callable(func):
            raise TypeError("on_commit()'s callback must be a callable.")
        tenant = self.tenant

        @wraps(func)
        def run_in_tenant() -> None:
            active_tenant = self.tenant
            self.set_tenant(tenant)
            try:
                func()
            finally:
                self.set_tenant(active_tenant)

        super().on_commit(run_in_tenant, robust)
