"""Settings of the test run: fast password hashing, email in memory, and files in a temporary folder."""

import atexit
import contextlib
import os
from pathlib import Path

from embedded import locks, postgres

BASE = Path(__file__).resolve().parents[2]
_main_pid = os.getpid()

_exit_stack = contextlib.ExitStack()


@atexit.register
def _clean_up() -> None:
    if os.getpid() == _main_pid:  # the exit of a forked child must not clean up for its parent
        _exit_stack.close()


if not os.environ.get("DATABASE_URL"):
    _server = postgres.for_tests(BASE / "var" / "test-postgres")
    os.environ["DATABASE_URL"] = _exit_stack.enter_context(_server).url

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("ALLIANCE_NAME", "Common Table")
os.environ.setdefault("PORTAL_SCHEME", "http")
os.environ.setdefault("SESSION_COOKIE_NAME", "portal")
os.environ.setdefault("CSRF_COOKIE_NAME", "csrf")
os.environ.setdefault("SECURITY_CONTACT", "mailto:security@alliance.example")
os.environ.setdefault("API_REQUESTS_PER_MINUTE", "0")  # the tests of the rate limit set one
# A folder for each test process; that of a killed process is removed by the next one.
os.environ["PORTAL_VAR_DIR"] = str(_exit_stack.enter_context(locks.scratch_folder("cohort-portal-var-")))
# A server that a browser test starts serves the same files.
os.environ["MEDIA_ROOT"] = os.environ.get("PORTAL_TEST_MEDIA_DIR") or os.environ["PORTAL_VAR_DIR"] + "/media"

from config.settings.base import *  # noqa: E402, F403
from config.settings.base import MAIL_DIR, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A server that a browser test starts is another process: it writes its email where the test can read it.
MAIL_DIR = Path(os.environ.get("PORTAL_TEST_MAIL_DIR") or MAIL_DIR)
EMAIL_FILE_PATH = MAIL_DIR
if not os.environ.get("PORTAL_TEST_MAIL_DIR"):
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True  # finds a file when it is requested, not all files for every test client
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
HOST_CACHE_SECONDS = 0  # a test sees its own writes at once
