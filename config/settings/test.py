"""Settings of the test run: the same portal, with cheap passwords, mail in memory and files in a folder of its own."""

import atexit
import contextlib
import os
from pathlib import Path

from embedded import locks, postgres

BASE = Path(__file__).resolve().parents[2]
_starter = os.getpid()

_until_exit = contextlib.ExitStack()


@atexit.register
def _clean_up() -> None:
    if os.getpid() == _starter:  # a forked child's exit takes nothing away from its parent
        _until_exit.close()


if not os.environ.get("DATABASE_URL"):
    _server = postgres.for_tests(BASE / "var" / "test-postgres")
    os.environ["DATABASE_URL"] = _until_exit.enter_context(_server).url

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("ALLIANCE_NAME", "Common Table")
os.environ.setdefault("PORTAL_SCHEME", "http")
os.environ.setdefault("SESSION_COOKIE_NAME", "portal")
os.environ.setdefault("CSRF_COOKIE_NAME", "csrf")
os.environ.setdefault("API_REQUESTS_PER_MINUTE", "0")  # the tests of the limit set one
# Each test process has its own; after one that was killed the next cleans up.
os.environ["PORTAL_VAR_DIR"] = str(_until_exit.enter_context(locks.scratch_folder("cohort-portal-var-")))
# A server that a browser test starts shows the same files.
os.environ["MEDIA_ROOT"] = os.environ.get("PORTAL_TEST_MEDIA_DIR") or os.environ["PORTAL_VAR_DIR"] + "/media"

from config.settings.base import *  # noqa: E402, F403
from config.settings.base import MAIL_DIR, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A server that a browser test starts is another process: its mail has to be where the test can read it.
MAIL_DIR = Path(os.environ.get("PORTAL_TEST_MAIL_DIR") or MAIL_DIR)
EMAIL_FILE_PATH = MAIL_DIR
if not os.environ.get("PORTAL_TEST_MAIL_DIR"):
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True  # looks a file up when it is asked for, not all of them for every test client
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
HOST_CACHE_SECONDS = 0  # a test sees what it has just written
