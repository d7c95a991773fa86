"""Refuses a connection pooler in transaction mode.

Which city a statement is about stands in its connection's search path. A pooler that gives every transaction to
whichever connection is free would answer one city's visitors from another city's tables.
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
CONNECT_TIMEOUT_SECONDS = 2.0  # seconds for a second connection: a pool that is used up cannot be tried

_known: set[tuple[str, str]] = set()


def reject_shared_connection(connection: Any, connect: Callable[..., Any]) -> None:
    """Raise ImproperlyConfigured if this psycopg2 connection does not keep one server process to itself.

    Asked once for each server and process. `connect(**more)` opens another connection like this one.

    A server tells its process number as the connection is made. A pooler tells a number of its own, so that a
    direct connection is known by one query. Behind a pooler a second connection holds a transaction open: if it has
    got the first one's server process, or the first one gets another, they share.
    """
    server = (connection.info.host or "", str(connection.info.port))
    if server in _known:
        return
    if connection.info.backend_pid != _process(connection) and _is_shared(connection, connect):
        raise ImproperlyConfigured(
            f"The database at {server[0]}:{server[1]} is behind a connection pooler that shares connections between "
            "transactions. One city's pages would be answered from another city's tables. Set the pooler to session "
            "mode (pgbouncer: pool_mode = session), or let DATABASE_URL lead to PostgreSQL itself."
        )
    _known.add(server)


def _process(connection: Any) -> int:
    """The server process that runs this connection's next transaction, which is over when this returns."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        found = cursor.fetchone()[0]
    connection.rollback()
    return found


def _is_shared(connection: Any, connect: Callable[..., Any]) -> bool:
    own = _process(connection)
    for _number in range(MAX_ROUNDS):
        try:
            with _held_by_another(connect) as held:
                if held == own or _process(connection) != own:
                    return True
        except TimeoutError:
            log.warning(
                "The connection pooler has no second connection to try whether it is in session mode."
            )
            return False
    return False


@contextmanager
def _held_by_another(connect: Callable[..., Any]) -> Iterator[int]:
    """The server process that another connection holds in an open transaction. Raises TimeoutError."""
    deadline = time.monotonic() + CONNECT_TIMEOUT_SECONDS
    other = connect(async_=True)
    try:
        _wait(other, deadline)
        with other.cursor() as cursor:
            cursor.execute("BEGIN; SELECT pg_backend_pid()")
            _wait(other, deadline)
            held = cursor.fetchone()[0]
        yield held
    finally:
        other.close()


def _wait(connection: Any, deadline: float) -> None:
    while (state := connection.poll()) != extensions.POLL_OK:
        reads = [connection] if state == extensions.POLL_READ else []
        writes = [connection] if state == extensions.POLL_WRITE else []
        left = deadline - time.monotonic()
        if left <= 0 or not any(select.select(reads, writes, [], left)):
            raise TimeoutError
