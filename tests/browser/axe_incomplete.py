"""What axe cannot decide by itself, and why it is right: all its `incomplete` results that somebody has looked at.

An incomplete result whose rule, obstacle and element are not listed fails the test like a violation. Look at the
element in the page: if it is wrong, put it right; if it is right, add a line here that says why.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Explained(NamedTuple):
    """Elements that match `selector` are right by this rule of axe, which could not tell because of `obstacle`.

    The obstacle is the `messageKey` of axe's check, like "bgImage"; None for a rule without one.
    """

    rule: str
    obstacle: str | None
    selector: str
    why: str


EXPLAINED = [
    Explained(
        "color-contrast", "bgGradient", "select.usa-select",
        "The design system draws the arrow on a transparent gradient; the text is dark on white.",
    ),
    Explained(
        "color-contrast", "bgImage", ".mast *",
        "White on the brand's color, which the theme keeps at 7:1 or more (tests/dashboard/test_theme.py). The pattern is "
        "of thin lines, at most a fifth white; its only solid dot is right of all text.",
    ),
    Explained(
        "color-contrast", "bgOverlap", "body:has(#toast .toast) *",
        "The message at the lower edge lies over what happens to be there, and scrolls away from it.",
    ),
    Explained(
        "color-contrast", "bgOverlap", ".card-logo text",
        "The initials lie on the square of the same drawing, which has the jurisdiction's color; the text is white or dark, "
        "whichever is readable on it.",
    ),
    Explained(
        "color-contrast", "shortTextContent", "td, .stat strong, .sbar b, .pips li, .chart text, .card-logo text",
        "A number of one digit: text, in the color of the longer ones next to it.",
    ),
    Explained(
        "color-contrast", "imgNode", ".chart text",
        "Text of a chart, in the colors of other text on the page's white; axe takes the drawing around it for a picture.",
    ),
    Explained(
        "color-contrast", "bgGradient", ".pips .is-overdue",
        "Dark red on a hatching of white and light red: 6:1 on the darkest of its lines.",
    ),
    Explained(
        "color-contrast", "elmPartiallyObscured", ".scroll th, .scroll td",
        "A wide table scrolls in its own region: its edge, and the row's name that stays, cut cells off until then.",
    ),
    Explained(
        "color-contrast", "pseudoContent", ".path a",
        "The pseudo element is the dot of the stage on its line, beside or above the text.",
    ),
    Explained(
        "th-has-data-cells", None, "table:not(:has(td))",
        "The demo's list of people has no rows until the sample cohort is loaded.",
    ),
]  # fmt: skip


def explanations() -> list[dict[str, Any]]:
    """The list as the page's script reads it."""
    return [explained._asdict() for explained in EXPLAINED]
