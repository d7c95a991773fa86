"""The words that cities use for the status and the stage of an action."""

from __future__ import annotations

import re

STATUS_WORDS: tuple[tuple[str, str], ...] = (
    ("not_started",
        r"not (?:yet )?(?:started|begun|commenced|initiated)|no (?:action|progress)|planned|planning|"
        r"pending|upcoming|"
                    r"to ?do|to be started|future|proposed|scheduled|yet to (?:start|begin)|new|0 ?%"),
    ("off_track",
        r"off[- ]?track|behind(?: schedule)?|overdue|late\b|stalled|stuck|red\b|blocked|not on track|"
        r"missed"),
    ("at_risk",
        r"at[- ]?risk|delay(?:ed|s)?|yellow\b|amber\b|some (?:concerns?|issues?)|needs? attention|"
        r"slow(?:ed|ing)?|caution"),
    ("on_hold", r"on[- ]?hold|paused?|deferred|postponed|suspended|inactive|tabled"),
    ("cancelled", r"cancell?ed|dropped|discontinued|removed|withdrawn|abandoned|no longer|stopped|retired"),
    ("merged", r"merged|combined|consolidated|folded into|moved (?:in)?to"),
    ("completed",
        r"completed?\b|done|achieved|finished|accomplished|implemented|closed|met\b|fulfilled|100 ?%|fully"),
    ("on_track",
        r"on[- ]?track|on (?:schedule|target)|in[- ]?(?:progress|process|development|motion)|on-?\s?going|"
        r"under ?way|started|"
                 r"begun|active|continu(?:ing|ous|al)|green\b|moving|advancing|working|partial(?:ly)?|"
                 r"initiated|launched|"
                 r"mostly|nearly|some progress|[1-9]\d? ?%|advanced|implementing|operational|in place"),
)  # fmt: skip
STATUS_PATTERNS = tuple(
    (code, re.compile(rf"(?:{pattern})", re.IGNORECASE)) for code, pattern in STATUS_WORDS
)
MAX_SEARCHED_LENGTH = 40  # in longer texts only the first words count
ONGOING_STATUS = re.compile(r"on-?\s?going\b", re.IGNORECASE)


def parse_status(text: str) -> str | None:
    """The portal's status for a city's words ("In Progress" is on_track); None for unknown words."""
    text = re.sub(r"[^\w\s%/-]", " ", text.replace("_", " ")).strip()
    for code, pattern in STATUS_PATTERNS:
        if pattern.match(text):
            return code
    if len(text) <= MAX_SEARCHED_LENGTH:  # "Project completed", "Status: on hold"
        for code, pattern in STATUS_PATTERNS:
            if re.search(rf"\b{pattern.pattern}", text, re.IGNORECASE):
                return code
    return None


def parse_stage(text: str) -> str | None:
    """The portal's stage for "Normalize", "Organizing" or "OP": normalize, organize, operationalize; else None."""
    text = text.strip().lower().replace("s", "z")
    for code in ("normalize", "organize", "operationalize"):
        if text.startswith(code[:-1]):
            return code
    return {
        "n": "normalize",
        "norm": "normalize",
        "org": "organize",
        "op": "operationalize",
        "oper": "operationalize",
    }.get(text)
