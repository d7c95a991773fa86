"""Labels in front of goals, outcomes and actions: "Goal 1: …", "A. …", "1.1 …"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tenants.plans.spreadsheets.text import collapse_whitespace

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
ORDINAL = rf"(?:\d{{1,3}}(?:\.\d{{1,3}})*[a-z]?|[a-z](?:[.-]?\d{{1,2}})?|[ivx]{{1,5}}|{COUNT_WORDS})"
WORD_LABEL = re.compile(
    rf"(?P<label>(?P<word>{GOAL_WORDS}|{STRATEGY_WORDS}|{OUTCOME_WORDS}|{ACTION_WORDS})\s*(?:no\.?|number|"
    rf"\#)?\s*"
    rf"(?P<ordinal>{ORDINAL}))(?P<gap>\s*[:.)\u2013\u2014|-]+\s*|\s+|$)(?P<title>.*)",
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


@dataclass(frozen=True, slots=True)
class LabeledTitle:
    """A heading, split into label and title.

    `kind` is the kind of label: "goal", "strategy", "outcome", "action" (a word), "number1" to "number4" (by depth),
    "letter", "roman", "mixed" ("A1", "1a"), or "plain" without a label.
    """

    label: str | None
    title: str
    kind: str


def parse_label(text: str) -> LabeledTitle:
    """Split a heading: "Goal 1: Fair streets" is ("Goal 1", "Fair streets", "goal"), "A. Open doors" ("A", …)."""
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
        # "12 contracts split" and "2.5 million trees" have no label; "1.1 Fair hiring" and "12. Fair hiring" have.
        has_separator = bool(match["gap"].strip())
        if has_separator or depth > 2 or (depth == 2 and match["title"][0].isupper()):
            return LabeledTitle(match["label"], match["title"], f"number{min(depth, 4)}")
    match = MIXED_LABEL.fullmatch(text)
    if match and (
        match["gap"].strip() or (match["title"][0].isupper() and re.search(r"[A-Za-z]", match["label"]))
    ):
        return LabeledTitle(match["label"], match["title"], "mixed")
    return LabeledTitle(None, text, "plain")


def _is_label(match: re.Match[str]) -> bool:
    """Whether the words in front are a label.

    "Goal 1 Fair streets" has one; "Actions a city can take" and "Parks I like" would need a separator.
    """
    ordinal, separator = match["ordinal"], match["gap"].strip()
    if separator or not match["title"]:
        return True
    return (
        ordinal[0].isdigit()
        or ordinal.lower() in COUNT_WORDS.split("|")
        or (ordinal.isupper() and ordinal not in ("A", "I"))
    )


def _kind_of_word(word: str) -> str:
    for kind, pattern in (("goal", GOAL_WORDS), ("strategy", STRATEGY_WORDS), ("outcome", OUTCOME_WORDS)):
        if re.fullmatch(pattern, word, re.IGNORECASE):
            return kind
    return "action"


def format_label(label: str | None, title: str) -> str:
    """Join a label and a title so that, where possible, `parse_label` splits them in the same way."""
    if not label:
        return title
    if not title:
        return label
    if re.search(r"[A-Za-z]{2}", label) and not re.fullmatch(r"[IVX]+", label):
        return f"{label}: {title}"
    return f"{label}. {title}"
