"""What a server and a worker need before their first answer: imported by the process they are forked from."""

from __future__ import annotations

from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver

import config.wsgi  # noqa: F401
from tenants import jobs
from tests.databases import ROOT

jobs.load()
for urls in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
    assert get_resolver(urls).url_patterns
for folder in [ROOT / "templates", *ROOT.glob("[a-z]*/templates"), *ROOT.glob("[a-z]*/[a-z]*/templates")]:
    for file in folder.rglob("*.html"):
        get_template(str(file.relative_to(folder)))
