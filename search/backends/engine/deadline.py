"""Calls to a search engine that end when they must.

A socket's timeout bounds one wait for one piece: a server that sends a byte now and then is never late by it. Here a call
runs in a thread of its own, is waited for so long and no longer, and its connection is cut when it has not come back;
that also ends the thread. Looking up the host's name is bounded too.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from urllib3.connection import HTTPConnection, HTTPSConnection

T = TypeVar("T")
MAX_CALLS = 32  # calls of one process

_current = threading.local()


class AbortableCall:
    """Work that runs in a thread: wait for it with `result`."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._future: Future[Any] = _thread_pool().submit(self._run)

    def result(self, seconds: float) -> Any:
        """What the work returns or raises. Raises TimeoutError after so many seconds, and cuts its connection."""
        try:
            return self._future.result(seconds)
        except TimeoutError:
            self._future.cancel()
            self.cut()
            raise

    def cut(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._line is not None:
                socket.socket.shutdown(
                    self._line, socket.SHUT_RDWR
                )  # below TLS, which might wait for the other end

    def bind_socket(self, line: socket.socket | None) -> None:
        with self._lock:
            self._line = line

    def _run(self) -> Any:
        _current.call = self
        try:
            return self._work()
        finally:
            _current.call = None
            self.bind_socket(None)  # the connection may serve another call now


def run_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises, but TimeoutError after so many seconds."""
    return AbortableCall(work).result(seconds)


class _AbortableConnection:
    """A connection that tells the call of its thread which socket it goes over."""

    sock: Any
    _line: socket.socket | None = None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._line = self.sock  # kept: http.client lets go of it while an answer is still being read
        self._tell()

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            self._tell()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def _tell(self) -> None:
        if call := getattr(_current, "call", None):
            call.bind_socket(self._line)


class AbortableHTTPConnection(_AbortableConnection, HTTPConnection):
    pass


class AbortableHTTPSConnection(_AbortableConnection, HTTPSConnection):
    pass


def use_abortable_connections(pool: Any) -> None:
    """Let the connections of this urllib3 pool be cut when their call is late."""
    pool.ConnectionCls = AbortableHTTPSConnection if pool.scheme == "https" else AbortableHTTPConnection


@cache
def _thread_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="search")


os.register_at_fork(after_in_child=_thread_pool.cache_clear)  # a child has none of its parent's threads
