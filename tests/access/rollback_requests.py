"""Requests whose changes are rolled back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse

READ_PREFIXES = ("SELECT ", "SET search_path ", "SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
EVERY_METHOD = ("get", "head", "options", "post", "put", "patch", "delete")
# Values of form fields, so that an unguarded POST would change something.
FORM_DATA = {
    "title": "Taken",
    "name": "Taken",
    "roles": "viewer",
    "direction": "down",
    "reason": "Taken",
    "confirm": "on",
}
RequestFunction = Callable[..., HttpResponse]


@contextmanager
def rollback_requests() -> Iterator[RequestFunction]:
    """Yield `request(client, "get", path, data)`, which returns the response and undoes changes to rows and cookies.

    A savepoint for each request would take as long as some requests do. So all requests share one savepoint, and only
    a request that writes, or fails, is rolled back to it.
    """
    only_reads = True

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal only_reads
        still_only_reads, only_reads = only_reads and sql.startswith(READ_PREFIXES), False
        result = execute(sql, params, many, context)
        only_reads = still_only_reads  # stays False if the query fails
        return result

    def request(client: Any, method: str, path: str, data: Mapping[str, Any] | None = None) -> HttpResponse:
        nonlocal only_reads
        only_reads, cookies = True, copy.copy(client.cookies)
        response = getattr(client, method)(path, dict(data or {}))
        if response.streaming:
            response.streamed = b"".join(response.streaming_content)
        if not only_reads:
            transaction.set_rollback(False)
            transaction.savepoint_rollback(savepoint)
        client.cookies = cookies
        return response

    with transaction.atomic():
        savepoint = transaction.savepoint()
        with connection.execute_wrapper(watch):
            yield request
        transaction.set_rollback(True)
