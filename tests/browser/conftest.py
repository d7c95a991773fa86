"""A real server, a real worker and a real Chromium, with its own database for each module."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from config.bootstrap import find_browser
from embedded import postgres
from tests import databases
from tests.browser import programs
from tests.browser.axe import WIDE
from tests.browser.programs import ForkServer, Program

# Playwright runs an event loop in this thread; the tests' own database queries stay synchronous.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests, and run all of a module on one worker: each module starts its own portal."""
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group(item.path.stem))


@dataclass
class Site:
    """The running portal: its port and the folder of its email."""

    port: int
    email_dir: Path

    def url(self, host: str, path: str = "/") -> str:
        """url("portal") is the alliance's home, url("riverton", "/plan/") a page of a city."""
        return f"http://{host}.localhost:{self.port}{path}"

    def emails(self, *, to: str, at_least: int = 1, within: float = 20) -> list[str]:
        """The emails to this address, oldest first; waits until there are `at_least` of them."""
        end = time.monotonic() + within
        while True:
            texts = [
                file.read_text() for file in sorted(self.email_dir.glob("*"), key=lambda f: f.stat().st_mtime)
            ]
            emails = [text for text in texts if f"To: {to}" in text or f"<{to}>" in text]
            if len(emails) >= at_least:
                return emails
            assert time.monotonic() < end, f"{len(emails)} emails to {to} within {within} s, not {at_least}."
            time.sleep(0.1)


def free_port() -> int:
    """A free port that Linux does not use for outgoing connections: the next module needs it again."""
    random = secrets.SystemRandom()
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.choice(postgres.PORTS)))
            return probe.getsockname()[1]


def _wait_until_ready(port: int, server: Program) -> None:
    """Wait until the portal has served a page: the first response takes longest."""
    end = time.monotonic() + 120
    while time.monotonic() < end and server.is_alive:
        with contextlib.suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/accounts/login/", headers={"Host": f"portal.localhost:{port}"})
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"The server did not answer on port {port}:\n{server.log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def worker_site(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, str, ForkServer]]:
    """The site of this test worker, shared by its modules; the name of its database; the fork server."""
    from django.conf import settings

    site = Site(port=free_port(), email_dir=tmp_path_factory.mktemp("mail"))
    name = f"browser_{os.getpid()}"
    fork_server = ForkServer(
        os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": databases.database_url(name),
            "PORTAL_PORT": str(site.port),
            "PORTAL_DEMO": "1",
            "PORTAL_TEST_MAIL_DIR": str(site.email_dir),
            "PORTAL_TEST_MEDIA_DIR": str(settings.MEDIA_ROOT),
        }
    )
    yield site, name, fork_server
    fork_server.stop()


@pytest.fixture(scope="module")
def site(
    worker_site: tuple[Site, str, ForkServer],
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The running portal; tests and browser commit to this module's own database."""
    from django.conf import settings

    site, name, fork_server = worker_site
    folder = tmp_path_factory.mktemp("site")
    for email in site.email_dir.iterdir():
        email.unlink()
    with django_db_blocker.unblock(), databases.temporary_database(name):
        settings.PORTAL_PORT = str(site.port)
        web = ["gunicorn", "config.wsgi", "-b", f"127.0.0.1:{site.port}", *programs.THREADS]
        try:
            with (
                programs.running(fork_server, *web, log=folder / "web.log") as server,
                programs.running(fork_server, "manage.py", "worker", log=folder / "worker.log"),
            ):
                _wait_until_ready(site.port, server)
                yield site
        finally:
            settings.PORTAL_PORT = ""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    options = [
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    options += ["--disable-sync", "--disable-quic", "--disable-dev-shm-usage"]
    # Chromium starts a new renderer process for each host of the portal without this.
    options += ["--renderer-process-limit=1"]
    # No script runs long enough for optimization to pay off.
    options += ["--js-flags=--single-threaded --no-turbofan --no-maglev"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=options)
        yield chromium
        chromium.close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def new_page(browser: Any) -> Iterator[Any]:
    """new_page(scripts=True, viewport=WIDE) opens a page in a new browser profile."""
    contexts = []

    def make(*, scripts: bool = True, viewport: dict[str, int] = WIDE) -> Any:
        context = browser.new_context(java_script_enabled=scripts, viewport=viewport, locale="en-US")
        context.set_default_timeout(30_000)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
