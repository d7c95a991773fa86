"""Real search servers for tests: each version is started once in a test run, when a collected test asks for it.

All workers share them, so a test puts `search_prefix` before the names of its indexes. They end with the run, even if
that is killed: their standard input is a pipe that only the run's first process holds open.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from embedded import locks, opensearch

# Where no version can run, starting the first one reports what is missing: no test is skipped.
VERSIONS = opensearch.runnable_versions() or [opensearch.newest_runnable_version()]
FOLDER = pytest.StashKey[Path]()
TEMPORARY = "cohort-portal-engines-"


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.stash[FOLDER] = Path(config.workerinput["search_servers"])
        return
    run = contextlib.ExitStack()
    config.add_cleanup(run.close)
    config.stash[FOLDER] = folder = run.enter_context(locks.scratch_folder(TEMPORARY, remove=_remove))
    os.mkfifo(folder / "lifeline")
    run.callback(os.close, os.open(folder / "lifeline", os.O_RDWR))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker where the servers of this run are."""
    node.workerinput["search_servers"] = str(node.config.stash[FOLDER])


def _remove(folder: Path) -> None:
    """Delete the servers' files once the servers are gone."""
    locks.wait_until(lambda: not any(map(locks.is_held, folder.glob(f"*/{locks.SERVER_LOCK}"))), seconds=30)
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the servers that the collected tests need, so that they are ready for the first one."""
    versions = {
        item.callspec.params["search_server"] for item in session.items if _is_for_every_version(item)
    }
    if any("one_search_server" in getattr(item, "fixturenames", ()) for item in session.items):
        versions.add(VERSIONS[0])
    for version in sorted(versions):
        with contextlib.suppress(
            opensearch.OpenSearchError
        ):  # raised again by the test that needs the server
            _launch_once(session.config, version)


def _is_for_every_version(item: pytest.Item) -> bool:
    return hasattr(item, "callspec") and "search_server" in item.callspec.params


def _launch_once(config: pytest.Config, version: str) -> Path:
    """The folder of this run's server, which the first process to call this launches."""
    folder = config.stash[FOLDER]
    home = folder / version
    with locks.acquire(folder / f"{version}.lock"):
        if not home.exists():
            with open(folder / "lifeline", "rb", buffering=0) as lifeline:
                opensearch.launch(home, version=version, stdin=lifeline)
    return home


@pytest.fixture(scope="session", params=VERSIONS)
def search_server(request: pytest.FixtureRequest) -> str:
    """The address of a real server, once for each version that runs here; shared, so see `search_prefix`."""
    return opensearch.wait_for_address(_launch_once(request.config, request.param))


@pytest.fixture(scope="session")
def one_search_server(request: pytest.FixtureRequest) -> str:
    """The address of the newest real server that runs here; shared, so see `search_prefix`."""
    return opensearch.wait_for_address(_launch_once(request.config, VERSIONS[0]))


@pytest.fixture(scope="session")
def search_prefix() -> str:
    """SEARCH_PREFIX of this worker, "test-gw0": what the names of its indexes begin with."""
    return f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
