"""The tests' own PostgreSQL: kept between runs under var/, never synced to disk, stopped when its last run ends."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from embedded import postgres

FOLDER = Path(__file__).resolve().parents[1] / "var" / "test-postgres"
RUNS = FOLDER.with_name("test-runs")  # one file for each run that needs the server, named by its process id
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    RUNS.mkdir(parents=True, exist_ok=True)
    with (RUNS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_alive(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


def hold() -> str:
    """Start the server if it does not run, keep it until this process ends, and return its address."""
    with _alone():
        (RUNS / str(os.getpid())).touch()
        address = postgres.ensure(FOLDER, settings=FAST)
    atexit.register(release)
    return address.url


def release() -> None:
    """Give the server up; the last one to do so stops it."""
    with _alone():
        (RUNS / str(os.getpid())).unlink(missing_ok=True)
        others = [run for run in RUNS.iterdir() if run.name.isdigit()]
        for gone in [run for run in others if not _is_alive(run.name)]:
            gone.unlink(missing_ok=True)
        if not any(_is_alive(run.name) for run in others):
            postgres.stop(FOLDER)
