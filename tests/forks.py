"""Processes of their own for tests, forked from this one: they need not load the portal, which takes seconds."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

_context = multiprocessing.get_context("fork")


@contextlib.contextmanager
def forked_process(act: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """`act(*arguments)` in another process, with a connection of its own to the same database; killed at the end."""
    connection.close()  # the two must not share it
    process = _context.Process(target=act, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        kill(process)


def kill(process: Any) -> None:
    """As the system does: the process learns nothing of it."""
    process.kill()
    process.join()


def pipe() -> tuple[Any, Any]:
    """What receives and what sends: `here.recv()` waits for the other process's `there.send(…)`."""
    return _context.Pipe(duplex=False)
