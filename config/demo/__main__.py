"""Start the demo's servers, print their addresses, and stop them on Ctrl-C.

make demo                    http://portal.localhost:8000
make demo PORT=8001          another port
make demo SEARCH=opensearch  search with its own OpenSearch
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
def step(title: str) -> Iterator[None]:
    """Print the step, and its duration if it took more than 2 seconds."""
    log(f"{title} …")
    started = time.monotonic()
    yield
    if (took := time.monotonic() - started) > 2:
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
        log(f"Search uses {search_backend_name()}.\n")
        log(f"Ready in {time.monotonic() - STARTED:.0f} s. Ctrl-C stops everything.")
        wait_until_stopped({"web server": web, "worker": worker})


def start_opensearch(stack: contextlib.ExitStack) -> str:
    """Start the newest OpenSearch that runs here, until the stack closes; return its URL."""
    from embedded import opensearch

    version = opensearch.newest_runnable_version()
    folder = VAR / "opensearch" / version  # an older version cannot read the data of a newer one
    with step(f"Starting OpenSearch {version} in {folder.relative_to(ROOT)}"):
        try:
            return stack.enter_context(opensearch.running(folder, version=version, log=log)).url
        except opensearch.OpenSearchError as error:
            sys.exit(str(error))


def search_backend_name() -> str:
    """The search backend for display: "PostgreSQL" or "OpenSearch at 127.0.0.1:40123"."""
    from django.conf import settings

    if not settings.SEARCH_URL:
        return "PostgreSQL"
    family = {"opensearch": "OpenSearch", "elasticsearch": "Elasticsearch"}[settings.SEARCH_FAMILY]
    url = urlsplit(settings.SEARCH_URL)
    return f"{family} at {url.hostname}:{url.port}"  # without the password


def check_port(text: str) -> int:
    """The port as a number. Exits with a message if it is invalid or in use."""
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
    """Migrate, collect static files and load the sample cohort; each only if needed."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from config.demo import cohort

    with step("Bringing the database up to date"):
        call_command("migrate", verbosity=1 if sys.stdout.isatty() else 0, interactive=False)
    fingerprint_file = VAR / "static.stamp"
    if not fingerprint_file.exists() or fingerprint_file.read_text() != static_fingerprint():
        with step("Collecting static files"):
            call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        fingerprint_file.write_text(static_fingerprint())
    with step("Looking after the sample cohort"):
        cohort.load(log=lambda text: log(f"  {text}"))
    if settings.SEARCH_URL:
        with step("Bringing the search engine up to date"):
            call_command("rebuild_search", stdout=io.StringIO())


def static_fingerprint() -> str:
    """A hash of all sources of static files, and of the versions of packages that have some."""
    digest = hashlib.sha256()
    for package in ("wagtail", "django", "djangorestframework"):
        digest.update(importlib.metadata.version(package).encode())
    for file in sorted(
        [*ROOT.glob("static/**/*"), *ROOT.glob("*/static/**/*"), *ROOT.glob("*/*/static/**/*")]
    ):
        if file.is_file() and ".venv" not in file.parts and VAR not in file.parents:
            digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()


def gunicorn_command(port: int) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--threads", "8", "--workers", "1", "--timeout", "60",
        "--graceful-timeout", "3", "--log-level", "warning", "--worker-tmp-dir", str(VAR),
    ]  # fmt: skip


@contextlib.contextmanager
def running_process(name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends: then terminate it, and kill it after ten seconds."""
    popen = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        yield popen
    finally:
        if popen.poll() is None:
            popen.terminate()
            try:
                popen.wait(10)
            except subprocess.TimeoutExpired:
                log(f"The {name} did not stop on SIGTERM; killing it.")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(popen.pid, signal.SIGKILL)
                popen.wait()


def wait_until_ready(port: int, web: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if web.poll() is not None:
            sys.exit("The web server ended at once; its last output is above.")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    sys.exit(f"The web server did not start on port {port} within a minute.")


def wait_until_stopped(processes: dict[str, subprocess.Popen[Any]]) -> None:
    """Wait for Ctrl-C. Exits with a message if a process ends by itself."""
    try:
        while True:
            for name, popen in processes.items():
                if popen.poll() is not None:
                    sys.exit(
                        f"The {name} ended by itself (exit code {popen.returncode}). Its last output is above."
                    )
            time.sleep(0.5)
    except KeyboardInterrupt:
        log("\nStopping …")


if __name__ == "__main__":
    main()
