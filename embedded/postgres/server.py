"""Create, start, find and stop the server of a folder."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from embedded import locks
from embedded.postgres.accounts import ProgramRunner, find_runner, is_root, server_account
from embedded.postgres.binaries import find_binaries
from embedded.postgres.data_directory import (
    data_dir,
    drop_foreign_link,
    explain_permission_errors,
    locked,
    log_tail,
    make_fallback_dir,
    make_memory_dir,
    read_access,
    write_access,
)
from embedded.postgres.settings import (
    DATABASE,
    HOST,
    NON_DURABLE_SETTINGS,
    PORTS,
    SETTINGS,
    USER,
    Address,
    PostgresError,
)

TEMPORARY_PREFIX = "cohort-portal-postgres-"
START_TIMEOUT_SECONDS = 60
CONNECT_TIMEOUT_SECONDS = 5

log = logging.getLogger(__name__)


# --- For callers ---------------------------------------------------------------


def ensure(
    folder: Path,
    *,
    port: int | None = None,
    settings: Mapping[str, str] | None = None,
    in_memory: bool = False,
) -> Address:
    """The address of this folder's server, which is created and started where needed.

    Safe when several processes call it at once. Without `port` the last one is used again while it is free.
    `settings` are PostgreSQL's own ({"fsync": "off"}) and apply only when this call starts the server.
    A server whose folder was moved is restarted, as it would look for its libraries in the old folder.
    New data go `in_memory` where enough is free; they are lost when the machine restarts. Raises PostgresError.
    """
    folder = Path(folder).resolve()
    with locked(folder):
        server, access = _wait_until_ready(folder), read_access(folder)
        if server:
            if access and server.data == data_dir(folder) and port in (None, server.port):
                return Address(port=server.port, password=access["password"])
            _terminate(folder, server.pid)
        settings = SETTINGS | dict(settings or {})
        return _start(folder, port=port, settings=settings, in_memory=in_memory)


def stop(folder: Path) -> bool:
    """Stop this folder's server. True if one ran. Raises PostgresError if it does not end."""
    folder = Path(folder).resolve()
    with explain_permission_errors(folder):
        if not _is_running(folder):
            return False
    with locked(folder):
        server = _wait_until_ready(folder)
        if server:
            _terminate(folder, server.pid)
        return server is not None


def status(folder: Path) -> Address | None:
    """The address of this folder's server, or None when it does not accept connections."""
    folder = Path(folder).resolve()
    with explain_permission_errors(folder):
        if not _is_running(folder):
            return None
        server, access = Postmaster.read(data_dir(folder)), read_access(folder)
    if server is None or not access or not server.accepts_connections():
        return None
    return Address(port=server.port, password=access["password"])


@contextlib.contextmanager
def for_tests(folder: Path) -> Iterator[Address]:
    """A fast, non-durable server that keeps its databases from run to run; it ends with its last user.

    The databases are in memory where enough is free, and are then lost when the machine restarts.
    """
    folder = Path(folder).resolve()
    with contextlib.ExitStack() as stack:
        with locked(folder):
            users = stack.enter_context(locks.acquire(folder / "users", fcntl.LOCK_SH))
        try:
            yield ensure(folder, settings=NON_DURABLE_SETTINGS | {"max_wal_size": "1GB"}, in_memory=True)
        finally:
            with locked(folder), contextlib.suppress(BlockingIOError):  # another run uses it
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if server := _wait_until_ready(folder):
                    _terminate(folder, server.pid)


@contextlib.contextmanager
def temporary(*, settings: Mapping[str, str] | None = None) -> Iterator[Address]:
    """A server for tests: fast, non-durable, and deleted at the end.

    A killed test process cannot clean up; the next call does, once the kernel released its lock.
    """
    with locks.scratch_folder(TEMPORARY_PREFIX, remove=remove_temporary) as folder:
        folder.chmod(0o755)  # root starts PostgreSQL as another account
        yield ensure(folder, settings=NON_DURABLE_SETTINGS | dict(settings or {}))


def remove_temporary(folder: Path) -> None:
    """End a temporary server and delete its folder. Its data are not worth a checkpoint."""
    server = Postmaster.read(data_dir(folder))
    if server and _is_running(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGQUIT)
        locks.wait_until(lambda: not _is_running(folder), seconds=10)
    shutil.rmtree(folder, ignore_errors=True)


