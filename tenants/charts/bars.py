"""The widths of bars as classes, `u-3` of `t-35`, because pages allow no style of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MAX_UNITS = 100  # the stylesheet has the classes u-1 to u-100 and t-1 to t-100
NARROW, SLIM = 0.06, 0.12  # shares below which a word stands upright: always, and on tablets


def units(count: int, whole: int) -> int:
    """The width of `count` in units of a bar of `whole`: the count itself, in a larger bar its percents, at least 1."""
    if whole <= MAX_UNITS or not count:
        return count
    return max(1, round(MAX_UNITS * count / whole))


def segments(parts: Sequence[dict[str, Any]], whole: int) -> list[dict[str, Any]]:
    """The parts that are not empty, with "units", "is_narrow" and "is_slim". `parts` have a "count".

    One with "is_alone" is neither: the stylesheet keeps it wide enough for its word.
    """
    return [
        part
        | {
            "units": units(part["count"], whole),
            "is_narrow": part["count"] < NARROW * whole and not part.get("is_alone"),
            "is_slim": NARROW * whole <= part["count"] < SLIM * whole and not part.get("is_alone"),
        }
        for part in parts
        if part["count"]
    ]
