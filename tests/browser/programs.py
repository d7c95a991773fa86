"""The portal's server and worker, forked from a process that has loaded the portal once for all modules of a run.

That process is `multiprocessing`'s fork server; it imports this module. Loading takes as long as a short module's tests.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.databases import ROOT

THREADS = ("--worker-class", "gthread", "--threads", "4", "--log-level", "warning")

_context = multiprocessing.get_context("forkserver")


def prepare(environment: Mapping[str, str]) -> None:
    """Start loading the portal with these variables. Everything that is forked has them."""
    before, folder = os.environ.copy(), Path.cwd()
    os.environ.update(environment)
    os.chdir(ROOT)
    try:
        _context.set_forkserver_preload([f"{__name__}_loaded"])
        multiprocessing.forkserver.ensure_running()
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def running(*command: str, log: Path) -> Iterator[multiprocessing.process.BaseProcess]:
    """`gunicorn …` or `manage.py …` in a process of its own, which ends with the block."""
    process = _context.Process(target=_run, args=(command, log), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.terminate()
        process.join(10)
        process.kill()
        process.join()


def _end_with_the_tests() -> None:
    """Even if they are killed."""
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _run(command: tuple[str, ...], log: Path) -> None:
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    with log.open("wb") as out:
        for stream in (1, 2):
            os.dup2(out.fileno(), stream)
    sys.argv = list(command)
    if command[0] == "gunicorn":
        from gunicorn.app.wsgiapp import run

        run()
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
