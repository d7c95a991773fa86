from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register
def no_engine_yet(**_kwargs: Any) -> list[CheckMessage]:
    """Say plainly that a search engine that was named is not asked."""
    if not settings.SEARCH_URL:
        return []
    return [
        Warning(
            "SEARCH_URL is set, but this version searches with PostgreSQL only.",
            hint="Leave SEARCH_URL empty.",
            id="search.W001",
        )
    ]
