"""The department that a sheet belongs to, by the titles above its table or by its name."""

from __future__ import annotations

import re

from tenants.plans.spreadsheets.text import collapse_whitespace

MAX_DEPARTMENT_LENGTH = 160
GENERIC_SHEET_NAME = re.compile(
    r"(?:sheet|tab|table|page|plan|action|goal|reap|gare|racial|equity|data|export|draft|final|main|"
    r"master|\W|\d|s\b|of)+",
    re.IGNORECASE,
)
PLAN_TITLE_WORDS = re.compile(
    r"\b(plan|phase|version|draft|updated?|fy ?\d\d|20\d\d|goals?|actions?|racial|equity)\b", re.IGNORECASE
)
DEPARTMENT_WORDS = re.compile(
    r"\b(department|dept|office|division|bureau|library|agency|district|authority|court|commission|"
    r"services?)\b",
    re.IGNORECASE,
)
DEPARTMENT_LABEL = re.compile(
    r"(?:department|office|division|agency|bureau)(?: name)?\s*:\s*(\S.*)", re.IGNORECASE
)
TITLE_SEPARATOR = re.compile(r"\s+[-\u2013\u2014|]\s+|\s*:\s+|\n")


def is_generic(sheet_name: str) -> bool:
    """Whether a sheet's name says nothing about a department: "Sheet1", "Action plan"."""
    return bool(GENERIC_SHEET_NAME.fullmatch(sheet_name))


def department_in_title(text: str, *, sheet_name: str, is_one_of_many: bool) -> str | None:
    """The department in "Department: Fire" or, where a file has several plans, in one piece of a title.

    "Tallow County - Department of Public Health - Action Plan" names the Department of Public Health.
    """
    match = DEPARTMENT_LABEL.fullmatch(collapse_whitespace(text))
    if match:
        return match[1][:MAX_DEPARTMENT_LENGTH]
    pieces = [piece.strip() for piece in TITLE_SEPARATOR.split(text) if piece.strip()]
    if not is_one_of_many or len(pieces) < 2:
        return None
    sheet_words = _long_words(sheet_name)
    scored = []
    for piece in pieces:
        shared = len(sheet_words & _long_words(piece))
        score = (
            3 * shared + 2 * bool(DEPARTMENT_WORDS.search(piece)) - 3 * bool(PLAN_TITLE_WORDS.search(piece))
        )
        scored.append((score, piece))
    best_score, best = max(scored, key=lambda item: item[0])
    return best[:MAX_DEPARTMENT_LENGTH] if best_score > 0 else None


def _long_words(text: str) -> set[str]:
    return set(re.findall(r"\w{3,}", text.lower()))
