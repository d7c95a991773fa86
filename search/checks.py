"""System checks of the settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from search.backends.engine.client import ENGINES, EngineUrl


@register
def check_engine_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Errors in the settings of the search engine; it is not asked."""
    if not settings.SEARCH_URL:
        return []
    messages: list[CheckMessage] = []
    try:
        EngineUrl.parse(settings.SEARCH_URL)
    except ValueError:  # the URL is not quoted: it may contain a password
        hint = "Write it like https://name:password@search.example.org:9200."
        messages.append(Error("SEARCH_URL is no address of a server.", hint=hint, id="search.E001"))
    if settings.SEARCH_FAMILY not in ENGINES:
        hint = f"Write {' or '.join(ENGINES)}."
        messages.append(Error(f"SEARCH_FAMILY is {settings.SEARCH_FAMILY!r}.", hint=hint, id="search.E002"))
    if not re.fullmatch(r"[a-z][a-z0-9]{0,39}(-[a-z0-9]+)*", settings.SEARCH_PREFIX):
        hint = "Write small letters, digits and single dashes, and begin with a letter."
        messages.append(Error(f"SEARCH_PREFIX is {settings.SEARCH_PREFIX!r}.", hint=hint, id="search.E003"))
    if settings.SEARCH_CA_FILE and not Path(settings.SEARCH_CA_FILE).is_file():
        hint = "Name a file of certificates, or leave it empty."
        messages.append(
            Error(f"SEARCH_CA_FILE is {settings.SEARCH_CA_FILE!r}, no file.", hint=hint, id="search.E004")
        )
    return messages