# --- Creating and starting -----------------------------------------------------


def _start(
    folder: Path, *, port: int | None, settings: Mapping[str, str], in_memory: bool = False
) -> Address:
    """Create the data where there are none, and start. The caller holds the folder's lock; no server runs."""
    access = read_access(folder)
    password = access.get("password") or secrets.token_urlsafe(24)
    with locks.acquire(folder / locks.SERVER_LOCK) as server_lock:
        drop_foreign_link(folder)
        data = data_dir(folder)
        if not data.is_dir():
            write_access(folder, port=access.get("port"), password=password)
            location = (make_memory_dir(folder) if in_memory else None) or folder
            data, runner = _create_data(
                folder, location=location, password=password, settings=settings, server_lock=server_lock
            )
        else:
            # Nothing else holds the server's lock, so this file is a leftover, even if its process id is in use again.
            (data / "postmaster.pid").unlink(missing_ok=True)
            runner = _runner_of(data)
            if "password" not in access:
                _run_single_user(
                    runner, data, [_set_password(password)], settings=settings, server_lock=server_lock
                )
        while True:
            chosen = _choose_port(port, access.get("port"))
            if _launch(runner, data, port=chosen, settings=settings, server_lock=server_lock):
                break
            if port or _is_free(chosen):  # the port is not the reason
                raise PostgresError(
                    f"PostgreSQL did not start in {data}. The end of its log:\n{log_tail(data)}"
                )
    write_access(folder, port=chosen, password=password)
    return Address(port=chosen, password=password)


def _create_data(
    folder: Path, *, location: Path, password: str, settings: Mapping[str, str], server_lock: IO[str]
) -> tuple[Path, ProgramRunner]:
    """Create data with an empty database in `location`. The final name comes last: `data` is complete or absent."""
    account = server_account(folder)
    runner = find_runner(location, account=account, major=None)
    if runner is None:
        location = make_fallback_dir()
        runner = find_runner(location, account=account, major=None)
        if runner is None:
            location.rmdir()
            raise PostgresError(
                f"Root started this, and user id {account[0]} can enter neither {folder} "
                f"nor {find_binaries()}. Move the clone out of the closed folder, "
                "or run this as an ordinary user, or `apt-get install postgresql`, "
                "or set DATABASE_URL to a server you have."
            )
        log.warning(
            "User id %s cannot enter %s, so the database is kept in %s.", account[0], folder, location
        )

    new, data = location / "data.new", location / "data"
    shutil.rmtree(new, ignore_errors=True)  # left by a creation that was killed
    new.mkdir(mode=0o700)
    os.chown(new, *account)
    runner.check(
        "initdb",
        f"--pgdata={new}",
        f"--username={USER}",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--auth=trust",  # replaced below, before anything listens
        *(["--no-sync"] if settings.get("fsync") == "off" else []),
        stdin=subprocess.DEVNULL,
        pass_fds=[server_lock.fileno()],
    )
    (new / "pg_hba.conf").write_text(f"host all all {HOST}/32 scram-sha-256\n")
    statements = [f"CREATE DATABASE {DATABASE};", _set_password(password)]
    _run_single_user(runner, new, statements, settings=settings, server_lock=server_lock)
    new.rename(data)
    if location != folder:
        (folder / "data").symlink_to(data)
    return data, runner


def _runner_of(data: Path) -> ProgramRunner:
    """The runner for existing data. Data that root owns, as a copy may be, are given to the account first."""
    account = server_account(data)
    if is_root() and data.stat().st_uid == 0:
        for parent, folders, files in os.walk(data):
            for name in (".", *folders, *files):
                os.chown(os.path.join(parent, name), *account, follow_symlinks=False)
    data.chmod(0o700)
    runner = find_runner(data, account=account, major=(data / "PG_VERSION").read_text().strip())
    if runner is None:
        raise PostgresError(
            f"Root started this, and user id {account[0]} can no longer enter {data} or {find_binaries()}. "
            "Move the clone out of the closed folder, or run this as an ordinary user."
        )
    return runner


def _set_password(password: str) -> str:
    return f"ALTER ROLE {USER} PASSWORD '{password}';"  # from token_urlsafe: nothing to escape


