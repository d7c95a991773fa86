"""The portal's servers and workers, forked from a process that has loaded the portal once.

Loading takes longer than the tests of a short module. A forked program is the portal's own, and can be killed as one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded import locks
from tests.databases import ROOT

THREADS = ("--worker-class", "gthread", "--threads", "4", "--log-level", "warning")


class ForkServer:
    """A process that loads the portal with these variables, and forks programs that have them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Returns at once; the first fork waits until it has loaded."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.programs_loaded"],
            cwd=ROOT,
            env=dict(environment),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._asked = threading.Lock()

    def fork(self, command: tuple[str, ...], log: Path) -> int:
        """Begin `gunicorn …` or `manage.py …`; the number of its process."""
        assert self._process.stdin
        assert self._process.stdout
        with self._asked:  # threads that ask at once shall each hear their own number
            self._process.stdin.write(json.dumps([command, str(log)]) + "\n")
            self._process.stdin.flush()
            number = self._process.stdout.readline()
        assert number, "The portal was not loaded; what it said is above."
        return int(number)

    def end(self) -> None:
        """It ends, and what it has forked with it. So it does when this process is killed."""
        with self._process:
            pass


@dataclass
class Program:
    """A program of the portal: it is started, killed, and started again."""

    loaded: ForkServer
    command: tuple[str, ...]
    log: Path
    pid: int = 0

    def start(self) -> None:
        self.pid = self.loaded.fork(self.command, self.log)

    @property
    def is_alive(self) -> bool:
        return bool(self.pid) and Path(f"/proc/{self.pid}").exists()

    def kill(self) -> None:
        assert self.pid, "It was not started."
        kill(self.pid)
        assert locks.wait_until(lambda: not self.is_alive, seconds=30)

    def stop(self) -> None:
        if self.is_alive:
            os.kill(self.pid, signal.SIGTERM)
            if not locks.wait_until(lambda: not self.is_alive, seconds=10):
                self.kill()


def kill(pid: int) -> None:
    """Kill a process and its children, none of which gets to say goodbye."""
    found = [pid]
    with contextlib.suppress(FileNotFoundError):
        found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    for one in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


@contextlib.contextmanager
def running(loaded: ForkServer, *command: str, log: Path) -> Iterator[Program]:
    """`gunicorn …` or `manage.py …`, which ends with the block."""
    program = Program(loaded, command, log)
    program.start()
    try:
        yield program
    finally:
        program.stop()
