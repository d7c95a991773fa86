"""Text of cells: whitespace, control characters, bullets, and markers for "nothing"."""

from __future__ import annotations

import re

MAX_CELL_CHARACTERS = 32_767  # of one cell in Excel

CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
BULLET = re.compile(
    r"\s*(?:[\u2022\u25e6\u25aa\u25cf\u2023\u25a0\u25cb\u2043\u27a2\uf0b7]+\s*|"
    r"[*\u00b7\u2013\u2014>o-]\s+|\(?\d{1,2}[.)]\s+|\(?[a-z][.)]\s+)"
)
EMPTY_MARKERS = re.compile(
    r"\s*(?:[-\u2010-\u2015_.\u2026]+|n\s?/?\s?a\.?|none|nil|not applicable)\s*", re.IGNORECASE
)


def clean_text(text: str) -> str:
    """The text with line feeds as its only line breaks and without control characters."""
    return CONTROL_CHARACTERS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def collapse_whitespace(text: str) -> str:
    """The text on one line: each run of blanks and line breaks becomes one blank."""
    return " ".join(text.split())


def strip_bullet(line: str) -> str:
    """The line without a bullet or number in front. A line that is only a bullet stays."""
    match = BULLET.match(line)
    rest = line[match.end() :] if match else line
    return rest.strip() or line.strip()


def parse_list(text: str) -> list[str]:
    """The filled lines of a cell, without bullets and numbers in front."""
    return [strip_bullet(line) for line in text.split("\n") if line.strip() and not is_empty_marker(line)]


def is_empty_marker(text: str) -> bool:
    """Whether a text only stands for an empty cell: "-", "n/a", "None"."""
    return bool(EMPTY_MARKERS.fullmatch(text))
