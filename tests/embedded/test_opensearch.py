"""The embedded OpenSearch: real servers, a real compiler, and killed processes."""

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
# The archive of classes is made by a node's first start, which takes longer than all the rest.
PREPARE = """if True:
    import sys
    from embedded import jars
    jars._archive_classes = lambda folder, jdk: (folder / "archived").write_text(
        " ".join(sorted(jar.name for jar in (folder / "lib").iterdir())))
    jars.prepare(sys.argv[1], say=print)
"""
# Stands in for Maven's downloads with jars that were fetched before; hangs after the third while `stall` is there.
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
# Stands in for Debian's: has no JDK 21, and "installs" the rest.
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
def test_asks(one_search_server, number):
    (Path(os.environ["NOTES"]) / f"{os.getpid()}-{number}").write_text(one_search_server)
    time.sleep(120 if number == 3 else 0.5)
"""


def ask(url: str, method: str = "GET", path: str = "/", body: Any = None) -> Any:
    """What the server answers, as JSON."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status < 300, answer.read()
        return json.load(answer)


def is_gone(url: str) -> bool:
    """Whether it takes no more connections, which a server that ends may need a moment for."""
    place = urlsplit(url)

    def refused() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((place.hostname, place.port)) != 0

    return locks.wait_until(refused, seconds=20)


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
    """A folder whose `mvn` comes first on PATH, and a cache of its own."""
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


def test_every_version_has_the_modules_of_a_stock_server_and_an_address_for_itself(search_server):
    assert ask(search_server)["version"]["number"] in VERSIONS
    node = next(iter(ask(search_server, path="/_nodes/plugins")["nodes"].values()))
    loaded = " ".join(one["name"] for one in node["modules"] + node["plugins"])
    for module in ("Netty4", "CommonAnalysis", "MapperExtras", "Reindex", "Painless", "ParentJoin"):
        assert module in loaded
    with socket.socket() as probe:  # 127.0.0.2 is this machine too, but not the address it listens on
        assert probe.connect_ex(("127.0.0.2", urlsplit(search_server).port)) != 0


def test_a_server_that_cannot_start_says_where_its_words_are(tmp_path):
    with (
        pytest.raises(opensearch.OpenSearchError) as error,
        opensearch.running(tmp_path, version=NEWEST, heap="1k"),
    ):
        pass
    assert str(tmp_path / "server.log") in str(error.value)
    assert "heap" in str(error.value)


def by_hand(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """The command that runs a server in a folder, and the server's address."""
    command = [sys.executable, "-m", "embedded", "search", str(folder), "--version", NEWEST]
    running = subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE)
    return running, running.stdout.readline().split(" runs at ")[1].split()[0].rstrip(".")


