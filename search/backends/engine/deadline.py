"""Calls to a search engine with a timeout that always holds.

The timeout of a socket bounds one wait for one piece of data: a server that sends a byte now and then never exceeds it.
Here a call runs in a thread of its own. If it does not return in time, its connection is shut down, which also ends the
thread. Resolving the host's name is bounded too.
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
MAX_CALLS = 32  # at a time, in one process

_current = threading.local()


class AbortableCall:
    """A function that runs in a thread; wait for it with `result`."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._future: Future[Any] = _thread_pool().submit(self._run)

    def result(self, seconds: float) -> Any:
        """Return or raise as the function does. Raises TimeoutError after `seconds`, and shuts the connection down."""
        try:
            return self._future.result(seconds)
        except TimeoutError:
            self._future.cancel()
            self.abort()
            raise

    def abort(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._socket is not None:
                # Below TLS, which might wait for the other end.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def bind_socket(self, bound_socket: socket.socket | None) -> None:
        with self._lock:
            self._socket = bound_socket

    def _run(self) -> Any:
        _current.call = self
        try:
            return self._function()
        finally:
            _current.call = None
            self.bind_socket(None)  # the connection may serve another call now


def run_with_timeout(seconds: float, function: Callable[[], T]) -> T:
    """Return or raise as `function` does, but raise TimeoutError after `seconds`."""
    return AbortableCall(function).result(seconds)


class _AbortableConnection:
    """A connection that binds its socket to the call of its thread."""

    sock: Any
    _last_socket: socket.socket | None = None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._last_socket = self.sock  # http.client sets `sock` to None while a response is still being read
        self._bind_socket()

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            self._bind_socket()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def _bind_socket(self) -> None:
        if call := getattr(_current, "call", None):
            call.bind_socket(self._last_socket)


class AbortableHTTPConnection(_AbortableConnection, HTTPConnection):
    pass


class AbortableHTTPSConnection(_AbortableConnection, HTTPSConnection):
    pass


def use_abortable_connections(pool: Any) -> None:
    """Make the connections of this urllib3 pool abortable."""
    pool.ConnectionCls = AbortableHTTPSConnection if pool.scheme == "https" else AbortableHTTPConnection


@cache
def _thread_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="search")


os.register_at_fork(after_in_child=_thread_pool.cache_clear)  # a child has none of its parent's threads
