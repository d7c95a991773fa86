"""A real OpenSearch of our own for development and tests: one node on 127.0.0.1, started from Maven's jars.

`temporary()` is for tests, `running(folder)` for data that are kept. Everything about one node lives in its folder:

    nodes/              OpenSearch's own files
    http.address        "127.0.0.1:40123", there while it answers
    server.log          what it says; server.log.1 is what it said the last time
    owner               held by the process that started it
    alive               held by the node itself

It ends with the process that started it, even if that is killed: its standard input ends then. It asks for no
password, so whoever may open local connections on this machine may use it: never a server for production.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

from embedded import jars, locks
from embedded.jars import OpenSearchError, newest_runnable_version, runnable_versions

__all__ = [
    "OpenSearchError",
    "Server",
    "launch",
    "newest_runnable_version",
    "runnable_versions",
    "running",
    "temporary",
    "wait_for_address",
]  # fmt: skip

DEFAULT_HEAP = "512m"
TEMPORARY_PREFIX = "cohort-portal-opensearch-"
START_TIMEOUT_SECONDS = 120  # a cold start takes 7 s; slow disks and busy machines get their time
STOP_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Server:
    """A node that answers at `url`, "http://127.0.0.1:40123"."""

    url: str
    pid: int
    version: str
    home: Path


@contextlib.contextmanager
def temporary(version: str | None = None, *, heap: str = DEFAULT_HEAP) -> Iterator[str]:
    """The address of a node for tests; its data are deleted at the end. Raises OpenSearchError."""
    with (
        locks.scratch_folder(TEMPORARY_PREFIX) as folder,
        running(folder / "home", version=version, heap=heap) as server,
    ):
        yield server.url


@contextlib.contextmanager
def running(
    home: Path,
    *,
    version: str | None = None,
    heap: str = DEFAULT_HEAP,
    port: int = 0,
    say: jars.Reporter = jars.silent,
) -> Iterator[Server]:
    """A node with its data in `home`, kept from run to run; it ends with the block or with this process.

    Without `version` the newest that runs here; an older one cannot read what a newer one wrote. `heap` as the JVM
    writes it, "512m"; port 0 is any that is free. Raises OpenSearchError, also when another process runs a node there.
    """
    home, version = Path(home).resolve(), version or newest_runnable_version()
    with _owner_lock(home):
        node = launch(home, version=version, heap=heap, port=port, stdin=subprocess.PIPE, say=say)
        try:
            yield Server(url=wait_for_address(home), pid=node.pid, version=version, home=home)
        finally:
            _stop(node)


def launch(
    home: Path,
    *,
    version: str,
    heap: str = DEFAULT_HEAP,
    port: int = 0,
    stdin: int | IO[bytes],
    say: jars.Reporter = jars.silent,
) -> subprocess.Popen[bytes]:
    """Start a node and return at once; it ends when its standard input does. See answering()."""
    java, *arguments = jars.prepare(version, say=say)
    locks.make_folder(home)
    if not locks.wait_until(lambda: not locks.is_held(home / "alive"), seconds=STOP_TIMEOUT_SECONDS):
        raise OpenSearchError(f"A node in {home} outlived its starter and does not end. End it by hand.")
    (home / "http.address").unlink(missing_ok=True)
    log = home / "server.log"
    if log.exists():
        log.replace(home / "server.log.1")
    with locks.acquire(home / "alive") as alive, log.open("wb") as words:
        return subprocess.Popen(
            [java, f"-Xms{heap}", f"-Xmx{heap}", *arguments, str(home), f"http.port={port}"],
            cwd=home,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},  # no secrets of ours
            stdin=stdin,
            stdout=words,
            stderr=subprocess.STDOUT,
            pass_fds=[alive.fileno()],
            start_new_session=True,  # Ctrl-C is for us; the node is stopped in turn
        )


def wait_for_address(home: Path) -> str:
    """The address of the node that somebody launched in `home`, once it answers. Raises OpenSearchError."""
    address = home / "http.address"
    there = locks.wait_until(
        lambda: address.exists() or not locks.is_held(home / "alive"), seconds=START_TIMEOUT_SECONDS
    )
    try:
        place = address.read_text()
        # Data of a former run are read back first.
        _get_json(place, "/_cluster/health?wait_for_status=yellow&timeout=60s")
    except (OSError, HTTPException, ValueError) as error:
        what = "ended while it started" if there else f"did not answer within {START_TIMEOUT_SECONDS} s"
        raise OpenSearchError(
            f"OpenSearch {what}. Its words are in {home / 'server.log'}, the last being:\n{_log_tail(home)}"
        ) from error
    return f"http://{place}"


def _get_json(place: str, path: str) -> object:
    connection = HTTPConnection(place, timeout=90)
    try:
        connection.request("GET", path)
        return json.load(connection.getresponse())
    finally:
        connection.close()


def _log_tail(home: Path) -> str:
    try:
        return (home / "server.log").read_text(errors="replace")[-2000:].strip() or "(none)"
    except FileNotFoundError:
        return "(none)"


@contextlib.contextmanager
def _owner_lock(home: Path) -> Iterator[None]:
    """Be the one process that starts a node here. Raises OpenSearchError when another is."""
    try:
        locks.make_folder(home)
        with locks.acquire(home / "owner", fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield
    except BlockingIOError as error:
        raise OpenSearchError(
            f"Another process runs OpenSearch in {home}. Stop it there first, or name another folder."
        ) from error
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise OpenSearchError(
            f"User id {os.geteuid()} cannot keep a server's files in {home}: {error.strerror} ({error.filename}). "
            "Run this as the folder's owner, or name another."
        ) from error


def _stop(node: subprocess.Popen[bytes]) -> None:
    """End the node: politely, after 20 seconds at once."""
    if node.stdin:
        node.stdin.close()
    try:
        node.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        node.kill()
        node.wait()
