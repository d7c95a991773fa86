"""The portal with a database, a search engine, a server and a worker of its own, each of which a test may kill."""

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
from tests.browser.conftest import Site, _free_port
from tests.browser.programs import THREADS, ForkServer, Program, kill

LEASE = 3  # seconds without a sign of life after which a worker counts as killed
# Killed processes need no disk that is synchronized; but what was committed must have left the process.
DURABLE = postgres.NON_DURABLE_SETTINGS | {"synchronous_commit": "on", "full_page_writes": "on"}


@dataclass
class Database:
    """A PostgreSQL of its own in `folder`."""

    folder: Path
    address: postgres.Address | None = None

    def start(self) -> None:
        port = self.address.port if self.address else None
        self.address = postgres.ensure(self.folder, port=port, settings=DURABLE)

    def kill(self) -> None:
        kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        assert locks.wait_until(lambda: not locks.is_held(self.folder / locks.SERVER_LOCK), seconds=30)

    def copy(self, url: str) -> None:
        """Take over a database of another server: its dump, read back."""
        assert self.address
        dump, psql = (postgres.find_binaries() / name for name in ("pg_dump", "psql"))
        reader = subprocess.Popen([dump, url], stdout=subprocess.PIPE)
        quiet = [
            "--quiet",
            "--no-psqlrc",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--output={os.devnull}",
        ]
        subprocess.run([psql, self.address.url, *quiet], stdin=reader.stdout, check=True)
        assert reader.wait() == 0


@dataclass
class SearchServer:
    """A search engine of its own in `folder`; it comes back at the same address."""

    folder: Path
    node: subprocess.Popen[bytes] | None = None
    port: int = 0

    def start(self) -> None:
        """Returns at once; see `url`."""
        version = opensearch.newest_runnable_version()
        self.node = opensearch.launch(self.folder, version=version, port=self.port, stdin=subprocess.PIPE)

    @property
    def url(self) -> str:
        """Its address, as soon as it answers."""
        url = opensearch.wait_for_address(self.folder)
        self.port = int(url.rpartition(":")[2])
        return url

    def kill(self) -> None:
        assert self.node, "It was not started."
        self.node.kill()
        self.node.wait()


@dataclass
class SupervisedPortal:
    """All of it. `Site` is what a browser sees."""

    site: Site
    database: Database
    engine: SearchServer
    web: Program
    worker: Program
    _under_way: list[threading.Thread] = field(default_factory=list)

    def soon(
        self, what: Callable[[], Any], *, after: float = 0, when: Callable[[], bool] | None = None
    ) -> None:
        """Do this in so many seconds, or when that is so, while the test goes on."""

        def run() -> None:
            time.sleep(after)
            if when:
                locks.wait_until(when, seconds=150)
            what()

        thread = threading.Thread(target=run)
        thread.start()
        self._under_way.append(thread)

    def settle(self) -> None:
        """Wait until all that was to be done soon is done."""
        for thread in self._under_way:
            thread.join()
        self._under_way.clear()

    def answers(self, *, within: float) -> float:
        """Seconds until the portal answers from its database. Raises AssertionError."""
        begun = time.monotonic()
        while time.monotonic() - begun < within:
            with contextlib.suppress(OSError, HTTPException):
                asked = HTTPConnection("127.0.0.1", self.site.port, timeout=within)
                asked.request("GET", "/progress/", headers={"Host": f"portal.localhost:{self.site.port}"})
                if asked.getresponse().status == 200:
                    return time.monotonic() - begun
            time.sleep(0.1)
        raise AssertionError(f"No answer within {within} s:\n{self.web.log.read_text()[-4000:]}")


@contextlib.contextmanager
def supervised_portal(folder: Path, *, media: Path, template: str) -> Iterator[SupervisedPortal]:
    """The portal on a copy of the database at the address `template`."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            locks.scratch_folder(postgres.TEMPORARY_PREFIX, remove=postgres.remove_temporary)
        )
        folder.chmod(0o755)  # root starts PostgreSQL as somebody else
        engine = SearchServer(folder / "engine")
        engine.start()
        stack.callback(engine.kill)
        database = Database(folder)
        database.start()
        database.copy(template)
        port = _free_port()
        (folder / "mail").mkdir()
        env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": database.address.url if database.address else "",
            "SEARCH_URL": engine.url,
            "SEARCH_PREFIX": "walk",
            "PORTAL_PORT": str(port),
            "PORTAL_DEMO": "1",
            "PORTAL_TEST_MAIL_DIR": str(folder / "mail"),
            "PORTAL_TEST_MEDIA_DIR": str(media),
        }
        loaded = ForkServer(env)
        stack.callback(loaded.end)
        web = ("gunicorn", "config.wsgi", "-b", f"127.0.0.1:{port}", *THREADS)
        worker = ("manage.py", "worker", "--interval", "0.2", "--lease", str(LEASE))
        all_of_it = SupervisedPortal(
            Site(port=port, mail_dir=folder / "mail"), database, engine,
            Program(loaded, web, folder / "web.log"), Program(loaded, worker, folder / "worker.log"),
        )  # fmt: skip
        for program in (all_of_it.web, all_of_it.worker):
            program.start()
            stack.callback(program.stop)
        stack.callback(all_of_it.settle)
        all_of_it.answers(within=120)
        yield all_of_it
