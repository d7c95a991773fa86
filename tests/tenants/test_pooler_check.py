"""A pooler that shares connections between transactions is rejected; others, and a direct connection, are not."""

from __future__ import annotations

from itertools import cycle
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from psycopg2 import extensions

from tenants.schemas.backend import pooler_check


class FakeConnection:
    """Like psycopg2's; `pids` are the server processes that run its transactions, one after the other."""

    def __init__(self, reported_pid: int, pids: Any, *, answers: bool = True) -> None:
        self.info = SimpleNamespace(host="pool.example", port=6432, backend_pid=reported_pid)
        self.pids, self.answers = iter(pids), answers
        self.query_count = 0

    def cursor(self) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def execute(self, _sql: str) -> None:
        self.query_count += 1

    def fetchone(self) -> tuple[int]:
        return (next(self.pids),)

    def rollback(self) -> None: ...

    def close(self) -> None: ...

    def poll(self) -> int:
        return extensions.POLL_OK if self.answers else extensions.POLL_READ


@pytest.fixture(autouse=True)
def _no_checked_servers(monkeypatch):
    monkeypatch.setattr(pooler_check, "_checked_servers", set())


def check(own: FakeConnection, *others: FakeConnection) -> None:
    remaining = iter(others)
    pooler_check.reject_shared_connection(own, lambda **_more: next(remaining))


def test_a_direct_connection_is_identified_by_one_query_and_not_checked_again():
    own = FakeConnection(reported_pid=7, pids=[7])
    check(own)
    check(own)
    assert own.query_count == 1


def test_session_mode_is_accepted():
    others = [FakeConnection(reported_pid=98, pids=[8]) for _ in range(pooler_check.MAX_ROUNDS)]
    check(FakeConnection(reported_pid=99, pids=cycle([7])), *others)


def test_transaction_mode_gives_the_second_connection_the_process_of_the_first():
    with pytest.raises(ImproperlyConfigured, match=r"pool\.example:6432 .* session mode"):
        check(FakeConnection(reported_pid=99, pids=cycle([7])), FakeConnection(reported_pid=98, pids=[7]))


def test_transaction_mode_of_a_busy_pool_gives_the_first_connection_another_process():
    with pytest.raises(ImproperlyConfigured, match="pool_mode = session"):
        check(FakeConnection(reported_pid=99, pids=[7, 7, 9]), FakeConnection(reported_pid=98, pids=[8]))


def test_what_was_rejected_is_rejected_again():
    for _attempt in range(2):
        with pytest.raises(ImproperlyConfigured):
            check(FakeConnection(reported_pid=99, pids=cycle([7])), FakeConnection(reported_pid=98, pids=[7]))


def test_a_pool_without_a_second_connection_cannot_be_tested(monkeypatch, caplog):
    monkeypatch.setattr(pooler_check, "CONNECT_TIMEOUT_SECONDS", 0)
    check(
        FakeConnection(reported_pid=99, pids=cycle([7])),
        FakeConnection(reported_pid=98, pids=[], answers=False),
    )
    assert "no second connection" in caplog.text


@pytest.mark.django_db
def test_our_backend_runs_the_check():
    """With the real server, whose connections are direct."""
    new_connection = connection.get_new_connection(connection.get_connection_params())
    try:
        assert {str(new_connection.info.port)} == {port for _host, port in pooler_check._checked_servers}
        assert new_connection.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
    finally:
        new_connection.close()