def _run_single_user(
    runner: ProgramRunner,
    data: Path,
    statements: Sequence[str],
    *,
    settings: Mapping[str, str],
    server_lock: IO[str],
) -> None:
    """Run statements with no server, port or password. Raises PostgresError at the first failure."""
    options = [f"--{name}={value}" for name, value in settings.items() if name in NON_DURABLE_SETTINGS]
    runner.check(
        "postgres",
        "--single",
        "-D",
        data,
        "-c",
        "exit_on_error=on",
        *options,
        "postgres",
        input="".join(f"{statement}\n" for statement in statements),
        pass_fds=[server_lock.fileno()],
    )


def _launch(
    runner: ProgramRunner, data: Path, *, port: int, settings: Mapping[str, str], server_lock: IO[str]
) -> bool:
    """Whether the server started. It inherits the lock, which is held as long as one of its processes lives."""
    server_log = data / "server.log"
    if server_log.exists():
        server_log.replace(data / "server.log.1")
    options = shlex.join(f"--{name}={value}" for name, value in {**settings, "port": str(port)}.items())
    # Never a pipe here: the server inherits it, and its reader would wait until the server ends.
    completed = runner.run(
        "pg_ctl",
        f"--pgdata={data}",
        "--wait",
        f"--timeout={START_TIMEOUT_SECONDS}",
        f"--log={server_log}",
        f"--options={options}",
        "start",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[server_lock.fileno()],
    )
    return completed.returncode == 0


def _choose_port(requested: int | None, last: int | None) -> int:
    """The requested port, else the last one, else any free one. Raises PostgresError where none is free."""
    if requested:
        if not _is_free(requested):
            raise PostgresError(
                f"Port {requested} on {HOST} is taken. Name another, or none to have one chosen."
            )
        return requested
    if last and _is_free(last):
        return last
    for _ in range(100):
        if _is_free(port := secrets.choice(PORTS)):
            return port
    raise PostgresError(
        f"No free port on {HOST} among 100 tried from {PORTS.start} to {PORTS.stop}. Name one."
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Like PostgreSQL: connections that ended a moment ago do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


# --- The running server --------------------------------------------------------


@dataclass(frozen=True)
class Postmaster:
    """The contents of postmaster.pid. Only valid while the server's lock is held."""

    pid: int
    data: Path
    port: int
    is_ready: bool

    @classmethod
    def read(cls, data: Path) -> Postmaster | None:
        """None where the file is missing, not complete yet, or of the single-user mode."""
        try:
            pid, path, _since, port, _sockets, _host, _memory, state = (
                (data / "postmaster.pid").read_text().splitlines()[:8]
            )
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return cls(pid=int(pid), data=Path(path), port=int(port), is_ready=state.strip() == "ready")

    def accepts_connections(self) -> bool:
        """Whether it takes a connection now. After a kill -9 the file still says ready."""
        if not self.is_ready:
            return False
        try:
            socket.create_connection((HOST, self.port), timeout=CONNECT_TIMEOUT_SECONDS).close()
        except OSError:
            return False
        return True


def _is_running(folder: Path) -> bool:
    return locks.is_held(folder / locks.SERVER_LOCK)


def _wait_until_ready(folder: Path) -> Postmaster | None:
    """The server that accepts connections; None when none runs. Waits for one that is starting or stopping."""
    server: Postmaster | None = None

    def is_settled() -> bool:
        nonlocal server
        if not _is_running(folder):
            return True
        postmaster = Postmaster.read(data_dir(folder))
        if postmaster and postmaster.accepts_connections():
            server = postmaster
        return server is not None

    if not locks.wait_until(is_settled, seconds=START_TIMEOUT_SECONDS):
        raise PostgresError(
            f"PostgreSQL in {data_dir(folder)} runs but takes no connections. The end of its log:\n"
            f"{log_tail(data_dir(folder))}\nWait for it, or end its processes, then try again."
        )
    return server


def _terminate(folder: Path, pid: int) -> None:
    """End the server: a fast shutdown, after 30 seconds an immediate one. Works without PostgreSQL's programs."""
    for signum, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
        if locks.wait_until(lambda: not _is_running(folder), seconds=seconds):
            return
    raise PostgresError(
        f"PostgreSQL in {data_dir(folder)} (process {pid}) does not end. End it by hand, then try again."
    )
