"""Set up a checkout, with only Python's standard library: .venv from the lock file, and var/dev.env.

    python3 config/bootstrap.py            what the portal needs
    python3 config/bootstrap.py --search   also OpenSearch, for `make demo SEARCH=opensearch`
    python3 config/bootstrap.py --tests    also what its tests need: OpenSearch and Chromium

Safe to repeat: what exists already is left alone.
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
SECURITY_CONTACT=mailto:security@portal.example
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
    """Create .venv and install the lock file's packages, unless this version of it is installed already."""
    installed_file = VENV / f"{lock.stem}.installed"
    lock_hash = hashlib.sha256(lock.read_bytes()).hexdigest()
    if installed_file.exists() and installed_file.read_text() == lock_hash:
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
    installed_file.write_text(lock_hash)


def install_lock(lock: Path, count: int) -> None:
    """Run pip with a progress line; print the end of its output if it fails."""
    command = [VENV / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-color"]
    command += ["--progress-bar", "off", "--require-hashes", "-r", lock]
    output: list[str] = []
    collected = 0
    with subprocess.Popen(
        [str(argument) for argument in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    ) as pip:
        for line in pip.stdout or ():
            output.append(line)
            if line.startswith(("Collecting", "Requirement already satisfied")):
                collected += 1
                if sys.stdout.isatty():
                    print(f"\r  {collected} of {count}", end="", flush=True)
                elif collected % 25 == 0:
                    log(f"  {collected} of {count}")
            elif line.startswith("Installing collected"):
                log("\n  all here, unpacking …" if sys.stdout.isatty() else "  all here, unpacking …")
    if pip.returncode:
        sys.exit(
            "".join(output[-40:])
            + f"\npip could not install {lock.name}. Is a package index reachable from here?"
        )


def compile_packages() -> None:
    """Compile the packages once, if pip was configured not to: otherwise every start of Python takes seconds longer."""
    site_packages = next((VENV / "lib").glob("python*/site-packages"))
    command = [str(VENV / "bin" / "python"), "-m", "compileall", "-q", "-j", "0", str(site_packages)]
    # Some packages contain templates of code, which do not compile.
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def prepare_opensearch(*, every_version: bool) -> None:
    """Prepare the OpenSearch versions that run here; install a JDK and Maven if missing. Exits on failure."""
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
            jars.prepare(version, log=log)
    except jars.OpenSearchError as error:
        sys.exit(str(error))


# The headless shell opens a page with half the work of the full browser.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")


def find_browser() -> str | None:
    """The path of a Chromium: PORTAL_CHROMIUM, or the first of BROWSERS on PATH."""
    return os.environ.get("PORTAL_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def ensure_chromium() -> None:
    """Install Chromium if missing: from Debian as root, otherwise Playwright's. Exits on failure."""
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
    subprocess.run(["apt-get", "update", "-qq"], stdout=subprocess.DEVNULL)


def apt_install(package: str) -> bool:
    """Install a Debian package; True if it succeeded, False also without root."""
    if not can_use_apt():
        return False
    apt_update()
    log(f"Installing {package} from Debian …")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    if result.returncode:
        log(f"  {result.stderr.strip().splitlines()[-1] if result.stderr.strip() else 'it failed.'}")
    return result.returncode == 0


if __name__ == "__main__":
    main()
