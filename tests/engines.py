"""Real search servers for tests: each version is started once in a test run, if a collected test needs it.

All workers share them, so a test begins the names of its indexes with `search_prefix`. The servers end with the run, even
if it is killed: their standard input is a pipe that only the run's first process holds open.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from embedded import locks, opensearch

# If no version can run, tests request the newest, which raises an error that tells what is missing: nothing is skipped.
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
    """Pass the folder of this run's servers to a worker."""
    node.workerinput["search_servers"] = str(node.config.stash[FOLDER])


def _remove(folder: Path) -> None:
    """Delete the servers' files as soon as the servers have ended."""
    locks.wait_until(lambda: not any(map(locks.is_held, folder.glob(f"*/{locks.SERVER_LOCK}"))), seconds=30)
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the servers that are needed, so that they run when the first test needs one."""
    versions = {item.callspec.params["search_server"] for item in session.items if _has_version(item)}
    if any("one_search_server" in getattr(item, "fixturenames", ()) for item in session.items):
        versions.add(VERSIONS[0])
    for version in sorted(versions):
        with contextlib.suppress(opensearch.OpenSearchError):  # raised again by the test's fixture
            _launch_once(session.config, version)


def _has_version(item: pytest.Item) -> bool:
    return hasattr(item, "callspec") and "search_server" in item.callspec.params


def _launch_once(config: pytest.Config, version: str) -> Path:
    """The folder of this run's server, which the first caller starts."""
    folder = config.stash[FOLDER]
    home = folder / version
    with locks.acquire(folder / f"{version}.lock"):
        if not home.exists():
            with open(folder / "lifeline", "rb", buffering=0) as lifeline:
                opensearch.launch(home, version=version, stdin=lifeline)
    return home


@pytest.fixture(scope="session", params=VERSIONS)
def search_server(request: pytest.FixtureRequest) -> str:
    """The URL of a real server, once for each version that runs here; shared, see `search_prefix`."""
    return opensearch.wait_for_address(_launch_once(request.config, request.param))


@pytest.fixture(scope="session")
def one_search_server(request: pytest.FixtureRequest) -> str:
    """The URL of the newest real server that runs here; shared, see `search_prefix`."""
    return opensearch.wait_for_address(_launch_once(request.config, VERSIONS[0]))


@pytest.fixture(scope="session")
def search_prefix() -> str:
    """SEARCH_PREFIX of this worker, "test-gw0": the beginning of the names of its indexes."""
    return f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
