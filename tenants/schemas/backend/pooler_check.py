"""Rejects a connection pooler in transaction mode.

The search path of a connection decides which city a statement is about. A pooler that gives each transaction to any free
connection would answer one city's visitors from another city's tables.
"""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg2 import extensions  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

MAX_ROUNDS = 5
CONNECT_TIMEOUT_SECONDS = 2.0  # for a second connection: an exhausted pool cannot be tested

_checked_servers: set[tuple[str, str]] = set()


def reject_shared_connection(connection: Any, connect: Callable[..., Any]) -> None:
    """Raise ImproperlyConfigured if this psycopg2 connection does not keep one server process to itself.

    Checked once for each server and process. `connect(**more)` opens another connection like this one.

    A server reports its process number when the connection opens. A pooler reports a number of its own, so one query
    identifies a direct connection. Behind a pooler a second connection holds a transaction open: if it has the first
    one's server process, or the first one gets another, they are shared.
    """
    server = (connection.info.host or "", str(connection.info.port))
    if server in _checked_servers:
        return
    if connection.info.backend_pid != _server_process(connection) and _is_shared(connection, connect):
        raise ImproperlyConfigured(
            f"The database at {server[0]}:{server[1]} is behind a connection pooler that shares connections between "
            "transactions. One jurisdiction's pages would show another's data. Set the pooler to session "
            "mode (pgbouncer: pool_mode = session), or let DATABASE_URL lead to PostgreSQL itself."
        )
    _checked_servers.add(server)


def _server_process(connection: Any) -> int:
    """Number of the server process that runs this connection's next transaction, which ends before this returns."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    connection.rollback()
    return pid


def _is_shared(connection: Any, connect: Callable[..., Any]) -> bool:
    own_pid = _server_process(connection)
    for _round in range(MAX_ROUNDS):
        try:
            with _pid_of_other_transaction(connect) as other_pid:
                if other_pid == own_pid or _server_process(connection) != own_pid:
                    return True
        except TimeoutError:
            log.warning(
                "The connection pooler has no second connection to test whether it is in session mode."
            )
            return False
    return False


@contextmanager
def _pid_of_other_transaction(connect: Callable[..., Any]) -> Iterator[int]:
    """Number of the server process of another connection with an open transaction. Raises TimeoutError."""
    deadline = time.monotonic() + CONNECT_TIMEOUT_SECONDS
    other = connect(async_=True)
    try:
        _wait(other, deadline)
        with other.cursor() as cursor:
            cursor.execute("BEGIN; SELECT pg_backend_pid()")
            _wait(other, deadline)
            pid = cursor.fetchone()[0]
        yield pid
    finally:
        other.close()


def _wait(connection: Any, deadline: float) -> None:
    while (state := connection.poll()) != extensions.POLL_OK:
        readable = [connection] if state == extensions.POLL_READ else []
        writable = [connection] if state == extensions.POLL_WRITE else []
        seconds_left = deadline - time.monotonic()
        if seconds_left <= 0 or not any(select.select(readable, writable, [], seconds_left)):
            raise TimeoutError
