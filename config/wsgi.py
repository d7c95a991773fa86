"""WSGI entry point for gunicorn."""

import contextlib
import os

from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

application = get_wsgi_application()

# The first connection rejects a pooler that would mix up cities: do that at startup, not on a visitor's request.
with contextlib.suppress(OperationalError):  # an unavailable database may come back
    connection.ensure_connection()
connection.close()