def test_a_server_ends_with_its_starter_even_if_killed_and_keeps_what_it_was_given_in_a_folder_for_itself(
    tmp_path,
):
    starter, url = by_hand(tmp_path)
    title = {"type": "text", "analyzer": "english"}
    ask(url, "PUT", "/plans", {"mappings": {"properties": {"title": title}}})
    ask(url, "PUT", "/plans/_doc/1", {"title": "Waived library fines"})

    starter.kill()
    starter.communicate(timeout=30)
    assert is_gone(url)

    starter, again = by_hand(tmp_path)
    found = ask(again, "POST", "/plans/_search", {"query": {"match": {"title": "waiving libraries"}}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1"]
    with (
        pytest.raises(opensearch.OpenSearchError, match="Another process runs OpenSearch in"),
        opensearch.running(tmp_path, version=NEWEST),
    ):
        pass
    assert ask(again)["version"]["number"] == NEWEST

    starter.terminate()
    starter.communicate(timeout=30)
    assert starter.returncode == 0
    assert is_gone(again)


def test_all_workers_of_a_test_run_share_a_server_that_ends_with_the_killed_run_and_leaves_nothing(
    own_temporary_folder,
):
    notes = own_temporary_folder / "notes"
    notes.mkdir()
    test = own_temporary_folder / "test_shared.py"
    test.write_text(SHARED)
    needless = ["django", "randomly", "cacheprovider", "schemathesis", "hypothesispytest", "anyio", "faker"]
    options = ["-ptests.engines", *(f"-pno:{one}" for one in needless), "-n2", f"--rootdir={test.parent}"]
    options += ["-c/dev/null", str(test)]
    command = f"import pytest, sys; sys.exit(pytest.main({options}))"
    run = python(command, NOTES=str(notes))
    assert locks.wait_until(lambda: len(list(notes.iterdir())) == 4, seconds=120)
    (url,) = {note.read_text() for note in notes.iterdir()}
    assert len({note.name.split("-")[0] for note in notes.iterdir()}) == 2
    assert ask(url)
    (folder,) = own_temporary_folder.glob(f"{engines.TEMPORARY}*")

    os.kill(run.pid, signal.SIGKILL)

    assert is_gone(url)
    kill(run)
    with locks.scratch_folder(engines.TEMPORARY):  # the next run removes what it left
        assert not folder.exists()


def test_versions_that_run_follow_from_the_jdks_found(no_java):
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


def test_a_missing_jdk_is_named_with_what_to_install(no_java, tmp_path):
    fake_jdk(no_java / "java-11", "11.0.2")
    with (
        pytest.raises(opensearch.OpenSearchError, match=r"3\.8\.0 needs a JDK 21 or newer") as error,
        opensearch.temporary("3.8.0"),
    ):
        pass
    assert f"found: Java 11.0.2 in {no_java / 'java-11'}" in str(error.value)
    assert "apt-get install openjdk-17-jdk-headless" in str(error.value)


def test_a_version_nobody_prepared_for_is_refused_by_name(capsys):
    with pytest.raises(
        opensearch.OpenSearchError, match=r"'1\.0' is not known here. Known: 3\.8\.0, 2\.19\.6"
    ):
        jars.prepare("1.0")


def test_missing_maven_is_named_with_what_to_install(no_java, tmp_path, monkeypatch):
    fake_jdk(no_java / "java-21", "21.0.2")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(
        opensearch.OpenSearchError, match=r"Maven .mvn. is not on PATH.*apt-get install maven"
    ):
        jars.prepare("3.8.0")
    assert not list(tmp_path.glob("cache/**/ready"))


@pytest.mark.parametrize(
    ("java", "words"), [(False, "needs a JDK 17 or newer"), (True, "apt-get install maven")]
)
def test_setting_up_ends_in_words_where_something_is_missing_and_cannot_be_installed(
    java, words, no_java, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if java:
        fake_jdk(no_java / "java-21", "21.0.2")
    with pytest.raises(SystemExit, match=words):
        bootstrap.prepare_opensearch(every_version=True)


def test_setting_up_as_root_installs_what_debian_has_and_prepares_what_then_runs(
    no_java, tmp_path, monkeypatch
):
    (tmp_path / "empty" / "apt-get").write_text(APT.format(folder=tmp_path))
    (tmp_path / "empty" / "apt-get").chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    prepared = []
    monkeypatch.setattr(jars, "prepare", lambda version, say: prepared.append(version))
    bootstrap.apt_update.cache_clear()

    bootstrap.prepare_opensearch(every_version=True)

    asked = [line.split()[-1] for line in (tmp_path / "apt.log").read_text().splitlines()]
    assert asked == ["-qq", "openjdk-21-jdk-headless", "openjdk-17-jdk-headless", "maven"]
    assert prepared == ["2.19.6"]


def test_maven_that_cannot_fetch_is_quoted_and_nothing_counts_as_ready(maven, tmp_path):
    (maven / "mvn").write_text(UNREACHABLE)
    with pytest.raises(opensearch.OpenSearchError, match="Connection refused") as error:
        jars.prepare(NEWEST)
    assert "Is a repository reachable" in str(error.value)
    assert not list(tmp_path.glob("cache/**/ready"))


def test_a_preparation_that_was_cut_off_is_done_again_once_for_all_who_wait(maven, tmp_path):
    (maven / "stall").touch()
    first = python(PREPARE, NEWEST)
    assert locks.wait_until(lambda: len(list(tmp_path.glob("cache/**/*.jar"))) >= 3, seconds=30)
    kill(first)
    (maven / "stall").unlink()
    (maven / "calls").unlink()

    two = [python(PREPARE, NEWEST) for _ in range(2)]
    words = [process.communicate(timeout=120)[0] for process in two]

    assert [process.returncode for process in two] == [0, 0], words
    assert (maven / "calls").read_text().count("called") == 1
    (ready,) = tmp_path.glob("cache/**/ready")
    fetched = sorted(jar.name for jar in (ready.parent / "lib").iterdir())
    assert fetched == sorted(jar.name for jar in Path((maven / "from").read_text()).iterdir())
    assert (ready.parent / "archived").read_text().split() == fetched


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_ready_has_an_archive_of_the_classes_of_a_node_that_started_from_it(version):
    ready = Path(jars.prepare(version)[1].removeprefix("@")).parent
    assert (ready / "classes.jsa").stat().st_size > 10_000_000
    assert f"{ready}/classes.jsa" in (ready / "java.args").read_text()


def test_what_nobody_used_for_a_month_is_deleted_and_what_is_used_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, days in {"3.8.0-old": 31, "3.8.0-new": 29, "2.19.6-old": 31}.items():
        ready = jars.cache_folder() / name / "ready"
        ready.parent.mkdir(parents=True)
        ready.touch()
        os.utime(ready, (time.time() - days * 86_400,) * 2)
    jars._delete_unused("3.8.0")
    assert sorted(folder.name for folder in jars.cache_folder().iterdir()) == ["2.19.6-old", "3.8.0-new"]


def test_a_wrong_folder_is_refused_in_words(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["search", str(tmp_path / "file" / "below")]) == 1
    assert "file" in capsys.readouterr().err


def test_no_address_of_a_registry_is_written_down():
    text = (jars.SOURCES / "pom.xml").read_text()
    assert "<repositories>" not in text
    assert "<pluginRepositories>" not in text
    assert shutil.which("mvn")
