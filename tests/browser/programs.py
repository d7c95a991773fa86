"""The portal's servers and workers, forked from a process that has imported the portal once.

Importing takes longer than the tests of a short module. A forked program is a process of its own that can be killed.
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
    """A process that imports the portal with these environment variables, and forks programs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start the process without waiting; the first fork waits until it has imported the portal."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.preloaded_server"],
            cwd=ROOT,
            env=dict(environment),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()

    def fork(self, command: tuple[str, ...], log: Path) -> int:
        """Start `gunicorn …` or `manage.py …`; return its process id."""
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:  # each thread must read the answer to its own request
            self._process.stdin.write(json.dumps([command, str(log)]) + "\n")
            self._process.stdin.flush()
            pid = self._process.stdout.readline()
        assert pid, "The portal could not be imported; its output is above."
        return int(pid)

    def stop(self) -> None:
        """Close its input, so that it stops, with all its forks. The same happens if this process is killed."""
        with self._process:
            pass


@dataclass
class Program:
    """A program of the portal that can be started, killed, and started again."""

    fork_server: ForkServer
    command: tuple[str, ...]
    log: Path
    pid: int = 0

    def start(self) -> None:
        self.pid = self.fork_server.fork(self.command, self.log)

    @property
    def is_alive(self) -> bool:
        return bool(self.pid) and Path(f"/proc/{self.pid}").exists()

    def kill(self) -> None:
        assert self.pid, "Not started."
        kill(self.pid)
        assert locks.wait_until(lambda: not self.is_alive, seconds=30)

    def stop(self) -> None:
        if self.is_alive:
            os.kill(self.pid, signal.SIGTERM)
            if not locks.wait_until(lambda: not self.is_alive, seconds=10):
                self.kill()


def kill(pid: int) -> None:
    """Kill a process and its children with SIGKILL."""
    pids = [pid]
    with contextlib.suppress(FileNotFoundError):
        pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    for process in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@contextlib.contextmanager
def running(fork_server: ForkServer, *command: str, log: Path) -> Iterator[Program]:
    """Run `gunicorn …` or `manage.py …` until the block ends."""
    program = Program(fork_server, command, log)
    program.start()
    try:
        yield program
    finally:
        program.stop()
