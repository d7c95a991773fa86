"""The process environment of a checkout: `var/dev.env`, and the embedded PostgreSQL when no database is named."""

import os
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[1]
DEV_ENV = BASE_DIR / "var" / "dev.env"


def load(*, with_database: bool = True) -> None:
    """Fill `os.environ` from `var/dev.env` (set variables win) and make sure that DATABASE_URL is set.

    In production there is no `var/dev.env`, so no server is started: DATABASE_URL must be set there.
    """
    read_dev_env()
    if with_database and not os.environ.get("DATABASE_URL") and DEV_ENV.exists():
        from embedded.postgres import server

        os.environ["DATABASE_URL"] = server.ensure(BASE_DIR / "var" / "postgres").url


def read_dev_env() -> None:
    """Set the variables of `var/dev.env` (lines NAME=value) that are not set yet."""
    if not DEV_ENV.exists():
        return
    for number, line in enumerate(DEV_ENV.read_text(encoding="utf-8").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            sys.exit(f"{DEV_ENV} line {number} is {line!r}; write NAME=value there.")
        os.environ.setdefault(name.strip(), value.strip())
