"""Start everything the demo needs, say where it is, and stop everything on Ctrl-C.

make demo                    http://portal.localhost:8000
make demo PORT=8001          another port
make demo SEARCH=opensearch  searches with an OpenSearch of its own
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config import environment

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var"
STARTED = time.monotonic()


def log(text: str = "") -> None:
    print(text, flush=True)  # noqa: T201


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took when that was long."""
    log(f"{what} …")
    began = time.monotonic()
    yield
    if (took := time.monotonic() - began) > 2:
        log(f"  done in {took:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", usage="make demo [PORT=8000] [SEARCH=opensearch]")
    parser.add_argument("--search", choices=["opensearch"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    environment.read_dev_env()
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    port = check_port(os.environ.get("PORTAL_PORT", "8000"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.ExitStack() as stack:
        if not os.environ.get("DATABASE_URL"):
            from embedded import postgres

            folder = VAR / "postgres"
            with step("Starting PostgreSQL in var/postgres"):
                was_running = postgres.status(folder) is not None
                os.environ["DATABASE_URL"] = postgres.ensure(folder).url
            if not was_running:
                stack.callback(postgres.stop, folder)
        if arguments.search:
            os.environ["SEARCH_URL"] = start_opensearch(stack)
        prepare_portal()
        web = stack.enter_context(running_process("web server", *gunicorn_command(port)))
        worker = stack.enter_context(running_process("worker", sys.executable, "manage.py", "worker"))
        wait_until_ready(port, web)
        from config.demo import cohort

        log(cohort.overview())
        log(f"Searches are answered by {search_backend_name()}.\n")
        log(f"Ready in {time.monotonic() - STARTED:.0f} s. Ctrl-C stops everything.")
        wait_until_stopped({"web server": web, "worker": worker})


def start_opensearch(stack: contextlib.ExitStack) -> str:
    """The address of the newest OpenSearch that runs here, started until the stack closes."""
    from embedded import opensearch

    version = opensearch.newest_runnable_version()
    folder = VAR / "opensearch" / version  # an older version cannot read what a newer one wrote
    with step(f"Starting OpenSearch {version} in {folder.relative_to(ROOT)}"):
        try:
            return stack.enter_context(opensearch.running(folder, version=version, say=log)).url
        except opensearch.OpenSearchError as error:
            sys.exit(str(error))


def search_backend_name() -> str:
    """Who searches, in words: "PostgreSQL", "OpenSearch at 127.0.0.1:40123"."""
    from django.conf import settings

    if not settings.SEARCH_URL:
        return "PostgreSQL"
    family = {"opensearch": "OpenSearch", "elasticsearch": "Elasticsearch"}[settings.SEARCH_FAMILY]
    url = urlsplit(settings.SEARCH_URL)
    return f"{family} at {url.hostname}:{url.port}"  # without the password


def check_port(text: str) -> int:
    """The port, or an end in words."""
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        sys.exit(f"PORT is {text!r}. Choose a number from 1 to 65535, like PORT=8001.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            sys.exit(
                f"Port {text} cannot be used ({error.strerror}). Choose another: make demo PORT={int(text) + 1}"
            )
    return int(text)


def prepare_portal() -> None:
    """Migrations, static files and the sample cohort; quick when they are there already."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from config.demo import cohort

    with step("Bringing the database up to date"):
        call_command("migrate", verbosity=1 if sys.stdout.isatty() else 0, interactive=False)
    stamp = VAR / "static.stamp"
    if not stamp.exists() or stamp.read_text() != static_fingerprint():
        with step("Collecting static files"):
            call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(static_fingerprint())
    with step("Looking after the sample cohort"):
        cohort.load(say=lambda text: log(f"  {text}"))
    if settings.SEARCH_URL:
        with step("Bringing the search engine up to date"):
            call_command("rebuild_search", stdout=io.StringIO())


def static_fingerprint() -> str:
    """Changes whenever collected static files would."""
    found = hashlib.sha256()
    for package in ("wagtail", "django", "djangorestframework"):
        found.update(importlib.metadata.version(package).encode())
    for file in sorted(
        [*ROOT.glob("static/**/*"), *ROOT.glob("*/static/**/*"), *ROOT.glob("*/*/static/**/*")]
    ):
        if file.is_file() and ".venv" not in file.parts and VAR not in file.parents:
            found.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return found.hexdigest()


def gunicorn_command(port: int) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--threads", "8", "--workers", "1", "--timeout", "60",
        "--graceful-timeout", "3", "--log-level", "warning", "--worker-tmp-dir", str(VAR),
    ]  # fmt: skip


@contextlib.contextmanager
def running_process(name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends, then ask it to stop, and make it stop after ten seconds."""
    running = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                log(f"The {name} did not stop when asked; ending it.")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)
                running.wait()


def wait_until_ready(port: int, web: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if web.poll() is not None:
            sys.exit("The web server ended at once; its last words are above.")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    sys.exit(f"The web server did not answer on port {port} within a minute.")


def wait_until_stopped(running: dict[str, subprocess.Popen[Any]]) -> None:
    """Wait for Ctrl-C; say so if a process ends by itself."""
    try:
        while True:
            for name, one in running.items():
                if one.poll() is not None:
                    sys.exit(
                        f"The {name} ended by itself (exit code {one.returncode}). Its last words are above."
                    )
            time.sleep(0.5)
    except KeyboardInterrupt:
        log("\nStopping …")


if __name__ == "__main__":
    main()
