"""Settings of the test run: the same portal, with cheap passwords, mail in memory and files in a folder of its own."""

import atexit
import contextlib
import os
import tempfile
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]

if not os.environ.get("DATABASE_URL"):
    from embedded import postgres

    _server = contextlib.ExitStack()
    os.environ["DATABASE_URL"] = _server.enter_context(postgres.for_tests(BASE / "var" / "test-postgres")).url
    atexit.register(_server.close)

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("ALLIANCE_NAME", "Common Table")
os.environ.setdefault("PORTAL_SCHEME", "http")
os.environ.setdefault("SESSION_COOKIE_NAME", "portal")
os.environ.setdefault("CSRF_COOKIE_NAME", "csrf")
os.environ["PORTAL_VAR_DIR"] = tempfile.mkdtemp(prefix="portal-test-")
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
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
HOSTS_RECHECK_SECONDS = 0  # a test sees what it has just written
