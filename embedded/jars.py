"""OpenSearch's jars, prepared to run: finds JDKs, fetches jars by Maven, compiles the launcher.

The result is cached for all checkouts of a user, in ~/.cache/cohort-portal/opensearch (or XDG_CACHE_HOME's):
120 MB for both versions, independent of the checkout, and built in half a minute.

    3.8.0-1f2e3d4c5b6a/     one version on one JDK, with a hash of everything it was built from
        lib/*.jar           OpenSearch and its dependencies
        classes/            the launcher, see embedded/java
        classes.jsa         loaded classes as the JVM maps them: starts take half as long
        java.args           the JVM's arguments
        ready               written last; without it the folder is built again
    3.8.0.lock              held while it is built

Maven's own settings (mirror, proxy, local repository) count; none are given here. Standard library only.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded import locks

# Newest first, with the oldest Java that runs it.
VERSIONS = {"3.8.0": 21, "2.19.6": 17}
MIN_JAVA_VERSION = min(VERSIONS.values())
SOURCES = Path(__file__).parent / "java"
SYSTEM_JDKS = "/usr/lib/jvm/*"
MAX_UNUSED_DAYS = 30

INSTALL_JDK = (
    "Install one (on Debian: apt-get install openjdk-17-jdk-headless) or name its folder in JAVA_HOME."
)
INSTALL_MAVEN = (
    "Maven (mvn) is not on PATH; it fetches OpenSearch's jars. Install it (on Debian: apt-get install maven)."
)

Reporter = Callable[[str], None]


class OpenSearchError(RuntimeError):
    """The server cannot do what the caller needs. The message names the folder or version and a remedy."""


def silent(_text: str) -> None:
    pass


# --- Java ------------------------------------------------------------------------


@dataclass(frozen=True)
class Jdk:
    """An installed Java with its compiler."""

    home: Path
    version: str  # "17.0.15"

    @property
    def feature(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        return str(self.home / "bin" / name)


def find_jdks() -> list[Jdk]:
    """Every JDK in JAVA_HOME, on PATH and in /usr/lib/jvm, oldest first. A Java without javac does not count."""
    candidates = [os.environ.get("JAVA_HOME", ""), *sorted(glob.glob(SYSTEM_JDKS))]
    if on_path := shutil.which("javac"):
        candidates.insert(1, str(Path(on_path).resolve().parents[1]))
    jdks: dict[Path, Jdk] = {}
    for home in (Path(candidate).resolve() for candidate in candidates if candidate):
        if home not in jdks and (home / "bin" / "javac").exists() and (version := _java_version(home)):
            jdks[home] = Jdk(home=home, version=version)
    return sorted(jdks.values(), key=lambda jdk: jdk.feature)  # stable: JAVA_HOME first among equals


def _java_version(home: Path) -> str | None:
    """The version in the JDK's release file; None for Java 8 and older, which has another format."""
    with contextlib.suppress(OSError):
        match = re.search(r'^JAVA_VERSION="(\d+[\d.]*)', (home / "release").read_text(), re.MULTILINE)
        return match and match.group(1)
    return None


def runnable_versions() -> list[str]:
    """The OpenSearch versions that a JDK found here can run, newest first: ["3.8.0", "2.19.6"], ["2.19.6"] or []."""
    newest = max((jdk.feature for jdk in find_jdks()), default=0)
    return [version for version, java in VERSIONS.items() if newest >= java]


def newest_runnable_version() -> str:
    """The newest version that runs here; where none does, the oldest one: preparing it reports what is missing."""
    return (runnable_versions() or list(VERSIONS)[-1:])[0]


def jdk_for(version: str) -> Jdk:
    """The oldest JDK that runs this version: the closest to the one it was built for. Raises OpenSearchError."""
    if version not in VERSIONS:
        raise OpenSearchError(f"OpenSearch {version!r} is not supported. Supported: {', '.join(VERSIONS)}.")
    jdks = find_jdks()
    matching = [jdk for jdk in jdks if jdk.feature >= VERSIONS[version]]
    if not matching:
        installed = ", ".join(f"Java {jdk.version} in {jdk.home}" for jdk in jdks) or "none"
        raise OpenSearchError(
            f"OpenSearch {version} needs a JDK {VERSIONS[version]} or newer, with javac; found: {installed}. {INSTALL_JDK}"
        )
    return matching[0]


# --- Preparing -------------------------------------------------------------------


def prepare(version: str, *, log: Reporter = silent) -> list[str]:
    """The command that starts a node of this version, without its folder and settings.

    Fetches and compiles what is missing; of two calls at once, one works and the other waits.
    `log` gets a line at the start, one when it waits, and one at the end. Raises OpenSearchError.
    """
    jdk = jdk_for(version)
    folder = cache_folder() / f"{version}-{_fingerprint(jdk)}"
    if not (folder / "ready").exists():
        with _explain_file_errors(folder), _preparation_lock(version, log=log):
            if not (folder / "ready").exists():
                _build(folder, jdk=jdk, version=version, log=log)
    with contextlib.suppress(PermissionError):  # another user's, and ready to use
        (folder / "ready").touch()
    return [jdk.program("java"), f"@{folder / 'java.args'}", "SearchNode"]


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cohort-portal" / "opensearch"


