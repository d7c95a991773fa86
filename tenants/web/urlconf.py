"""Facts read from the URLconfs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from django.urls import URLPattern, URLResolver, get_resolver


@cache
def get_top_level_names(urlconf: str) -> frozenset[str]:
    """First path segments of all URL patterns: {"plan", "sign-in", "brand.css"}. A segment that varies has no name."""
    routes = _routes(get_resolver(urlconf).url_patterns)
    segments = (re.match(r"\^?((?:[\w.-]|\\[.-])*)", route) for route in routes)
    return frozenset(segment[1].replace("\\", "") for segment in segments if segment and segment[1])


def _routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    """The routes and regular expressions of the patterns, with included ones as far as the first segment needs them."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and "/" not in route:
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route
