"""A real server, a real worker and a real Chromium, on a database of their own for each module."""

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

# Playwright runs an event loop in this thread; the tests' own queries stay synchronous.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@dataclass
class Site:
    """The running portal: where it answers and where its mail lands."""

    port: int
    mail_dir: Path

    def url(self, host: str, path: str = "/") -> str:
        """url("portal") is the alliance's home, url("riverton", "/plan/") a page of a city."""
        return f"http://{host}.localhost:{self.port}{path}"

    def mails(self, *, to: str, at_least: int = 1, within: float = 20) -> list[str]:
        """The mails written to this address, oldest first; waits until there are so many of them."""
        end = time.monotonic() + within
        while True:
            texts = [
                file.read_text() for file in sorted(self.mail_dir.glob("*"), key=lambda f: f.stat().st_mtime)
            ]
            found = [text for text in texts if f"To: {to}" in text or f"<{to}>" in text]
            if len(found) >= at_least:
                return found
            assert time.monotonic() < end, f"{len(found)} mails to {to} within {within} s, not {at_least}."
            time.sleep(0.1)


def _free_port() -> int:
    """Not of those that Linux gives to outgoing connections: it has to be free again for the next module."""
    chance = secrets.SystemRandom()
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", chance.choice(postgres.PORTS)))
            return probe.getsockname()[1]


def _wait_for(port: int, server: Program) -> None:
    """Until the portal has answered a page: the first answer takes the longest."""
    end = time.monotonic() + 120
    while time.monotonic() < end and server.is_alive:
        with contextlib.suppress(OSError, HTTPException):
            first = HTTPConnection("127.0.0.1", port, timeout=60)
            first.request("GET", "/accounts/login/", headers={"Host": f"portal.localhost:{port}"})
            if first.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"The server did not answer on port {port}:\n{server.log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def own_site(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, str, ForkServer]]:
    """Where this worker's modules find the portal, one after the other; its database's name; what it is forked from."""
    from django.conf import settings

    found = Site(port=_free_port(), mail_dir=tmp_path_factory.mktemp("mail"))
    name = f"browser_{os.getpid()}"
    loaded = ForkServer(
        os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": databases.database_url(name),
            "PORTAL_PORT": str(found.port),
            "PORTAL_DEMO": "1",
            "PORTAL_TEST_MAIL_DIR": str(found.mail_dir),
            "PORTAL_TEST_MEDIA_DIR": str(settings.MEDIA_ROOT),
        }
    )
    yield found, name, loaded
    loaded.end()


@pytest.fixture(scope="module")
def site(
    own_site: tuple[Site, str, ForkServer], django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The portal, running: what tests and browser write is committed to this module's own database."""
    from django.conf import settings

    found, name, loaded = own_site
    folder = tmp_path_factory.mktemp("site")
    for mail in found.mail_dir.iterdir():
        mail.unlink()
    with django_db_blocker.unblock(), databases.temporary_database(name):
        settings.PORTAL_PORT = str(found.port)
        web = ["gunicorn", "config.wsgi", "-b", f"127.0.0.1:{found.port}", *programs.THREADS]
        try:
            with (
                programs.running(loaded, *web, log=folder / "web.log") as server,
                programs.running(loaded, "manage.py", "worker", log=folder / "worker.log"),
            ):
                _wait_for(found.port, server)
                yield found
        finally:
            settings.PORTAL_PORT = ""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    quiet = [
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    quiet += ["--disable-sync", "--disable-quic", "--disable-dev-shm-usage"]
    # The portal's hosts are sites to Chromium: without this every step from one to another starts a process anew.
    quiet += ["--renderer-process-limit=1"]
    # No page runs a script for long enough to be repaid for optimizing it.
    quiet += ["--js-flags=--single-threaded --no-turbofan --no-maglev"]
    if os.geteuid() == 0:
        quiet.append("--no-sandbox")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def new_person(browser: Any) -> Iterator[Any]:
    """new_person(scripts=True, viewport=WIDE) opens a page in a browser profile of its own."""
    contexts = []

    def make(*, scripts: bool = True, viewport: dict[str, int] = WIDE) -> Any:
        context = browser.new_context(java_script_enabled=scripts, viewport=viewport, locale="en-US")
        context.set_default_timeout(30_000)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
