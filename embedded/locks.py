"""Lock files: the kernel lets go of them however a process ends, so what they say is true after a crash too."""

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


@contextlib.contextmanager
def acquire(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[IO[str]]:
    """Hold a lock file. Children that inherit it go on holding it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with open(descriptor, "r+") as file:
        chown_like_parent(path)
        fcntl.flock(file, how)
        yield file


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock file; asking is shared, so two who ask do not see each other."""
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def make_folder(folder: Path) -> None:
    """Make a folder and those above it."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        chown_like_parent(folder)


def chown_like_parent(path: Path) -> None:
    """Hand what root made to the owner of the folder it is in, so that one `sudo` does not lock them out."""
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.chown(path, parent.st_uid, parent.st_gid)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder(prefix: str, *, remove: Callable[[Path], None] = _remove) -> Iterator[Path]:
    """A folder among the system's temporary ones, deleted at the end.

    A process that was killed cannot clean up; the next call with this prefix does, as the kernel let go of its lock.
    """
    remove_abandoned(prefix, remove=remove)
    # Hidden from reap() by its name until the lock is held.
    draft = Path(tempfile.mkdtemp(prefix=f".{prefix}")).resolve()
    with open(draft / "owner", "w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        folder = draft.rename(draft.with_name(draft.name.removeprefix(".")))
        try:
            yield folder
        finally:
            remove(folder)


def remove_abandoned(prefix: str, *, remove: Callable[[Path], None]) -> None:
    """Remove scratch folders of our user whose process is gone."""
    for folder in Path(tempfile.gettempdir()).resolve().glob(f"{prefix}*"):
        with contextlib.suppress(FileNotFoundError):  # somebody else was quicker
            if folder.stat().st_uid == os.geteuid() and not is_held(folder / "owner"):
                remove(folder)
