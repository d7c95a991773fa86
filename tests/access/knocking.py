"""Requests that leave nothing behind."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse

READING = ("SELECT ", "SET search_path ", "SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
RequestFunction = Callable[..., HttpResponse]


@contextmanager
def rollback_requests() -> Iterator[RequestFunction]:
    """`knock(client, "get", path, data)`: the answer; neither rows nor cookies stay for the next one.

    A savepoint for each request would take as long as some requests do. So all have one, and whatever is more than
    reading, or fails, is taken back to it.
    """
    reading = True

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal reading
        known, reading = reading and sql.startswith(READING), False
        answer = execute(sql, params, many, context)
        reading = known
        return answer

    def knock(client: Any, method: str, path: str, data: Mapping[str, Any] | None = None) -> HttpResponse:
        nonlocal reading
        reading, cookies = True, copy.copy(client.cookies)
        answer = getattr(client, method)(path, dict(data or {}))
        if answer.streaming:
            answer.streamed = b"".join(answer.streaming_content)
        if not reading:
            transaction.set_rollback(False)
            transaction.savepoint_rollback(before)
        client.cookies = cookies
        return answer

    with transaction.atomic():
        before = transaction.savepoint()
        with connection.execute_wrapper(watch):
            yield knock
        transaction.set_rollback(True)
