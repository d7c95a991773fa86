"""What axe cannot decide by itself, and why it is right: all its `incomplete` results that somebody has looked at.

An incomplete result whose rule and element are not listed fails the test like a violation. Look at the element in the
page: if it is wrong, put it right; if it is right, add a line here that says why.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Explained(NamedTuple):
    """Elements that match `selector` are right by this rule of axe, for the reason `why`."""

    rule: str
    selector: str
    why: str


EXPLAINED: list[Explained] = []


def explanations() -> list[dict[str, Any]]:
    """The list as the page's script reads it."""
    return [explained._asdict() for explained in EXPLAINED]
