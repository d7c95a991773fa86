"""The portal with its own database, search engine, server and worker, each of which a test may kill and restart."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from embedded import locks, opensearch, postgres
from tests.browser.conftest import Site, free_port
from tests.browser.programs import THREADS, ForkServer, Program, kill

LEASE_SECONDS = 3  # without a heartbeat; then a worker counts as killed
# A killed process needs no fsync, but its commits must have left the process.
DURABLE = postgres.NON_DURABLE_SETTINGS | {"synchronous_commit": "on", "full_page_writes": "on"}


@dataclass
class DatabaseServer:
    """A PostgreSQL server in `folder`."""

    folder: Path
    address: postgres.Address | None = None

    def start(self) -> None:
        port = self.address.port if self.address else None
        self.address = postgres.ensure(self.folder, port=port, settings=DURABLE)

    def kill(self) -> None:
        kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        assert locks.wait_until(lambda: not locks.is_held(self.folder / locks.SERVER_LOCK), seconds=30)

    def copy(self, url: str) -> None:
        """Copy a database of another server, by dump and restore."""
        assert self.address
        dump, psql = (postgres.find_binaries() / name for name in ("pg_dump", "psql"))
        dump_process = subprocess.Popen([dump, url], stdout=subprocess.PIPE)
        options = [
            "--quiet",
            "--no-psqlrc",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--output={os.devnull}",
        ]
        subprocess.run([psql, self.address.url, *options], stdin=dump_process.stdout, check=True)
        assert dump_process.wait() == 0


@dataclass
class SearchServer:
    """A search engine in `folder`; after a restart it has the same port."""

    folder: Path
    node: subprocess.Popen[bytes] | None = None
    port: int = 0

    def start(self) -> None:
        """Start it without waiting; `url` waits until it is ready."""
        version = opensearch.newest_runnable_version()
        self.node = opensearch.launch(self.folder, version=version, port=self.port, stdin=subprocess.PIPE)

    @property
    def url(self) -> str:
        """Its URL; waits until it answers."""
        url = opensearch.wait_for_address(self.folder)
        self.port = int(url.rpartition(":")[2])
        return url

    def kill(self) -> None:
        assert self.node, "Not started."
        self.node.kill()
        self.node.wait()


@dataclass
class SupervisedPortal:
    """The portal and its processes. `site` is the portal as a browser reaches it."""

    site: Site
    database: DatabaseServer
    engine: SearchServer
    web: Program
    worker: Program
    _threads: list[threading.Thread] = field(default_factory=list)

    def schedule(
        self, action: Callable[[], Any], *, after: float = 0, when: Callable[[], bool] | None = None
    ) -> None:
        """Run `action` in a thread, after so many seconds or as soon as `when` is true."""

        def run() -> None:
            time.sleep(after)
            if when:
                locks.wait_until(when, seconds=150)
            action()

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)

    def join(self) -> None:
        """Wait until all scheduled actions have run."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def wait_until_ready(self, *, within: float) -> float:
        """Seconds until the portal serves a page that reads the database. Raises AssertionError after `within` seconds."""
        started = time.monotonic()
        while time.monotonic() - started < within:
            with contextlib.suppress(OSError, HTTPException):
                connection = HTTPConnection("127.0.0.1", self.site.port, timeout=within)
                connection.request(
                    "GET", "/progress/", headers={"Host": f"portal.localhost:{self.site.port}"}
                )
                if connection.getresponse().status == 200:
                    return time.monotonic() - started
            time.sleep(0.1)
        raise AssertionError(f"No answer within {within} s:\n{self.web.log.read_text()[-4000:]}")


@contextlib.contextmanager
def supervised_portal(folder: Path, *, media: Path, template: str) -> Iterator[SupervisedPortal]:
    """Run the portal in `folder`, on a copy of the database with the URL `template`."""
    with contextlib.ExitStack() as stack:
        database_folder = stack.enter_context(
            locks.scratch_folder(postgres.TEMPORARY_PREFIX, remove=postgres.remove_temporary)
        )
        database_folder.chmod(0o755)  # root starts PostgreSQL as another user
        engine = SearchServer(folder / "engine")
        engine.start()
        stack.callback(engine.kill)
        database = DatabaseServer(database_folder)
        database.start()
        database.copy(template)
        port = free_port()
        (folder / "mail").mkdir()
        env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": database.address.url if database.address else "",
            "SEARCH_URL": engine.url,
            "SEARCH_PREFIX": "crashtest",
            "PORTAL_PORT": str(port),
            "PORTAL_DEMO": "1",
            "PORTAL_TEST_MAIL_DIR": str(folder / "mail"),
            "PORTAL_TEST_MEDIA_DIR": str(media),
        }
        fork_server = ForkServer(env)
        stack.callback(fork_server.stop)
        web = ("gunicorn", "config.wsgi", "-b", f"127.0.0.1:{port}", *THREADS)
        worker = ("manage.py", "worker", "--interval", "0.2", "--lease", str(LEASE_SECONDS))
        portal = SupervisedPortal(
            Site(port=port, email_dir=folder / "mail"), database, engine,
            Program(fork_server, web, folder / "web.log"), Program(fork_server, worker, folder / "worker.log"),
        )  # fmt: skip
        for program in (portal.web, portal.worker):
            program.start()
            stack.callback(program.stop)
        stack.callback(portal.join)
        portal.wait_until_ready(within=120)
        yield portal
