"""Lock files. The kernel releases them however a process ends, so they tell the truth after a crash too."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

# Held by a server and its children for as long as one of them lives. The file keeps its first name: a server that an
# earlier checkout started must still count as running.
SERVER_LOCK = "alive"
POLL_SECONDS = 0.02


@contextlib.contextmanager
def acquire(path: Path, operation: int = fcntl.LOCK_EX) -> Iterator[IO[str]]:
    """Hold a lock file. Children that inherit the open file go on holding it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with open(descriptor, "r+") as file:
        chown_like_parent(path)
        fcntl.flock(file, operation)
        yield file


def is_held(path: Path) -> bool:
    """Whether a process holds the lock file. The check takes a shared lock, so two checks do not see each other."""
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        chown_like_parent(folder)


def chown_like_parent(path: Path) -> None:
    """Give what root made to the owner of the folder it is in, so that one `sudo` does not lock the owner out."""
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.chown(path, parent.st_uid, parent.st_gid)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether the condition came true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder(prefix: str, *, remove: Callable[[Path], None] = _remove) -> Iterator[Path]:
    """A temporary folder of the system, deleted at the end.

    A killed process cannot clean up; the next call with this prefix does, as the kernel released its lock.
    """
    remove_abandoned(prefix, remove=remove)
    # The leading dot hides it from remove_abandoned() until the lock is held.
    draft = Path(tempfile.mkdtemp(prefix=f".{prefix}")).resolve()
    with open(draft / "owner", "w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        folder = draft.rename(draft.with_name(draft.name.removeprefix(".")))
        try:
            yield folder
        finally:
            remove(folder)


def remove_abandoned(prefix: str, *, remove: Callable[[Path], None]) -> None:
    """Remove scratch folders of the current user whose process is gone."""
    for folder in Path(tempfile.gettempdir()).resolve().glob(f"{prefix}*"):
        with contextlib.suppress(FileNotFoundError):  # another process removed it first
            if folder.stat().st_uid == os.geteuid() and not is_held(folder / "owner"):
                remove(folder)
