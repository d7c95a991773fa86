"""Contrast of two colors, as WCAG 2 defines it."""

from __future__ import annotations

RGB = tuple[int, int, int]
WHITE: RGB = (255, 255, 255)


def parse_hex_color(text: str) -> RGB:
    """Red, green and blue of a hex color: (13, 82, 87) for "#0d5257"."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def contrast_ratio(first: RGB, second: RGB) -> float:
    """Contrast ratio of two colors, from 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: RGB) -> float:
    channels = [value / 255 for value in color]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
