"""Every address that a host answers, read from its URLconf."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RegexPattern

CITY, ALLIANCE = "config.urls_city", "config.urls_alliance"
OTHERS = ("wagtail", "allauth", "django")  # whose addresses follow a rule for all of them


@dataclass(frozen=True)
class Address:
    """One way to one view."""

    name: str  # "dashboard:home"; its route where it has none
    route: str  # "plan/actions/<slug:code>/"
    is_regex: bool
    view: Callable[..., Any]
    pattern: URLPattern

    @property
    def is_own(self) -> bool:
        """True for what this project serves itself."""
        return self.view.__module__.partition(".")[0] not in OTHERS

    @property
    def needs(self) -> list[str]:
        """The names of its arguments; "0", "1" … for those without one."""
        if not self.is_regex:
            return re.findall(r"<(?:\w+:)?(\w+)>", self.route)
        named = re.findall(r"\(\?P<(\w+)>", self.route)
        return named or [str(number) for number in range(re.compile(self.route).groups)]

    def path(self, values: Mapping[str, Any] | None = None) -> str:
        """The address with these values in it; any value does where none is given."""
        values = values or {}
        if self.is_regex:
            route = re.sub(r"\(\?:[^()]*\)", "", self.route)  # what does not stand for a value
            found = re.sub(r"\(\?P<(\w+)>[^()]*\)", lambda part: str(values.get(part[1], "1")), route)
            return "/" + re.sub(r"\((?:[^()]|\([^()]*\))*\)", "1", found).replace("^", "").replace(
                "\\", ""
            ).rstrip("$")

        def value(part: re.Match[str]) -> str:
            return str(values.get(part[2], SAMPLES[part[1] or "str"]))

        return "/" + re.sub(r"<(?:(\w+):)?(\w+)>", value, self.route).replace("^", "")


SAMPLES = {"int": "1", "str": "1", "slug": "x", "path": "x", "uuid": "00000000-0000-4000-8000-000000000001"}


def addresses(urlconf: str) -> list[Address]:
    """All addresses of a URLconf, in their order."""
    return list(_walk(get_resolver(urlconf).url_patterns, "", ""))


def _walk(patterns: list[Any], before: str, namespace: str) -> Iterator[Address]:
    for part in patterns:
        route = before + str(part.pattern)
        if isinstance(part, URLPattern):
            name = f"{namespace}{part.name}" if part.name else route
            yield Address(name, route, isinstance(part.pattern, RegexPattern), part.callback, part)
        else:
            yield from _walk(
                part.url_patterns, route, namespace + (f"{part.namespace}:" if part.namespace else "")
            )
