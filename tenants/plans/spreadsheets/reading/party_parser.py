"""The parties accountable for an action: several names in a cell, "Lead:" and "Support:", vacant positions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tenants.plans.spreadsheets.model import DateConventions
from tenants.plans.spreadsheets.reading.date_parser import parse_date
from tenants.plans.spreadsheets.text import collapse_whitespace, is_empty_marker, strip_bullet

ORG_WORDS = (
    r"(?:\s+(?:agency|agencies|departments?|depts?\.?|staff|persons?|people|division|office|team|party|"
    r"parties|partners?|roles?|entity|org(?:anization)?s?))?"
)
LEAD = (
    rf"(?:co-?leads?|leads?{ORG_WORDS}|owners?|accountable{ORG_WORDS}|responsible{ORG_WORDS}|primary{ORG_WORDS}|champion|"
    rf"answers?)"
)
SUPPORT = (
    rf"(?:support(?:s|ing|ed by)?{ORG_WORDS}|(?:key |community |other )?partners?|secondary{ORG_WORDS}|"
    rf"collaborat(?:ors?|ing){ORG_WORDS}|consult(?:ed|ing)?{ORG_WORDS}|assist(?:s|ing|ed by)?{ORG_WORDS}|helps?|with)"
)
ROLE_PREFIX = re.compile(rf"\s*(?:(?P<lead>{LEAD})|(?P<support>{SUPPORT}))\s*:\s*(?P<rest>.*)", re.IGNORECASE)
ROLE_SUFFIX = re.compile(
    rf"(?P<name>.*\S)\s*\((?:(?P<lead>{LEAD})|(?P<support>{SUPPORT}))\)\s*", re.IGNORECASE
)
VACANT = re.compile(r"\bvacan(?:t|cy)\b", re.IGNORECASE)
UNDECIDED = re.compile(
    r"(?:tbd|tba|to be (?:determined|decided|assigned|named|hired|announced|confirmed)|unassigned|unknown|"
    r"\?+|not (?:yet )?(?:set|assigned|known))\.?",
    re.IGNORECASE,
)
# Plain blanks only: our own export puts no-break spaces into a name that is one party.
AND = re.compile(r" +and +", re.IGNORECASE)
COMMA = re.compile(r", +(?:and +)?", re.IGNORECASE)
SLASH = re.compile(r" +/ +")
AMPERSAND = re.compile(r" +& +")


@dataclass(slots=True)
class Parties:
    """The names of one cell before any "A and B" is split. `vacant` is the text that says the lead is vacant."""

    leads: list[str] = field(default_factory=list)
    supports: list[str] = field(default_factory=list)
    vacant: str | None = None


def parse_parties(text: str, *, are_support: bool = False) -> Parties:
    """The parties of one cell, separated by semicolons or line breaks."""
    parties = Parties()
    names: list[tuple[str, str]] = []  # with "lead", "support" or ""
    side = "support" if are_support else ""
    for line in text.split("\n"):
        match = ROLE_PREFIX.fullmatch(line)
        if match:
            side, line = ("lead" if match["lead"] else "support"), match["rest"]
        for segment in line.split(";"):
            name = strip_bullet(segment)
            inner = ROLE_PREFIX.fullmatch(name)  # "Lead: A; Support: B" on one line
            if inner:
                side, name = ("lead" if inner["lead"] else "support"), inner["rest"].strip()
            if name and not is_empty_marker(name):
                suffix = ROLE_SUFFIX.fullmatch(name)
                if suffix:
                    names.append((suffix["name"], "lead" if suffix["lead"] else "support"))
                else:
                    names.append((name, side))
    has_named_lead = any(name_side == "lead" for _name, name_side in names)
    for name, name_side in names:
        is_lead = name_side == "lead" or (not name_side and not (has_named_lead and ROLE_SUFFIX.search(text)))
        if is_lead and VACANT.search(name):
            parties.vacant = name
        elif UNDECIDED.fullmatch(name):
            continue
        else:
            (parties.leads if is_lead else parties.supports).append(name)
    return parties


def parse_vacant_since(text: str, date_conventions: DateConventions) -> str | None:
    """The date in "VACANT since March 2026": "2026-03", a day as "2026-03-15", a year as "2026"; None without one."""
    span = parse_date(text, date_conventions)
    if span is None:
        return None
    length = {"day": 10, "month": 7, "quarter": 7, "year": 4}[span.precision]
    return span.first.isoformat()[:length]


def format_vacant_since(since: str) -> str:
    """The text that `parse_vacant_since` reads as this date: "VACANT since 2026-03"."""
    return f"VACANT since {since}"


def name_key(name: str) -> str:
    """The name as it is compared: without differences of case and whitespace."""
    return collapse_whitespace(name).casefold()


def find_standalone_names(cells: Iterable[Parties]) -> set[str]:
    """The keys of names that are alone in some cell of the column, or between commas in two cells; in any sheet."""
    standalone_names: set[str] = set()
    pieces_of_lists: Counter[str] = Counter()
    for cell in cells:
        for name in {*cell.leads, *cell.supports}:
            standalone_names.add(name_key(name))
            pieces = COMMA.split(name)
            if len(pieces) > 1:
                pieces_of_lists.update({name_key(piece) for piece in pieces})
    standalone_names |= {name for name, count in pieces_of_lists.items() if count > 1}
    return standalone_names


def split_names(text: str, standalone_names: set[str]) -> list[str]:
    """One party or several: "A and B", "A, B" and "A/B" are two if A or B stands alone elsewhere, "A & B" if both do.

    Otherwise the text is one name.
    """
    for pattern in (COMMA, SLASH):
        pieces = [piece for piece in pattern.split(text) if piece.strip()]
        if len(pieces) > 1 and any(name_key(piece) in standalone_names for piece in pieces):
            return [name for piece in pieces for name in split_names(piece, standalone_names)]
    for pattern, min_standalone in ((AND, 1), (AMPERSAND, 2)):
        best: tuple[int, str, str] | None = None
        for match in pattern.finditer(text):
            left, right = text[: match.start()], text[match.end() :]
            standalone_count = (name_key(left) in standalone_names) + (name_key(right) in standalone_names)
            if (
                left.strip()
                and right.strip()
                and standalone_count >= min_standalone
                and (best is None or standalone_count > best[0])
            ):
                best = (standalone_count, left, right)
        if best:
            return split_names(best[1], standalone_names) + split_names(best[2], standalone_names)
    return [collapse_whitespace(text)]


def distinct_names(texts: Iterable[str], standalone_names: set[str]) -> list[str]:
    """The names of several texts, each once, in the order written."""
    names: dict[str, str] = {}
    for text in texts:
        for name in split_names(text, standalone_names):
            names.setdefault(name_key(name), name)
    return list(names.values())
