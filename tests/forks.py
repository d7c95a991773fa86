"""Separate processes for tests, forked from this one: loading the portal again would take seconds."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, connections

_context = multiprocessing.get_context("fork")


@contextlib.contextmanager
def forked_process(function: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """Run `function(*arguments)` in another process, with its own connection to the same database; killed at the end."""
    connection.close()  # the processes must not share it
    process = _context.Process(target=_run, args=(function, arguments), daemon=True)
    process.start()
    try:
        yield process
    finally:
        kill(process)


def _run(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    connections.close_all()  # whatever the other process left in this thread: this one connects again
    function(*arguments)


def kill(process: Any) -> None:
    """Kill with SIGKILL, as the out-of-memory killer does: the process cannot clean up."""
    process.kill()
    process.join()


def pipe() -> tuple[Any, Any]:
    """Return (receiver, sender): `receiver.recv()` waits for `sender.send(…)` in the other process."""
    return _context.Pipe(duplex=False)
