"""What a server and a worker import before their first answer: imported by the process they are forked from."""

from django.conf import settings
from django.urls import get_resolver

import config.wsgi  # noqa: F401
from tenants import jobs

jobs.load()
for urls in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
    assert get_resolver(urls).url_patterns
