"""Translation of messages, the only thing that spreadsheets take from Django."""

from __future__ import annotations

from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured
from django.utils import translation


def gettext(text: str) -> str:
    """Translate `text`; without a configured Django (a script, a plain test) it stays English."""
    try:
        return translation.gettext(text)
    except (AppRegistryNotReady, ImproperlyConfigured):
        return text
