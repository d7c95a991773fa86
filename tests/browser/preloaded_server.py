"""Imports the portal, then forks a program for each line of its input (see `programs.ForkServer`)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any


def preload() -> None:
    """Import and compile everything that a server and a worker need for their first response."""
    import config.wsgi  # noqa: F401 - sets Django up

    name_page_templates()
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


def name_page_templates() -> None:
    """Write the name of its template after the end of each page, for `page_templates.shows_to_axe`."""
    from django.template.backends.django import Template
    from django.utils.safestring import SafeString

    render = Template.render

    def render_with_name(self: Template, *args: Any, **kwargs: Any) -> SafeString:
        text = render(self, *args, **kwargs)
        if text.rstrip().endswith("</html>"):
            text = SafeString(f"{text}<!--template: {self.template.name}-->")
        return text

    Template.render = render_with_name


def run(command: list[str], log: Path) -> None:
    """Become the program; its output is appended to `log`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with open(os.devnull, "rb") as devnull, log.open("ab") as out:
        os.dup2(devnull.fileno(), 0)
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
    if pid := os.fork():
        return pid
    try:
        run(command, log)
    finally:
        if isinstance(error := sys.exception(), Exception):
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # open resources belong to the parent process


def main() -> None:
    preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    pids = []
    for line in sys.stdin:
        command, log = json.loads(line)
        pids.append(fork(command, Path(log)))
        sys.stdout.write(f"{pids[-1]}\n")
        sys.stdout.flush()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
