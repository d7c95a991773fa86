"""The embedded OpenSearch with real servers, a real compiler, and killed processes."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from config import bootstrap
from embedded import jars, locks, opensearch
from embedded.__main__ import main
from tests import engines
from tests.engines import VERSIONS

REPOSITORY = Path(__file__).resolve().parents[2]
NEWEST = VERSIONS[0]
# Building the archive of classes starts a node, which takes longer than all the rest: replaced by a list of the jars.
PREPARE = """if True:
    import sys
    from embedded import jars
    jars._archive_classes = lambda folder, jdk: (folder / "archived").write_text(
        " ".join(sorted(jar.name for jar in (folder / "lib").iterdir())))
    jars.prepare(sys.argv[1], log=print)
"""
# Replaces Maven's downloads by jars that were fetched before; hangs after the third while the file `stall` exists.
MAVEN = """#!/bin/sh
echo called >> "{folder}/calls"
for word in "$@"; do case "$word" in -DoutputDirectory=*) lib="${{word#*=}}"; esac; done
mkdir -p "$lib"
count=0
for jar in "{jars}"/*.jar; do
    cp "$jar" "$lib/"
    count=$((count + 1))
    if [ -e "{folder}/stall" ] && [ $count = 3 ]; then sleep 60; fi
done
"""
UNREACHABLE = """#!/bin/sh
echo "[INFO] Scanning for projects..."
echo "[ERROR] Failed to execute goal: Could not transfer artifact: Connection refused"
exit 1
"""
# Replaces Debian's apt-get: has no JDK 21, and "installs" the rest.
APT = """#!/bin/sh
echo "$@" >> "{folder}/apt.log"
case "$*" in
    *openjdk-21*) echo "E: Unable to locate package" >&2; exit 100;;
    *openjdk-17*) /bin/mkdir -p "{folder}/jvm/java-17/bin"; echo 'JAVA_VERSION="17.0.15"' > "{folder}/jvm/java-17/release"
                  echo > "{folder}/jvm/java-17/bin/javac";;
    *maven*) echo > "{folder}/empty/mvn"; /bin/chmod +x "{folder}/empty/mvn";;
esac
"""
SHARED = """
import os, time
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(4))
def test_server(one_search_server, number):
    (Path(os.environ["NOTES"]) / f"{os.getpid()}-{number}").write_text(one_search_server)
    time.sleep(120 if number == 3 else 0.5)
"""


def request_json(url: str, method: str = "GET", path: str = "/", body: Any = None) -> Any:
    """The JSON of the server's response, which must be a success."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status < 300, response.read()
        return json.load(response)


def is_gone(url: str) -> bool:
    """Whether it takes no more connections; a server takes a moment to end."""
    address = urlsplit(url)

    def is_refused() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((address.hostname, address.port)) != 0

    return locks.wait_until(is_refused, seconds=20)


def python(program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        env=os.environ | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def fake_jdk(folder: Path, version: str, *, compiler: bool = True) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')
    for program in ("java", "javac") if compiler else ("java",):
        (folder / "bin" / program).touch()


@pytest.fixture
def no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for JDKs on a machine that has no Java and no Maven."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(jars, "SYSTEM_JDKS", f"{tmp_path}/jvm/*")
    return tmp_path / "jvm"


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose `mvn` comes first on PATH; the cache is an empty one."""
    ready = Path(jars.prepare(NEWEST)[1].removeprefix("@")).parent
    folder = tmp_path / "maven"
    folder.mkdir()
    (folder / "from").write_text(str(ready / "lib"))
    (folder / "mvn").write_text(MAVEN.format(folder=folder, jars=ready / "lib"))
    (folder / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_every_version_has_the_modules_of_a_standard_server_and_an_address_of_its_own(search_server):
    assert request_json(search_server)["version"]["number"] in VERSIONS
    node = next(iter(request_json(search_server, path="/_nodes/plugins")["nodes"].values()))
    loaded = " ".join(module["name"] for module in node["modules"] + node["plugins"])
    for module in ("Netty4", "CommonAnalysis", "MapperExtras", "Reindex", "Painless", "ParentJoin"):
        assert module in loaded
    with socket.socket() as probe:  # 127.0.0.2 is this machine too, but the server does not listen there
        assert probe.connect_ex(("127.0.0.2", urlsplit(search_server).port)) != 0


def test_a_server_that_cannot_start_names_its_log(tmp_path):
    with (
        pytest.raises(opensearch.OpenSearchError) as error,
        opensearch.running(tmp_path, version=NEWEST, heap="1k"),
    ):
        pass
    assert str(tmp_path / "server.log") in str(error.value)
    assert "heap" in str(error.value)


def run_command(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Run `python -m embedded search` in a folder: its process, and the server's address."""
    command = [sys.executable, "-m", "embedded", "search", str(folder), "--version", NEWEST]
    process = subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE)
    return process, process.stdout.readline().split(" runs at ")[1].split()[0].rstrip(".")


def test_a_server_ends_with_its_starter_even_if_killed_and_keeps_its_data_in_a_folder_that_no_other_may_use(
    tmp_path,
):
    starter, url = run_command(tmp_path)
    title = {"type": "text", "analyzer": "english"}
    request_json(url, "PUT", "/plans", {"mappings": {"properties": {"title": title}}})
    request_json(url, "PUT", "/plans/_doc/1", {"title": "Waived library fines"})

    starter.kill()
    starter.communicate(timeout=30)
    assert is_gone(url)

    starter, second_url = run_command(tmp_path)
    results = request_json(
        second_url, "POST", "/plans/_search", {"query": {"match": {"title": "waiving libraries"}}}
    )
    assert [hit["_id"] for hit in results["hits"]["hits"]] == ["1"]
    with (
        pytest.raises(opensearch.OpenSearchError, match="Another process runs OpenSearch in"),
        opensearch.running(tmp_path, version=NEWEST),
    ):
        pass
    assert request_json(second_url)["version"]["number"] == NEWEST

    starter.terminate()
    starter.communicate(timeout=30)
    assert starter.returncode == 0
    assert is_gone(second_url)


def test_all_workers_of_a_test_run_share_a_server_that_ends_with_the_killed_run_and_leaves_nothing(
    own_temporary_folder,
):
    notes = own_temporary_folder / "notes"
    notes.mkdir()
    test = own_temporary_folder / "test_shared.py"
    test.write_text(SHARED)
    unused_plugins = [
        "django",
        "randomly",
        "cacheprovider",
        "schemathesis",
        "hypothesispytest",
        "anyio",
        "faker",
    ]
    options = [
        "-ptests.engines",
        *(f"-pno:{name}" for name in unused_plugins),
        "-n2",
        f"--rootdir={test.parent}",
    ]
    options += ["-c/dev/null", str(test)]
    command = f"import pytest, sys; sys.exit(pytest.main({options}))"
    run = python(command, NOTES=str(notes))
    assert locks.wait_until(lambda: len(list(notes.iterdir())) == 4, seconds=120)
    (url,) = {note.read_text() for note in notes.iterdir()}
    assert len({note.name.split("-")[0] for note in notes.iterdir()}) == 2
    assert request_json(url)
    (folder,) = own_temporary_folder.glob(f"{engines.TEMPORARY}*")

    os.kill(run.pid, signal.SIGKILL)

    assert is_gone(url)
    kill(run)
    with locks.scratch_folder(engines.TEMPORARY):  # the next run removes what it left
        assert not folder.exists()


def test_the_runnable_versions_follow_from_the_jdks_found(no_java):
    assert jars.runnable_versions() == []
    fake_jdk(no_java / "java-25", "25.0.1", compiler=False)
    fake_jdk(no_java / "java-11", "11.0.2")
    assert jars.runnable_versions() == []
    fake_jdk(no_java / "java-17", "17.0.15")
    assert jars.runnable_versions() == ["2.19.6"]
    fake_jdk(no_java / "java-21", "21")
    assert jars.runnable_versions() == ["3.8.0", "2.19.6"]
    assert jars.jdk_for("3.8.0").home == no_java / "java-21"
    assert jars.jdk_for("2.19.6").home == no_java / "java-17"


def test_the_error_for_a_missing_jdk_names_the_package_to_install(no_java, tmp_path):
    fake_jdk(no_java / "java-11", "11.0.2")
    with (
        pytest.raises(opensearch.OpenSearchError, match=r"3\.8\.0 needs a JDK 21 or newer") as error,
        opensearch.temporary("3.8.0"),
    ):
        pass
    assert f"found: Java 11.0.2 in {no_java / 'java-11'}" in str(error.value)
    assert "apt-get install openjdk-17-jdk-headless" in str(error.value)


def test_an_unsupported_version_is_refused_with_the_supported_ones(capsys):
    with pytest.raises(
        opensearch.OpenSearchError, match=r"'1\.0' is not supported. Supported: 3\.8\.0, 2\.19\.6"
    ):
        jars.prepare("1.0")


def test_the_error_for_missing_maven_names_the_package_to_install(no_java, tmp_path, monkeypatch):
    fake_jdk(no_java / "java-21", "21.0.2")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(
        opensearch.OpenSearchError, match=r"Maven .mvn. is not on PATH.*apt-get install maven"
    ):
        jars.prepare("3.8.0")
    assert not list(tmp_path.glob("cache/**/ready"))


