"""Facts read from the URLconfs, and paths on a city's host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse


def city_path(name: str, *args: Any) -> str:
    """Path of a URL name on a city's host, whichever host is active. Cached, for the rows of long lists."""
    return _reverse(name, settings.ROOT_URLCONF, args)


@lru_cache(4096)
def _reverse(name: str, urlconf: str, args: tuple[Any, ...]) -> str:
    return reverse(name, urlconf, args)


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
