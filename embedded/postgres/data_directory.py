"""The server's folder: where its data are, who may use it, and its port and password.

The data are in the folder itself, in memory (for tests), or outside the clone where the server's account cannot enter
the folder. In the last two cases `data` is a symbolic link.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedded import locks
from embedded.postgres.settings import PostgresError

MEMORY_DIR = Path("/dev/shm")  # noqa: S108 - the names of its folders cannot be guessed
MEMORY_PREFIX = "cohort-portal-tests-"
# Less free memory, and the data of tests go to the disk. A copy of a database is three thousand files.
MIN_FREE_BYTES = 2 * 1024**3
FALLBACK_PREFIX, FALLBACK_DIR = "cohort-portal-", "/var/lib"


def data_dir(folder: Path) -> Path:
    return (folder / "data").resolve()


def log_tail(data: Path) -> str:
    """The last 2,000 characters of the server's log."""
    try:
        return (data / "server.log").read_text(errors="replace")[-2000:]
    except FileNotFoundError:
        return "(none)"


# --- Data kept elsewhere ---------------------------------------------------------


def make_fallback_dir() -> Path:
    """Make a folder for the data of a clone that no other account may enter; the clone links to it."""
    location = Path(tempfile.mkdtemp(prefix=FALLBACK_PREFIX, dir=FALLBACK_DIR))
    location.chmod(0o755)
    return location


def make_memory_dir(folder: Path) -> Path | None:
    """Make a folder in memory for this folder's data; None where too little is free. Removes leftovers."""
    try:
        memory = MEMORY_DIR.resolve(strict=True)
        for leftover in memory.glob(f"{MEMORY_PREFIX}*"):
            owner = _owner_of(leftover) if leftover.stat().st_uid == os.geteuid() else None
            if owner and not locks.is_held(owner / locks.SERVER_LOCK) and not _links_to(owner, leftover):
                shutil.rmtree(leftover)
        if min(shutil.disk_usage(memory).free, _free_memory_bytes()) < MIN_FREE_BYTES:
            return None
        location = Path(tempfile.mkdtemp(prefix=MEMORY_PREFIX, dir=memory))
        (location / "owner").write_text(str(folder))
        location.chmod(0o755)
    except OSError:  # not writable, or another process removes it right now
        return None
    return location


def _owner_of(location: Path) -> Path | None:
    """The server folder whose data this folder in memory holds; None for any other folder."""
    owner = location / "owner"
    return Path(owner.read_text()) if location.name.startswith(MEMORY_PREFIX) and owner.exists() else None


def _links_to(folder: Path, location: Path) -> bool:
    return (folder / "data").is_symlink() and (folder / "data").readlink() == location / "data"


def _free_memory_bytes() -> int:
    """Memory that programs can still take, by Linux's numbers of the machine and of this control group."""
    match = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    free = [int(match[1]) * 1024] if match else []
    with contextlib.suppress(OSError, ValueError):  # no control group, or "max"
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{name}").read_text()) for name in ("max", "current"))
        free.append(limit - used)
    return min(free, default=0)


def drop_foreign_link(folder: Path) -> None:
    """Remove a link to data that are gone (memory is empty after a reboot) or that belong to another folder.

    A copy of a folder links to the original's data.
    """
    data = folder / "data"
    if data.is_symlink() and (not data.exists() or _owner_of(data.resolve().parent) not in (None, folder)):
        data.unlink()


# --- Access ----------------------------------------------------------------------


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder, made where it is missing, against other starts and stops."""
    with explain_permission_errors(folder):
        locks.make_folder(folder)
        with locks.acquire(folder / "lock"):
            yield


@contextlib.contextmanager
def explain_permission_errors(folder: Path) -> Iterator[None]:
    """Turn a PermissionError of the file system into a PostgresError."""
    try:
        yield
    except PermissionError as error:
        raise PostgresError(
            f"User id {os.geteuid()} may not use {error.filename or folder}, "
            f"which belongs to user id {_owner_uid(folder)}. Run this as that user, "
            "or remove the folder, or set DATABASE_URL to a server you have."
        ) from error


def _owner_uid(folder: Path) -> int:
    """The user id that owns the folder, or its nearest existing parent."""
    return next(path.stat().st_uid for path in (folder, *folder.parents) if os.path.exists(path))


def read_access(folder: Path) -> dict[str, Any]:
    """{"port": 23456, "password": "..."}; {} where they are unknown, then a new password is set."""
    try:
        access: dict[str, Any] = json.loads((folder / "access.json").read_text())
    except (FileNotFoundError, ValueError):  # ValueError: cut off by a crash
        return {}
    return access


def write_access(folder: Path, *, port: int | None, password: str) -> None:
    new = folder / "access.json.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"port": port, "password": password}, file)
    locks.chown_like_parent(new)
    new.replace(folder / "access.json")
