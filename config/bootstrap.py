"""Set up a checkout with nothing but Python's standard library: .venv from the pinned lock, and var/dev.env.

    python3 config/bootstrap.py            what the portal needs
    python3 config/bootstrap.py --tests    and what its tests need, Chromium too

Safe to repeat: what is there already is left as it is.
"""

from __future__ import annotations

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
    environment(ROOT / "requirements" / ("test.txt" if tests else "portal.txt"))
    VAR.mkdir(exist_ok=True)
    if not (VAR / "dev.env").exists():
        (VAR / "dev.env").write_text(DEV_ENV.format(secret=secrets.token_urlsafe(48)), encoding="utf-8")
        say("Wrote var/dev.env.")
    if tests:
        chromium()


def say(text: str) -> None:
    print(text, flush=True)


def environment(lock: Path) -> None:
    """Make .venv and install the lock's packages, unless this very lock (or the larger one) is in it."""
    stamp = VENV / f"{lock.stem}.installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not (VENV / "bin" / "python").exists():
        if importlib.util.find_spec("ensurepip") is None:
            sys.exit("Python's venv module is incomplete here. On Debian: apt-get install python3-venv")
        say("Making the virtual environment in .venv …")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    count = sum("==" in line for line in lock.read_text().splitlines())
    say(f"Installing {count} pinned packages, which takes a minute or two the first time …")
    install(lock, count)
    stamp.write_text(wanted)


def install(lock: Path, count: int) -> None:
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
                    say(f"  {seen} of {count}")
            elif line.startswith("Installing collected"):
                say("\n  all here, unpacking …" if sys.stdout.isatty() else "  all here, unpacking …")
    if pip.returncode:
        sys.exit(
            "".join(output[-40:])
            + f"\npip could not install {lock.name}. Is a package index reachable from here?"
        )


def chromium() -> None:
    """Find Chromium, or install it: from Debian when root, otherwise Playwright's own. Never goes on without."""
    if os.environ.get("PORTAL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser"):
        return
    say("Chromium is missing; installing it …")
    if os.geteuid() == 0 and shutil.which("apt-get"):
        tried = [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if all(subprocess.run(part, env=quiet, stdout=subprocess.DEVNULL).returncode == 0 for part in tried):
            return
        sys.exit(
            "apt-get could not install chromium. Install it by hand, or set PORTAL_CHROMIUM to a Chromium or Chrome."
        )
    if subprocess.run([VENV / "bin" / "python", "-m", "playwright", "install", "chromium"]).returncode:
        sys.exit(
            "Playwright could not fetch Chromium. Install Debian's chromium, or set PORTAL_CHROMIUM to a Chromium or Chrome."
        )


if __name__ == "__main__":
    main()
