"""Who answers for an action: cells with several names, "Lead:" and "Support:", and positions that are
vacant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tenants.plans.spreadsheets.model import DateConventions
from tenants.plans.spreadsheets.reading.date_parser import parse_date
from tenants.plans.spreadsheets.reading.label_parser import collapse_whitespace, is_empty_marker, strip_bullet

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
# Plain blanks only: our own export writes a no-break blank into names that must stay whole.
AND = re.compile(r" +and +", re.IGNORECASE)
COMMA = re.compile(r", +(?:and +)?", re.IGNORECASE)
SLASH = re.compile(r" +/ +")
AMPERSAND = re.compile(r" +& +")


@dataclass(slots=True)
class Parties:
    """The names of one cell before any "A and B" is split. `vacant` holds the words that say a lead is
    missing.
    """

    leads: list[str] = field(default_factory=list)
    supports: list[str] = field(default_factory=list)
    vacant: str | None = None


def parse_parties(text: str, *, are_support: bool = False) -> Parties:
    """Read one cell: parts between semicolons or on lines of their own."""
    parties = Parties()
    marked: list[tuple[str, str]] = []
    side = "support" if are_support else ""
    for line in text.split("\n"):
        match = ROLE_PREFIX.fullmatch(line)
        if match:
            side, line = ("lead" if match["lead"] else "support"), match["rest"]
        for part in line.split(";"):
            name = strip_bullet(part)
            inner = ROLE_PREFIX.fullmatch(name)  # "Lead: A; Support: B" on one line
            if inner:
                side, name = ("lead" if inner["lead"] else "support"), inner["rest"].strip()
            if name and not is_empty_marker(name):
                suffix = ROLE_SUFFIX.fullmatch(name)
                if suffix:
                    marked.append((suffix["name"], "lead" if suffix["lead"] else "support"))
                else:
                    marked.append((name, side))
    has_marked_lead = any(part_side == "lead" for _, part_side in marked)
    for name, part_side in marked:
        is_lead = part_side == "lead" or (
            not part_side and not (has_marked_lead and ROLE_SUFFIX.search(text))
        )
        if is_lead and VACANT.search(name):
            parties.vacant = name
        elif UNDECIDED.fullmatch(name):
            continue
        else:
            (parties.leads if is_lead else parties.supports).append(name)
    return parties


def parse_vacant_since(words: str, date_conventions: DateConventions) -> str | None:
    """ "VACANT since March 2026" as "2026-03", a day as "2026-03-15", a year as "2026"; None without a
    date.
    """
    span = parse_date(words, date_conventions)
    if span is None:
        return None
    length = {"day": 10, "month": 7, "quarter": 7, "year": 4}[span.precision]
    return span.first.isoformat()[:length]


def name_key(name: str) -> str:
    return collapse_whitespace(name).casefold()


def standalone_names(cells: Iterable[Parties]) -> set[str]:
    """Names that stand alone somewhere in the column, in any sheet, with blanks and case evened out."""
    alone: set[str] = set()
    segments: Counter[str] = Counter()
    for cell in cells:
        for part in {*cell.leads, *cell.supports}:
            alone.add(name_key(part))
            pieces = COMMA.split(part)
            if len(pieces) > 1:
                segments.update({name_key(piece) for piece in pieces})
    # A name between commas in two different cells stands alone as well.
    alone |= {name for name, count in segments.items() if count > 1}
    return alone


def split_names(part: str, alone: set[str]) -> list[str]:
    """One party or several: "A and B" is two if A or B stands alone elsewhere, otherwise it is one name."""
    for pattern in (COMMA, SLASH):
        pieces = [piece for piece in pattern.split(part) if piece.strip()]
        if len(pieces) > 1 and any(name_key(piece) in alone for piece in pieces):
            return [name for piece in pieces for name in split_names(piece, alone)]
    for pattern, needed in ((AND, 1), (AMPERSAND, 2)):
        best: tuple[int, str, str] | None = None
        for match in pattern.finditer(part):
            left, right = part[: match.start()], part[match.end() :]
            sides = (name_key(left) in alone) + (name_key(right) in alone)
            if left.strip() and right.strip() and sides >= needed and (best is None or sides > best[0]):
                best = (sides, left, right)
        if best:
            return split_names(best[1], alone) + split_names(best[2], alone)
    return [collapse_whitespace(part)]


def distinct_names(parts: Iterable[str], alone: set[str]) -> list[str]:
    """The names of several parts, each once, in the order written."""
    found: dict[str, str] = {}
    for part in parts:
        for name in split_names(part, alone):
            found.setdefault(name_key(name), name)
    return list(found.values())
