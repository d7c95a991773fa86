"""The stylesheet of a city's theme: its colors, with enough contrast to be readable, and its pattern."""

from __future__ import annotations

import re

from django.contrib.staticfiles.storage import staticfiles_storage

from tenants.models import Jurisdiction
from tenants.web.contrast import RGB, WHITE, contrast_ratio, parse_hex_color

BLACK, INK = (0, 0, 0), (25, 34, 46)
# The alliance's colors; also used in place of a value that is not a color.
DEFAULT_BRAND, DEFAULT_ACCENT = "#2a2f66", "#f2b632"
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_PATTERN = re.compile(r"[a-z0-9-]{1,20}")


def stylesheet(jurisdiction: Jurisdiction) -> str:
    """`:root { --brand: …; --brand-deep: …; --brand-tint: …; --accent: …; --pattern: …; }`"""
    brand = parse_hex_color(readable_brand_color(jurisdiction))
    accent = _ensure_contrast(_parse_color(jurisdiction.accent_color, DEFAULT_ACCENT), INK, at_least=7)
    lines = {
        "brand": _hex(brand),
        "brand-deep": _hex(_mix(brand, BLACK, 0.28)),
        "brand-tint": _hex(_mix(brand, WHITE, 0.92)),
        "accent": _hex(accent),
        "pattern": _pattern_url(jurisdiction.pattern),
    }
    return ":root {\n" + "".join(f"  --{name}: {value};\n" for name, value in lines.items()) + "}\n"


def readable_brand_color(jurisdiction: Jurisdiction) -> str:
    """The brand color as its own pages have it: dark enough for white text on it."""
    brand = _parse_color(jurisdiction.brand_color, DEFAULT_BRAND)
    return _hex(_ensure_contrast(brand, WHITE, at_least=7))


def _ensure_contrast(color: RGB, other: RGB, *, at_least: float) -> RGB:
    """The color, or the nearest darker (or lighter) one whose contrast ratio to `other` is `at_least`."""
    toward = BLACK if other == WHITE else WHITE
    for step in range(21):
        candidate = _mix(color, toward, step / 20)
        if contrast_ratio(candidate, other) >= at_least:
            return candidate
    return toward


def _pattern_url(name: str) -> str:
    if not _PATTERN.fullmatch(name):
        return "none"
    try:
        return f'url("{staticfiles_storage.url(f"img/patterns/{name}.svg")}")'
    except ValueError:  # the manifest has no such file
        return "none"


def _parse_color(text: str, fallback: str) -> RGB:
    return parse_hex_color(text if _COLOR.fullmatch(text) else fallback)


def _hex(color: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _mix(color: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue
