"""django-tenants' PostgreSQL backend, in which what waits for the commit keeps its schema."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django_tenants.postgresql_backend import base


class DatabaseWrapper(base.DatabaseWrapper):
    def on_commit(self, func: Callable[[], Any], robust: bool = False) -> None:
        """Run `func` after the commit in the schema that is active now.

        A transaction of the alliance may step into a city and out again before it commits. Wagtail, for one, deletes
        files and queues jobs after the commit: without this it would do so in the wrong schema.
        """
        if not callable(func):
            raise TypeError("on_commit()'s callback must be a callable.")
        tenant = self.tenant

        @wraps(func)
        def there() -> None:
            before = self.tenant
            self.set_tenant(tenant)
            try:
                func()
            finally:
                self.set_tenant(before)

        super().on_commit(there, robust)
