"""WSGI entry point for gunicorn."""

import contextlib
import os

from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

application = get_wsgi_application()

# The first connection refuses a pooler that would mix up cities; better now than on a visitor's page.
with contextlib.suppress(OperationalError):  # a database that is away may come back
    connection.ensure_connection()
connection.close()
