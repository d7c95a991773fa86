"""A pooler that shares connections between transactions is refused; others, and a direct connection, are not."""

from __future__ import annotations

from itertools import cycle
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from psycopg2 import extensions

from tenants.schemas.backend import pooler_check


class Connection:
    """Speaks as psycopg2's; `processes` are the server processes that run its transactions, one after the other."""

    def __init__(self, told: int, processes: Any, *, answers: bool = True) -> None:
        self.info = SimpleNamespace(host="pool.example", port=6432, backend_pid=told)
        self.processes, self.answers = iter(processes), answers
        self.asked = 0

    def cursor(self) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def execute(self, _sql: str) -> None:
        self.asked += 1

    def fetchone(self) -> tuple[int]:
        return (next(self.processes),)

    def rollback(self) -> None: ...

    def close(self) -> None: ...

    def poll(self) -> int:
        return extensions.POLL_OK if self.answers else extensions.POLL_READ


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(pooler_check, "_known", set())


def refuse(own: Connection, *others: Connection) -> None:
    left = iter(others)
    pooler_check.reject_shared_connection(own, lambda **_more: next(left))


def test_a_direct_connection_is_known_by_one_query_and_not_asked_again():
    own = Connection(told=7, processes=[7])
    refuse(own)
    refuse(own)
    assert own.asked == 1


def test_session_mode_is_accepted():
    others = [Connection(told=98, processes=[8]) for _ in range(pooler_check.MAX_ROUNDS)]
    refuse(Connection(told=99, processes=cycle([7])), *others)


def test_transaction_mode_gives_the_second_connection_the_process_of_the_first():
    with pytest.raises(ImproperlyConfigured, match=r"pool\.example:6432 .* session mode"):
        refuse(Connection(told=99, processes=cycle([7])), Connection(told=98, processes=[7]))


def test_transaction_mode_of_a_busy_pool_gives_the_first_connection_another_process():
    with pytest.raises(ImproperlyConfigured, match="pool_mode = session"):
        refuse(Connection(told=99, processes=[7, 7, 9]), Connection(told=98, processes=[8]))


def test_what_was_refused_is_refused_again():
    for _time in range(2):
        with pytest.raises(ImproperlyConfigured):
            refuse(Connection(told=99, processes=cycle([7])), Connection(told=98, processes=[7]))


def test_a_pool_without_a_second_connection_cannot_be_tried(monkeypatch, caplog):
    monkeypatch.setattr(pooler_check, "CONNECT_TIMEOUT_SECONDS", 0)
    refuse(Connection(told=99, processes=cycle([7])), Connection(told=98, processes=[], answers=False))
    assert "no second connection" in caplog.text


@pytest.mark.django_db
def test_our_own_backend_asks():
    """With the real server: its connections are direct, and say so."""
    made = connection.get_new_connection(connection.get_connection_params())
    try:
        assert {str(made.info.port)} == {port for _host, port in pooler_check._known}
        assert made.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
    finally:
        made.close()
