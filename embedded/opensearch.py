"""A real OpenSearch for development and tests: one node on 127.0.0.1, started from Maven's jars.

`temporary()` is for tests, `running(folder)` for data that are kept. Everything about one node lives in its folder:

    nodes/              OpenSearch's own files
    http.address        "127.0.0.1:40123", present while it answers
    server.log          its output; server.log.1 is that of the run before
    owner               held by the process that started it
    alive               held by the node itself (`locks.SERVER_LOCK`)

The node ends with the process that started it, even if that is killed: its standard input ends then. It asks for no
password, so everyone who may open local connections on this machine may use it: never a server for production.
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
]

DEFAULT_HEAP = "512m"
TEMPORARY_PREFIX = "cohort-portal-opensearch-"
START_TIMEOUT_SECONDS = 120  # a cold start takes 7 s; slow disks and busy machines take longer
STOP_TIMEOUT_SECONDS = 20
HEALTH_TIMEOUT_SECONDS = 90


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
    log: jars.Reporter = jars.silent,
) -> Iterator[Server]:
    """A node with its data in `home`, kept from run to run; it ends with the block or with this process.

    Without `version` the newest that runs here; an older one cannot read what a newer one wrote. `heap` as the JVM
    writes it, "512m"; port 0 is any free one. Raises OpenSearchError, also when another process runs a node there.
    """
    home, version = Path(home).resolve(), version or newest_runnable_version()
    with _owner_lock(home):
        node = launch(home, version=version, heap=heap, port=port, stdin=subprocess.PIPE, log=log)
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
    log: jars.Reporter = jars.silent,
) -> subprocess.Popen[bytes]:
    """Start a node and return at once; it ends when its standard input does. See wait_for_address()."""
    java, *arguments = jars.prepare(version, log=log)
    locks.make_folder(home)
    if not locks.wait_until(lambda: not _is_running(home), seconds=STOP_TIMEOUT_SECONDS):
        raise OpenSearchError(f"A node in {home} outlived its starter and does not end. End it by hand.")
    (home / "http.address").unlink(missing_ok=True)
    server_log = home / "server.log"
    if server_log.exists():
        server_log.replace(home / "server.log.1")
    with locks.acquire(home / locks.SERVER_LOCK) as server_lock, server_log.open("wb") as output:
        return subprocess.Popen(
            [java, f"-Xms{heap}", f"-Xmx{heap}", *arguments, str(home), f"http.port={port}"],
            cwd=home,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},  # no secrets of the portal
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[server_lock.fileno()],
            start_new_session=True,  # Ctrl-C goes to this process, which stops the node
        )


def wait_for_address(home: Path) -> str:
    """The URL of the node that was launched in `home`, once it answers. Raises OpenSearchError."""
    address = home / "http.address"
    is_decided = locks.wait_until(
        lambda: address.exists() or not _is_running(home), seconds=START_TIMEOUT_SECONDS
    )
    try:
        host_and_port = address.read_text()
        # Data of an earlier run are loaded first.
        _get_json(host_and_port, "/_cluster/health?wait_for_status=yellow&timeout=60s")
    except (OSError, HTTPException, ValueError) as error:
        problem = (
            "ended while it started" if is_decided else f"did not answer within {START_TIMEOUT_SECONDS} s"
        )
        raise OpenSearchError(
            f"OpenSearch {problem}. Its log is {home / 'server.log'}, which ends with:\n{_log_tail(home)}"
        ) from error
    return f"http://{host_and_port}"


def _is_running(home: Path) -> bool:
    return locks.is_held(home / locks.SERVER_LOCK)


def _get_json(host_and_port: str, path: str) -> object:
    connection = HTTPConnection(host_and_port, timeout=HEALTH_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return json.load(connection.getresponse())
    finally:
        connection.close()


def _log_tail(home: Path) -> str:
    """The last 2,000 characters of the node's log."""
    try:
        return (home / "server.log").read_text(errors="replace")[-2000:].strip() or "(none)"
    except FileNotFoundError:
        return "(none)"


@contextlib.contextmanager
def _owner_lock(home: Path) -> Iterator[None]:
    """Be the only process that starts a node here. Raises OpenSearchError when another one is."""
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
    """End the node by closing its input; kill it after 20 seconds."""
    if node.stdin:
        node.stdin.close()
    try:
        node.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        node.kill()
        node.wait()