def _fingerprint(jdk: Jdk) -> str:
    digest = hashlib.sha256(f"{jdk.home} {jdk.version} {_jvm_options(jdk)}".encode())
    for file in sorted(SOURCES.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def _explain_file_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError into an OpenSearchError."""
    try:
        yield
    except OSError as error:
        raise OpenSearchError(
            f"OpenSearch cannot be prepared in {folder}: {error.strerror} ({error.filename}). "
            "Make room there, or name a folder you may write in XDG_CACHE_HOME."
        ) from error


@contextlib.contextmanager
def _preparation_lock(version: str, *, log: Reporter) -> Iterator[None]:
    """Wait until no other process prepares this version."""
    locks.make_folder(cache_folder())
    lock = cache_folder() / f"{version}.lock"
    if locks.is_held(lock):
        log(f"Waiting for another process that prepares OpenSearch {version} …")
    with locks.acquire(lock):
        yield


def _build(folder: Path, *, jdk: Jdk, version: str, log: Reporter) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise OpenSearchError(INSTALL_MAVEN)
    log(f"Fetching OpenSearch {version} by Maven, about 70 MB the first time …")
    started = time.monotonic()
    _delete_unused(version)
    shutil.rmtree(folder, ignore_errors=True)  # left by a preparation that was cut off
    (folder / "classes").mkdir(parents=True)
    shutil.copy(SOURCES / "log4j2.properties", folder / "classes")
    _fetch(maven, folder, jdk=jdk, version=version, log=log)
    _run_checked(
        f"The launcher does not compile for OpenSearch {version}",
        [jdk.program("javac"), "-nowarn", "-cp", f"{folder}/lib/*", "-d", f"{folder}/classes"],
        str(SOURCES / "SearchNode.java"),
    )
    # An archive of classes works with jars only.
    _run_checked(
        "jar failed", [jdk.program("jar"), "-cf", f"{folder}/node.jar", "-C", f"{folder}/classes", "."]
    )
    _write_arguments(folder, jdk=jdk)
    _archive_classes(folder, jdk=jdk)
    (folder / "ready").touch()
    _chown_to_owner(folder)
    log(f"  OpenSearch {version} is ready after {time.monotonic() - started:.0f} s.")


def _fetch(maven: str, folder: Path, *, jdk: Jdk, version: str, log: Reporter) -> None:
    """Fetch the jars into lib/, with their checksums verified; `log` counts the downloads in steps of 50."""
    command = [maven, "-B", "--strict-checksums", "-f", str(SOURCES / "pom.xml")]
    command += ["dependency:copy-dependencies", f"-Dopensearch.version={version}", "-DincludeScope=runtime"]
    command += [f"-DoutputDirectory={folder / 'lib'}"]
    environment = {"JAVA_HOME": str(jdk.home)} | os.environ
    output: list[str] = []
    downloads = 0
    with subprocess.Popen(
        command, cwd=SOURCES, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            output.append(line)
            if "Downloaded" in line:
                downloads += 1
                if downloads % 50 == 0:
                    log(f"  {downloads} files")
    if process.returncode:
        raise OpenSearchError(
            f"Maven could not fetch OpenSearch {version}. Its output ends with:\n{_maven_errors(output)}\n"
            "Is a repository reachable by your Maven settings? Try again; the files fetched so far are kept."
        )


def _maven_errors(output: list[str]) -> str:
    """Maven's errors, or its last lines where it reports none."""
    errors = [line.rstrip() for line in output if "ERROR" in line]
    return "\n".join(errors[:4] or [line.rstrip() for line in output[-10:]])


def _run_checked(failure: str, command: list[str], *more: str) -> None:
    completed = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    if completed.returncode:
        raise OpenSearchError(f"{failure}:\n{(completed.stdout + completed.stderr).strip()[-2000:]}")


def _jvm_options(jdk: Jdk) -> list[str]:
    """JVM options for a small node on a developer's machine: little memory, quick starts."""
    options = [
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
    ]
    options += ["-Xshare:auto", "-Xlog:disable", "-Dlog4j2.disable.jmx=true"]
    if jdk.feature >= 24:
        options += ["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]
    return options


def _write_arguments(folder: Path, *, jdk: Jdk) -> None:
    # Complete and sorted: an archive of classes is valid only for the exact class path it was made with.
    path = ":".join(str(jar) for jar in (folder / "node.jar", *sorted((folder / "lib").glob("*.jar"))))
    arguments = [*_jvm_options(jdk), f'-XX:SharedArchiveFile="{folder}/classes.jsa"', f'-cp "{path}"']
    (folder / "java.args").write_text("\n".join(arguments) + "\n")


def _archive_classes(folder: Path, *, jdk: Jdk) -> None:
    """Run a node once and save its classes as the JVM maps them. Without the archive, starts are only slower."""
    arguments = (
        (folder / "java.args").read_text().replace("-XX:SharedArchiveFile", "-XX:ArchiveClassesAtExit")
    )
    (folder / "archive.args").write_text(arguments)
    home = folder / "home"
    home.mkdir()
    command = [jdk.program("java"), "-Xmx512m", f"@{folder / 'archive.args'}", "SearchNode", str(home)]
    with (
        (folder / "archive.log").open("wb") as archive_log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=archive_log, stderr=archive_log) as node,
    ):
        locks.wait_until(lambda: (home / "http.address").exists() or node.poll() is not None, seconds=120)
        if node.stdin:
            node.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            node.wait(60)
        node.kill()
    shutil.rmtree(home, ignore_errors=True)


def _delete_unused(version: str) -> None:
    """Delete builds of this version with earlier launchers and JDKs that were not used for a month."""
    for folder in cache_folder().glob(f"{version}-*"):
        ready = folder / "ready"
        if not ready.exists() or time.time() - ready.stat().st_mtime > MAX_UNUSED_DAYS * 86_400:
            shutil.rmtree(folder, ignore_errors=True)


def _chown_to_owner(folder: Path) -> None:
    """Give what root made in a user's folder to that user."""
    locks.chown_like_parent(folder)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            locks.chown_like_parent(Path(parent) / name)