@pytest.mark.parametrize(
    ("has_java", "message"), [(False, "needs a JDK 17 or newer"), (True, "apt-get install maven")]
)
def test_setup_ends_with_a_message_where_something_is_missing_and_cannot_be_installed(
    has_java, message, no_java, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if has_java:
        fake_jdk(no_java / "java-21", "21.0.2")
    with pytest.raises(SystemExit, match=message):
        bootstrap.prepare_opensearch(every_version=True)


def test_setup_as_root_installs_what_debian_has_and_prepares_what_then_runs(no_java, tmp_path, monkeypatch):
    (tmp_path / "empty" / "apt-get").write_text(APT.format(folder=tmp_path))
    (tmp_path / "empty" / "apt-get").chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    prepared = []
    monkeypatch.setattr(jars, "prepare", lambda version, log: prepared.append(version))
    bootstrap.apt_update.cache_clear()

    bootstrap.prepare_opensearch(every_version=True)

    arguments = [line.split()[-1] for line in (tmp_path / "apt.log").read_text().splitlines()]
    assert arguments == ["-qq", "openjdk-21-jdk-headless", "openjdk-17-jdk-headless", "maven"]
    assert prepared == ["2.19.6"]


def test_the_error_of_maven_is_quoted_and_nothing_counts_as_ready(maven, tmp_path):
    (maven / "mvn").write_text(UNREACHABLE)
    with pytest.raises(opensearch.OpenSearchError, match="Connection refused") as error:
        jars.prepare(NEWEST)
    assert "Is a repository reachable" in str(error.value)
    assert not list(tmp_path.glob("cache/**/ready"))


def test_a_preparation_that_was_cut_off_is_done_again_once_for_all_that_wait(maven, tmp_path):
    (maven / "stall").touch()
    first = python(PREPARE, NEWEST)
    assert locks.wait_until(lambda: len(list(tmp_path.glob("cache/**/*.jar"))) >= 3, seconds=30)
    kill(first)
    (maven / "stall").unlink()
    (maven / "calls").unlink()

    processes = [python(PREPARE, NEWEST) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    assert (maven / "calls").read_text().count("called") == 1
    (ready,) = tmp_path.glob("cache/**/ready")
    fetched = sorted(jar.name for jar in (ready.parent / "lib").iterdir())
    assert fetched == sorted(jar.name for jar in Path((maven / "from").read_text()).iterdir())
    assert (ready.parent / "archived").read_text().split() == fetched


@pytest.mark.parametrize("version", VERSIONS)
def test_a_prepared_version_has_an_archive_of_the_classes_of_a_node(version):
    ready = Path(jars.prepare(version)[1].removeprefix("@")).parent
    assert (ready / "classes.jsa").stat().st_size > 10_000_000
    assert f"{ready}/classes.jsa" in (ready / "java.args").read_text()


def test_versions_unused_for_a_month_are_deleted_and_others_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, days in {"3.8.0-old": 31, "3.8.0-new": 29, "2.19.6-old": 31}.items():
        ready = jars.cache_folder() / name / "ready"
        ready.parent.mkdir(parents=True)
        ready.touch()
        os.utime(ready, (time.time() - days * 86_400,) * 2)
    jars._delete_unused("3.8.0")
    assert sorted(folder.name for folder in jars.cache_folder().iterdir()) == ["2.19.6-old", "3.8.0-new"]


def test_a_wrong_folder_is_refused_with_a_message(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["search", str(tmp_path / "file" / "below")]) == 1
    assert "file" in capsys.readouterr().err


def test_the_pom_names_no_repository():
    text = (jars.SOURCES / "pom.xml").read_text()
    assert "<repositories>" not in text
    assert "<pluginRepositories>" not in text
    assert shutil.which("mvn")
