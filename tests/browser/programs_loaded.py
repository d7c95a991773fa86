"""Loads the portal; then forks, for each line of its input, the program named there (see `programs`)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path


def preload() -> None:
    """What a server and a worker need before their first answer."""
    import config.wsgi  # noqa: F401, I001 - sets Django up
    from django.conf import settings
    from django.template.loader import get_template
    from django.urls import get_resolver

    from tenants.jobs import schedule
    from tests.databases import ROOT

    schedule.autodiscover()
    for urls in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
        assert get_resolver(urls).url_patterns
    for pattern in ("templates", "[a-z]*/templates", "[a-z]*/[a-z]*/templates"):
        for folder in ROOT.glob(pattern):
            for file in folder.rglob("*.html"):
                get_template(str(file.relative_to(folder)))


def run(command: list[str], log: Path) -> None:
    """Become the program; what it says is added to `log`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with open(os.devnull, "rb") as nothing, log.open("ab") as out:
        os.dup2(nothing.fileno(), 0)
        for stream in (1, 2):
            os.dup2(out.fileno(), stream)
    sys.argv = command
    if command[0] == "gunicorn":
        from gunicorn.app.wsgiapp import run as serve

        serve()
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(command)


def fork(command: list[str], log: Path) -> int:
    if number := os.fork():
        return number
    try:
        run(command, log)
    finally:
        if isinstance(trouble := sys.exception(), Exception):
            traceback.print_exception(trouble)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # what is open belongs to the process that has loaded the portal


def main() -> None:
    preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what has ended is gone
    begun = []
    for line in sys.stdin:
        command, log = json.loads(line)
        begun.append(fork(command, Path(log)))
        sys.stdout.write(f"{begun[-1]}\n")
        sys.stdout.flush()
    for number in begun:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)


if __name__ == "__main__":
    main()
