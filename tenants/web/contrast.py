"""How well two colors can be told apart."""

from __future__ import annotations

RGB = tuple[int, int, int]
WHITE: RGB = (255, 255, 255)


def parse_hex_color(text: str) -> RGB:
    """ "#0d5257" as (13, 82, 87)."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def contrast_ratio(one: RGB, other: RGB) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: RGB) -> float:
    parts = [value / 255 for value in color]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
