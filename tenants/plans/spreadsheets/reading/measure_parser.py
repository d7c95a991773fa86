"""Performance measures: one on each line, of the kind how much, how well or better off."""

from __future__ import annotations

import re

from tenants.plans.spreadsheets.text import is_empty_marker, strip_bullet

KIND_PREFIX = re.compile(
    r"\s*(?:(?P<how_much>how much(?: did we do)?)|(?P<how_well>how well(?: did we do(?: it)?)?)|"
    r"(?P<better_off>(?:is |are )?(?:anyone |people )?better[ -]off))\s*\??\s*(?::|"
    r"\s[\u2013\u2014-]\s)\s*(?P<text>.*\S)\s*",
    re.IGNORECASE,
)
UNSORTED_PREFIX = re.compile(r"\s*measure\s*:\s*(?P<text>.*\S)\s*", re.IGNORECASE)
COUNT_WORDS = (
    r"\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|"
    r"all|at least \d+|"
    r"(?:the )?(?:total )?(?:number|count|amount) of|# of|total|how many"
)
COUNT_START = re.compile(rf"(?:{COUNT_WORDS})\b", re.IGNORECASE)
BETTER_OFF = re.compile(
    r"\bby (?:[\w-]+ )?(?:race|group|tract|area|neighborhood|zip|branch|ethnicity|income|district|gender|"
    r"origin|ward)\b|"
    r"\b(?:people|residents?|staff|workers?|employees|applicants?|students|families|households|firms|"
    r"businesses|vendors|youth|owners?|"
    r"patients?|tenants?|clients?|renters) of color\b|\b(?:black|hispanic|latin\w|asian|indigenous|"
    r"native american|white|bipoc)\b|"
    r"\bdifference (?:in|between)\b|\bgaps?\b|\bdisparit|\bcompared with\b|\bper (?:1,?000|10,?000|"
    r"100,?000|100|resident|household|owner|person|capita)\b|"
    r"\b(?:years?|months?) (?:later|after)\b|\bwho (?:feel|go from|are hired|got hired|keep|stay|move)|"
    r"\bsafer?\b|\bagain\b|\bbecause of\b|\bled to\b|"
    r"\bwithout (?:a|an|any|force|removal|losing)\b|\bpoorest\b|\bfrom (?:the )?(?:\w+ )?(?:zip|tracts?|"
    r"neighborhoods?)\b|\bmost (?:blocked|affected|burdened)\b|"
    r"\bhired\b|\bpromot(?:ed|ions?)\b|\bden(?:ied|ials)\b|\bwon by\b|\bfirst[- ]time\b|\bstill in\b|"
    r"\bwithin (?:a|two|three|five|\w+) years?\b|"
    r"\bincrease[sd]? in\b|\bdecrease[sd]? in\b|\breduc(?:ed|tion)\b|\bfewer\b|\bimproved?\b|"
    r"\bgraduation\b|\bhomeownership\b|\bwealth\b|"
    r"\bbenefits\b|\bhelped in\b|\bcrash(?:es)?\b|\bdays to close\b|\btree cover\b|\blow[- ]income\b|"
    r"\bfamilies (?:with|who|still)\b|\boutcomes? for\b",
    re.IGNORECASE,
)  # fmt: skip
HOW_WELL = re.compile(
    r"\(target\b|\bshare of\b|\bpercent(?:age)? of\b|%|\brate of\b|\bproportion\b|\bwithin (?:\d+|"
    r"\w+) (?:days?|hours?|minutes?|weeks?)\b|"
    r"\battendance\b|\bsatisf|\bquality\b|\bwho (?:say|said|finish|complete|can|would|report|got|name|"
    r"approve|lead|rate|understand)\b|\bcomplete(?:ness)?\b|"
    r"\bdays (?:from|to)\b|\bminutes\b|\brecorded\b|\bon time\b|\bknown\b|\bnamed\b|\bchecked\b|\bbelow\b|"
    r"\babove\b|\baccura|\bapprov|"
    r"\bat least\b|\bamong the\b|\balive\b|\breached\b|\bwith a (?:source|known)|\bwith an answer\b|"
    r"\brated?\b|\brating\b|\btimel|\breview score|"
    r"\byearly summary\b|\bfollow\b|\bmeets? (?:the )?standard|\bscores?\b|\bconfidence\b|\bknowledge\b|"
    r"\bconsisten|\bwith such\b|\bsay\b",
    re.IGNORECASE,
)  # fmt: skip
STRONG_BETTER_OFF = re.compile(
    r"\bby (?:[\w-]+ )?(?:race|group|neighborhood|tract|ethnicity)\b|\bof color\b|\bdifference (?:in|"
    r"between)\b|\bgaps?\b|\bdisparit|\bcompared with\b|"
    r"\bwho feel\b|\b(?:black|hispanic|latin\w|indigenous)\b",
    re.IGNORECASE,
)


def parse_measures(text: str) -> list[tuple[str, str | None]]:
    """The measures of a cell as (text, kind). The kind is a guess where the author did not write it."""
    measures: list[tuple[str, str | None]] = []
    for line in text.split("\n"):
        if not line.strip() or is_empty_marker(line):
            continue
        measures.append(parse_measure(strip_bullet(line)))
    return measures


def parse_measure(line: str, *, is_export: bool = False) -> tuple[str, str | None]:
    """One line as (text, kind). In our own export "Measure:" marks one without a kind."""
    match = KIND_PREFIX.fullmatch(line)
    if match:
        return match["text"], _kind_of_prefix(match)
    match = UNSORTED_PREFIX.fullmatch(line) if is_export else None
    if match:
        return match["text"], None
    line = strip_bullet(line)
    return line, guess_measure_kind(line)


def _kind_of_prefix(match: re.Match[str]) -> str:
    return next(kind for kind in ("how_much", "how_well", "better_off") if match[kind])


def guess_measure_kind(text: str) -> str:
    """The kind of a measure, by its words: "how_much", "how_well" or "better_off". A person can correct the guess."""
    if COUNT_START.match(text) and not STRONG_BETTER_OFF.search(text):
        return "how_much"
    if STRONG_BETTER_OFF.search(text):
        return "better_off"
    if re.search(r"\(target\b|\bshare of\b|\bpercent", text, re.IGNORECASE):
        return "how_well"
    if BETTER_OFF.search(text):
        return "better_off"
    if HOW_WELL.search(text):
        return "how_well"
    return "how_much"
