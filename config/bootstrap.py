"""Set up a checkout with nothing but Python's standard library: .venv from the pinned lock, and var/dev.env.

    python3 config/bootstrap.py            what the portal needs
    python3 config/bootstrap.py --search   and OpenSearch, for `make demo SEARCH=opensearch`
    python3 config/bootstrap.py --tests    and what its tests need: OpenSearch and Chromium too

Safe to repeat: what is there already is left as it is.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
VAR = ROOT / "var"

DEV_ENV = """\
# Settings of this checkout for trying the portal out. Described in docs/settings.md. Never use them in production.
SECRET_KEY={secret}
PORTAL_DEMO=1
ALLIANCE_NAME=Common Table (Sample)
PORTAL_SCHEME=http
PORTAL_PORT=8000
SESSION_COOKIE_NAME=portal
CSRF_COOKIE_NAME=csrf
BEHIND_TLS_PROXY=0
"""


def main() -> None:
    tests = "--tests" in sys.argv[1:]
    if sys.version_info < (3, 11):
        sys.exit(
            f"This is Python {sys.version.split()[0]}; the portal needs 3.11 or newer. Try: make PYTHON=python3.11 …"
        )
    create_environment(ROOT / "requirements" / ("test.txt" if tests else "portal.txt"))
    VAR.mkdir(exist_ok=True)
    if not (VAR / "dev.env").exists():
        (VAR / "dev.env").write_text(DEV_ENV.format(secret=secrets.token_urlsafe(48)), encoding="utf-8")
        log("Wrote var/dev.env.")
    if tests or "--search" in sys.argv[1:]:
        prepare_opensearch(every_version=tests)
    if tests:
        ensure_chromium()


def log(text: str) -> None:
    print(text, flush=True)


def create_environment(lock: Path) -> None:
    """Make .venv and install the lock's packages, unless this very lock (or the larger one) is in it."""
    stamp = VENV / f"{lock.stem}.installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not (VENV / "bin" / "python").exists():
        if importlib.util.find_spec("ensurepip") is None:
            sys.exit("Python's venv module is incomplete here. On Debian: apt-get install python3-venv")
        log("Making the virtual environment in .venv …")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    count = sum("==" in line for line in lock.read_text().splitlines())
    log(f"Installing {count} pinned packages, which takes a minute or two the first time …")
    install_lock(lock, count)
    compile_packages()
    stamp.write_text(wanted)


def install_lock(lock: Path, count: int) -> None:
    """Run pip with a line of progress; its whole output is shown where it fails."""
    command = [VENV / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-color"]
    command += ["--progress-bar", "off", "--require-hashes", "-r", lock]
    output: list[str] = []
    seen = 0
    with subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    ) as pip:
        for line in pip.stdout or ():
            output.append(line)
            if line.startswith(("Collecting", "Requirement already satisfied")):
                seen += 1
                if sys.stdout.isatty():
                    print(f"\r  {seen} of {count}", end="", flush=True)
                elif seen % 25 == 0:
                    log(f"  {seen} of {count}")
            elif line.startswith("Installing collected"):
                log("\n  all here, unpacking …" if sys.stdout.isatty() else "  all here, unpacking …")
    if pip.returncode:
        sys.exit(
            "".join(output[-40:])
            + f"\npip could not install {lock.name}. Is a package index reachable from here?"
        )


def compile_packages() -> None:
    """Once and for all, where pip was told not to: otherwise every start of Python would take seconds for it."""
    found = next((VENV / "lib").glob("python*/site-packages"))
    command = [str(VENV / "bin" / "python"), "-m", "compileall", "-q", "-j", "0", str(found)]
    silent = subprocess.DEVNULL  # some packages hold templates of code
    subprocess.run(command, stdout=silent, stderr=silent)


def prepare_opensearch(*, every_version: bool) -> None:
    """Make the versions that run here ready, with a JDK and Maven found or installed. Never goes on without."""
    sys.path.insert(0, str(ROOT))
    from embedded import jars

    if not jars.runnable_versions():
        log(f"A JDK {jars.MIN_JAVA_VERSION} or newer is missing; it runs OpenSearch.")
        any(
            apt_install(f"openjdk-{java}-jdk-headless")
            for java in sorted(set(jars.VERSIONS.values()), reverse=True)
        )
    if not shutil.which("mvn"):
        log("Maven is missing; it fetches OpenSearch.")
        apt_install("maven")
    versions = jars.runnable_versions() or [jars.newest_runnable_version()]
    try:
        for version in versions if every_version else versions[:1]:
            jars.prepare(version, say=log)
    except jars.OpenSearchError as error:
        sys.exit(str(error))


# A browser without windows opens a page with half the work of one that has them.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")


def find_browser() -> str | None:
    """The program of a Chromium: PORTAL_CHROMIUM, or the first of BROWSERS on PATH."""
    return os.environ.get("PORTAL_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def ensure_chromium() -> None:
    """Find Chromium, or install it: from Debian when root, otherwise Playwright's own. Never goes on without."""
    if find_browser():
        return
    log("Chromium is missing.")
    remedy = "set PORTAL_CHROMIUM to a Chromium or Chrome."
    if can_use_apt():
        if not any(map(apt_install, BROWSERS[:2])):
            sys.exit(f"apt-get could not install chromium. Install it by hand, or {remedy}")
    elif subprocess.run([VENV / "bin" / "python", "-m", "playwright", "install", "chromium"]).returncode:
        sys.exit(f"Playwright could not fetch Chromium. Install Debian's chromium, or {remedy}")


def can_use_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


@functools.cache
def apt_update() -> None:
    """Once is enough."""
    subprocess.run(["apt-get", "update", "-qq"], stdout=subprocess.DEVNULL)


def apt_install(package: str) -> bool:
    """Whether Debian's package could be installed; False at once for who is not root."""
    if not can_use_apt():
        return False
    apt_update()
    log(f"Installing {package} from Debian …")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    done = subprocess.run(command, env=quiet, capture_output=True, text=True)
    if done.returncode:
        log(f"  {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'it failed.'}")
    return done.returncode == 0


if __name__ == "__main__":
    main()
