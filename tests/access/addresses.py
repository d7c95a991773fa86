"""All addresses of a host, read from its URLconf."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RegexPattern

CITY, ALLIANCE = "config.urls_city", "config.urls_alliance"
THIRD_PARTY = ("wagtail", "allauth", "django")  # packages whose addresses follow common rules


@dataclass(frozen=True)
class Address:
    """One URL pattern of one view."""

    name: str  # like "dashboard:home"; the route if it has no name
    route: str  # "plan/actions/<slug:code>/"
    is_regex: bool
    view: Callable[..., Any]
    pattern: URLPattern

    @property
    def is_own(self) -> bool:
        """True for views of this project."""
        return self.view.__module__.partition(".")[0] not in THIRD_PARTY

    @property
    def needs(self) -> list[str]:
        """Names of the URL arguments; "0", "1" … for unnamed ones."""
        if not self.is_regex:
            return re.findall(r"<(?:\w+:)?(\w+)>", self.route)
        named = re.findall(r"\(\?P<(\w+)>", self.route)
        return named or [str(number) for number in range(re.compile(self.route).groups)]

    def path(self, values: Mapping[str, Any] | None = None) -> str:
        """Return the path with these values; sample values for missing ones."""
        values = values or {}
        if self.is_regex:
            route = re.sub(r"\(\?:[^()]*\)", "", self.route)  # non-capturing groups
            filled = re.sub(r"\(\?P<(\w+)>[^()]*\)", lambda match: str(values.get(match[1], "1")), route)
            return "/" + re.sub(r"\((?:[^()]|\([^()]*\))*\)", "1", filled).replace("^", "").replace(
                "\\", ""
            ).rstrip("$")

        def value(match: re.Match[str]) -> str:
            return str(values.get(match[2], SAMPLES[match[1] or "str"]))

        return "/" + re.sub(r"<(?:(\w+):)?(\w+)>", value, self.route).replace("^", "")


SAMPLES = {"int": "1", "str": "1", "slug": "x", "path": "x", "uuid": "00000000-0000-4000-8000-000000000001"}


def addresses(urlconf: str) -> list[Address]:
    """All addresses of a URLconf, in order."""
    return list(_walk(get_resolver(urlconf).url_patterns, "", ""))


def _walk(patterns: list[Any], prefix: str, namespace: str) -> Iterator[Address]:
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            name = f"{namespace}{entry.name}" if entry.name else route
            yield Address(name, route, isinstance(entry.pattern, RegexPattern), entry.callback, entry)
        else:
            yield from _walk(
                entry.url_patterns, route, namespace + (f"{entry.namespace}:" if entry.namespace else "")
            )
