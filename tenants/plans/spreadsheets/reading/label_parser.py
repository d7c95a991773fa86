"""Labels in front of goals, outcomes and actions, bullets in front of lines, and the words for status and
stage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GOAL_WORDS = (
    r"(?:strategic\s+|racial\s+equity\s+|equity\s+|overarching\s+|citywide\s+|plan\s+)?"
    r"(?:goals?|priority\s+areas?|priority|priorities|focus\s+areas?|action\s+areas?|areas?|themes?|"
    r"pillars?|sections?|"
    r"domains?|commitments?|directions?|parts?|chapters?)"
)
STRATEGY_WORDS = r"(?:strategy|strategies|sub-?goals?)"
OUTCOME_WORDS = r"(?:(?:desired\s+|community\s+|intended\s+)?(?:outcomes?|results?|objectives?))"
ACTION_WORDS = (
    r"(?:actions?(?:\s+(?:items?|steps?))?|activity|activities|tasks?|recommendations?|initiatives?|steps?)"
)
COUNT_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
LABEL_NUMBER = rf"(?:\d{{1,3}}(?:\.\d{{1,3}})*[a-z]?|[a-z](?:[.-]?\d{{1,2}})?|[ivx]{{1,5}}|{COUNT_WORDS})"
WORD_LABEL = re.compile(
    rf"(?P<label>(?P<word>{GOAL_WORDS}|{STRATEGY_WORDS}|{OUTCOME_WORDS}|{ACTION_WORDS})\s*(?:no\.?|number|"
    rf"\#)?\s*"
    rf"(?P<mark>{LABEL_NUMBER}))(?P<gap>\s*[:.)\u2013\u2014|-]+\s*|\s+|$)(?P<title>.*)",
    re.IGNORECASE | re.DOTALL,
)
UNNUMBERED_LABEL = re.compile(
    rf"(?P<label>{GOAL_WORDS}|{STRATEGY_WORDS}|{OUTCOME_WORDS})\s*:\s*(?P<title>.*)",
    re.IGNORECASE | re.DOTALL,
)
NUMBER_LABEL = re.compile(
    r"(?P<label>\d{1,3}(?:\.\d{1,3})*)(?P<gap>[.:)]+\s*[\u2013\u2014-]?\s*|\s+[\u2013\u2014-]\s+|"
    r"\s+)(?P<title>\S.*)",
    re.DOTALL,
)
LETTER_LABEL = re.compile(
    r"(?P<label>[A-Za-z])(?:[.:)]+\s*[\u2013\u2014-]?\s*|\s+[\u2013\u2014-]\s+)(?P<title>\S.*)", re.DOTALL
)
ROMAN_LABEL = re.compile(
    r"(?P<label>[IVX]{1,5})(?:[.:)]+\s*[\u2013\u2014-]?\s*|\s+[\u2013\u2014-]\s+)(?P<title>\S.*)", re.DOTALL
)
MIXED_LABEL = re.compile(
    r"(?P<label>[A-Z][.-]?\d{1,2}(?:\.\d{1,2})*|"
    r"\d{1,2}[.-]?[A-Za-z](?:\.?\d{1,2})*)(?P<gap>[.:)]+\s*[\u2013\u2014-]?\s*|\s+[\u2013\u2014-]\s+|\s+)"
    r"(?P<title>\S.*)",
    re.DOTALL,
)
BULLET = re.compile(
    r"\s*(?:[\u2022\u25e6\u25aa\u25cf\u2023\u25a0\u25cb\u2043\u27a2\uf0b7]+\s*|"
    r"[*\u00b7\u2013\u2014>o-]\s+|\(?\d{1,2}[.)]\s+|\(?[a-z][.)]\s+)"
)
EMPTY_MARKERS = re.compile(
    r"\s*(?:[-\u2010-\u2015_.\u2026]+|n\s?/?\s?a\.?|none|nil|not applicable)\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class LabeledTitle:
    """A heading taken apart.

    `kind` says what the label looks like: "goal", "strategy", "outcome", "action" (a word),
    "number1" to "number4" (by depth), "letter", "roman", "mixed" ("A1", "1a"), or "plain" without a label."""

    label: str | None
    title: str
    kind: str


def collapse_whitespace(text: str) -> str:
    """One line: blanks and line breaks in a row become one blank."""
    return " ".join(text.split())


def parse_label(text: str) -> LabeledTitle:
    """Take `text` apart: "Goal 1: Fair streets" is ("Goal 1", "Fair streets", "goal"), "A. Open doors"
    ("A", …).
    """
    text = collapse_whitespace(text)
    match = WORD_LABEL.fullmatch(text)
    if match and _is_label(match):
        return LabeledTitle(match["label"].strip(), match["title"].strip(), _kind_of_word(match["word"]))
    match = UNNUMBERED_LABEL.fullmatch(text)
    if match:
        return LabeledTitle(match["label"], match["title"].strip(), _kind_of_word(match["label"]))
    match = ROMAN_LABEL.fullmatch(text)
    if match and len(match["label"]) > 1:
        return LabeledTitle(match["label"], match["title"], "roman")
    match = LETTER_LABEL.fullmatch(text)
    if match:
        return LabeledTitle(match["label"], match["title"], "letter")
    match = NUMBER_LABEL.fullmatch(text)
    if match:
        depth = match["label"].count(".") + 1
        # "12 contracts split" and "2.5 million trees" are no labels; "1.1 Fair hiring" and "12. Fair
        # hiring" are.
        is_spaced = not match["gap"].strip()
        if not is_spaced or depth > 2 or (depth == 2 and match["title"][0].isupper()):
            return LabeledTitle(match["label"], match["title"], f"number{min(depth, 4)}")
    match = MIXED_LABEL.fullmatch(text)
    if match and (
        match["gap"].strip() or (match["title"][0].isupper() and re.search(r"[A-Za-z]", match["label"]))
    ):
        return LabeledTitle(match["label"], match["title"], "mixed")
    return LabeledTitle(None, text, "plain")


def _is_label(match: re.Match[str]) -> bool:
    """ "Goal 1 Fair streets" has a label; "Actions a city can take", "Area I" and "Parks I like" need a
    mark to be sure.
    """
    mark, gap = match["mark"], match["gap"].strip()
    if gap or not match["title"]:
        return True
    return (
        mark[0].isdigit()
        or mark.lower() in COUNT_WORDS.split("|")
        or (mark.isupper() and mark not in ("A", "I"))
    )


def _kind_of_word(word: str) -> str:
    for kind, pattern in (("goal", GOAL_WORDS), ("strategy", STRATEGY_WORDS), ("outcome", OUTCOME_WORDS)):
        if re.fullmatch(pattern, word, re.IGNORECASE):
            return kind
    return "action"


def format_label(label: str | None, title: str) -> str:
    """Put a heading together again, so that `read_label` takes it apart the same way where it can."""
    if not label:
        return title
    if not title:
        return label
    if re.search(r"[A-Za-z]{2}", label) and not re.fullmatch(r"[IVX]+", label):
        return f"{label}: {title}"
    return f"{label}. {title}"


def strip_bullet(line: str) -> str:
    match = BULLET.match(line)
    rest = line[match.end() :] if match else line
    return rest.strip() or line.strip()


def parse_list(text: str) -> list[str]:
    """The filled lines of a cell without bullets and numbers in front."""
    return [strip_bullet(line) for line in text.split("\n") if line.strip() and not is_empty_marker(line)]


def is_empty_marker(text: str) -> bool:
    """Whether a cell only says that there is nothing: "-", "n/a", "None"."""
    return bool(EMPTY_MARKERS.fullmatch(text))


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
ONGOING_STATUS = re.compile(r"on-?\s?going\b", re.IGNORECASE)


def parse_status(text: str) -> str | None:
    """The portal's code for a status word ("In Progress" is on_track); None for words it does not know."""
    plain = re.sub(r"[^\w\s%/-]", " ", text.replace("_", " ")).strip()
    for code, pattern in STATUS_PATTERNS:
        if pattern.match(plain):
            return code
    if len(plain) <= 40:  # "Project completed", "Status: on hold"
        for code, pattern in STATUS_PATTERNS:
            if re.search(rf"\b{pattern.pattern}", plain, re.IGNORECASE):
                return code
    return None


def parse_stage(text: str) -> str | None:
    """ "Normalize", "Organizing" or "OP" as normalize, organize, operationalize; None for anything else."""
    plain = text.strip().lower().replace("s", "z")
    for code in ("normalize", "organize", "operationalize"):
        if plain.startswith(code[:-1]):
            return code
    return {
        "n": "normalize",
        "norm": "normalize",
        "org": "organize",
        "op": "operationalize",
        "oper": "operationalize",
    }.get(plain)
