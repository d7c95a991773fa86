"""The backend that the settings name."""

from __future__ import annotations

from django.conf import settings

from search.backends.postgres import PostgresBackend
from search.types import SearchBackend


def get_backend() -> SearchBackend:
    """PostgreSQL, or the search engine of SEARCH_URL with PostgreSQL as its fallback."""
    if not settings.SEARCH_URL:
        return PostgresBackend()
    # Imported here: without a search engine its libraries are not loaded.
    from search.backends.engine.client import get_client
    from search.backends.fallback import FallbackBackend

    return FallbackBackend(get_client(), PostgresBackend())
