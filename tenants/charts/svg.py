"""SVG elements as text. Colors and fonts are classes of the stylesheet, because pages allow no style of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Point = tuple[float, float]


def element(name: str, content: str = "", **attributes: str | float) -> SafeString:
    """<name attribute="…">content</name>, escaped. `css` is the class; "_" in a name is "-": text_anchor."""
    pairs = [
        ("class" if key == "css" else key.replace("_", "-"), _number(value))
        for key, value in attributes.items()
        if value != ""
    ]
    names = format_html_join("", ' {}="{}"', pairs)
    return format_html("<{}{}>{}</{}>", SafeString(name), names, content, SafeString(name))


def chart(
    title: str, description: str, parts: Iterable[SafeString], *, width: int, height: int
) -> SafeString:
    """A whole chart: one picture with its title and description for screen readers."""
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        width,
        height,
        f"{title}. {description}",
        element("title", title),
        element("desc", description),
        SafeString("".join(parts)),
    )


def path(points: Iterable[Point]) -> str:
    """The points as the data of a path: "M34 200L57.3 187"."""
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def stepped(points: list[Point]) -> list[Point]:
    """The points of a step line: it stays at its height until the next point, and jumps there."""
    steps = points[:1]
    for (_x, before), (x, y) in itertools.pairwise(points):
        steps += [(x, before), (x, y)]
    return steps


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
