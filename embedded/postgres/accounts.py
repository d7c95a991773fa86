"""The account that PostgreSQL's programs run as. PostgreSQL refuses root."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded.postgres.binaries import candidate_folders
from embedded.postgres.settings import USER, PostgresError

# No secrets, and no PG* variable that would change the server.
PASSED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")


@dataclass(frozen=True)
class ProgramRunner:
    """Runs PostgreSQL's programs as an account that PostgreSQL accepts.

    `identity` holds arguments of `subprocess.run`: user, group, extra_groups.
    """

    binaries: Path
    prefix: Sequence[str] = ()
    identity: Mapping[str, Any] = field(default_factory=dict)

    def run(self, program: str, *args: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL, or one given by its full path, to its end. Options of subprocess.run."""
        command = [*self.prefix, str(self.binaries / program), *map(str, args)]
        options |= {"cwd": "/", "env": _environment(), "text": True, "check": False, **self.identity}
        return subprocess.run(command, **options)

    def check(self, program: str, *args: str | Path, **options: Any) -> None:
        """Run a program that leaves no server behind. Raises PostgresError with the end of its output."""
        completed = self.run(program, *args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        if completed.returncode:
            raise PostgresError(f"{self.binaries / program} failed: {completed.stdout.strip()[-2000:]}")

    def can_enter(self, folder: Path) -> bool:
        """Whether the programs run at all, and reach the folder."""
        enter = ("-c", 'cd "$1" && exec "$2" --version', "sh", folder, self.binaries / "postgres")
        try:
            completed = self.run("/bin/sh", *enter, stdin=subprocess.DEVNULL, capture_output=True)
        except OSError:  # setpriv is not installed
            return False
        return completed.returncode == 0


def _environment() -> dict[str, str]:
    """The environment of the server and its programs."""
    passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    return {"LC_ALL": "C", "HOME": "/"} | passed


def is_root() -> bool:
    return os.geteuid() == 0


def server_account(folder: Path) -> tuple[int, int]:
    """User and group id that run this folder's server. Raises PostgresError if root finds no other account."""
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
    """A runner that reaches the folder, with the fewest privileges that do; None if none does."""
    candidates = candidate_folders(major=major)
    if not is_root():
        return ProgramRunner(candidates[0])
    user, group = account
    # Containers usually grant the last of the two capabilities only.
    identities: list[tuple[Sequence[str], Mapping[str, Any]]] = [
        ((), {"user": user, "group": group, "extra_groups": []}),
        (_setpriv_prefix(account, "dac_read_search"), {}),
        (_setpriv_prefix(account, "dac_override"), {}),
    ]
    runners = [
        ProgramRunner(binaries, prefix, identity)
        for binaries in candidates
        for prefix, identity in identities
    ]
    return next((runner for runner in runners if runner.can_enter(folder)), None)


def _setpriv_prefix(account: tuple[int, int], capability: str) -> tuple[str, ...]:
    """A prefix that changes the account but keeps one capability: to enter folders that are closed to others.

    Without no_setuid_fixup access(2) ignores the capability, and initdb calls access(2).
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
