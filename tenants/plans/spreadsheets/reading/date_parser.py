"""Timelines as cities write them: "FY21 Q3", "Begins July 2026, ongoing", dates stacked on lines of their
own.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass, field

from tenants.plans.spreadsheets.model import DateConventions

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
MONTHS |= {"sept": 9}
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
# A season ends with the quarter it mostly lies in; so its precision is the quarter.
SEASONS = {"winter": 1, "spring": 2, "summer": 3, "fall": 4, "autumn": 4}

MONTH_NAME = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
YEAR = r"(?:19|20)\d\d"
FISCAL = r"(?:f\.?\s?y\.?e?|fiscal\s+years?|fiscal)\s*-?'?\s*"
FISCAL_YEARS = rf"(?:{YEAR}|\d\d)(?:\s?[-/]\s?(?:{YEAR}|\d\d)(?![\d/]))?"
QUARTER = (
    r"(?:q(?:tr|uarter)?\.?\s?[1-4]|quarter\s+[1-4]|(?:first|second|third|fourth|1st|2nd|3rd|"
    r"4th)\s+(?:quarter|qtr)\b)"
)
HALF = r"(?:h[12]|(?:first|second|1st|2nd)\s+half)\b"
OF_WORD = r"\s*(?:,|-|/|\bof(?:\s+the)?\b|\bin\b)?\s*"
DATE_EXPRESSION = re.compile(
    rf"""
      (?<!\d)(?P<iso>{YEAR}([-/.])\d\d?\2\d\d?)(?:[t\ ]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?(?!\d)
    | (?<!\d)(?P<numeric>\d\d?([-/.])\d\d?\4(?:\d{{4}}|\d\d))(?!\d)
    | \b(?P<month_day>{MONTH_NAME}\s*\d\d?(?:st|nd|rd|th)?\s*,?\s+{YEAR})\b
    | (?<!\d)(?P<day_month>\d\d?(?:st|nd|rd|th)?\s+(?:of\s+)?{MONTH_NAME}\s*,?\s*{YEAR})\b
    | \b(?P<fiscal_quarter>{FISCAL}{FISCAL_YEARS}{OF_WORD}{QUARTER}|{QUARTER}{OF_WORD}{FISCAL}{FISCAL_YEARS})(?!\d)
    | \b(?P<fiscal_half>{FISCAL}{FISCAL_YEARS}{OF_WORD}{HALF}|{HALF}{OF_WORD}{FISCAL}{FISCAL_YEARS})(?!\d)
    | \b(?P<fiscal>{FISCAL}{FISCAL_YEARS})(?![\d/])
    | (?<![a-z\d])(?P<quarter>{QUARTER}{OF_WORD}'?{YEAR}|{QUARTER}\s*'\d\d|{YEAR}{OF_WORD}{QUARTER})(?!\d)
    | (?<![a-z\d])(?P<half>{HALF}{OF_WORD}{YEAR}|{YEAR}{OF_WORD}{HALF})(?!\d)
    | \b(?P<season>(?:spring|summer|fall|autumn|winter){OF_WORD}{YEAR}(?:\s?[-/]\s?(?:{YEAR}|\d\d)(?!\d))?)
    | \b(?P<month>{MONTH_NAME}{OF_WORD}{YEAR}|{MONTH_NAME}\s*-\s*\d\d|{MONTH_NAME}\s*'\d\d)(?!\d)
    | (?<![\d/])(?P<numeric_month>(?:1[0-2]|0?[1-9])/{YEAR}|{YEAR}[-/](?:1[0-2]|0[1-9]))(?![\d/])
    | (?<![\d/.])(?P<short_month>(?:1[0-2]|0?[1-9])/[2-4]\d)(?![\d/])
    | (?<!\d)(?P<years>{YEAR}\s?[-/]\s?\d\d)(?!\d)
    | (?<![\d$.,])(?P<year>(?:cy\s*)?{YEAR})(?![\d%]|,\d)
    | \b(?P<partial_month_day>{MONTH_NAME}\s*\d\d?(?:st|nd|rd|th)?)(?!\d)
    | \b(?P<partial_month>{MONTH_NAME})
    | (?<![a-z\d])(?P<partial_quarter>{QUARTER})(?!\d)
    | \b(?P<partial_season>spring|summer|fall|autumn|winter)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
RANGE_SEPARATOR = re.compile(
    r"^(?=.*(?:-|/|to|through|thru|until|till|end))[\s,.]*(?:-+|/|to|through|thru|until|till|up to|"
    r"and ending|ending|ends)?(?:\s*(?:-|to|through|by))?"
    r"\s*(?:the\s+)?(?:(?:end|early|late|mid|middle|beginning|start)[\s-]*(?:of)?)?\s*(?:the\s+)?$",
    re.IGNORECASE,
)
LIST_SEPARATOR = re.compile(r"^\s*(?:[,;&/+]|and|or|, and|, or)\s*$", re.IGNORECASE)
START_WORDS = re.compile(
    r"\b(?:begin(?:s|ning)?|start(?:s|ing|ed)?|starts? date|from|since|launch(?:es|ing|ed)?|commenc\w+|"
    r"effective|as of|"
    r"kick-?off)\b[\s:,-]*(?:in|on|by|early|mid|late|date)?[\s:,-]*$",
    re.IGNORECASE,
)
END_WORDS = re.compile(
    r"\b(?:through|thru|until|till|to|up to|end(?:s|ing)?)\b\s*(?:the\s+)?(?:end\s+of\s+)?$", re.IGNORECASE
)
ONGOING_WORDS = re.compile(
    r"\b(?:on-?\s?going|continu(?:ous(?:ly)?|ing|al(?:ly)?|es?)|in perpetuity|permanent(?:ly)?|recurring|"
    r"annually|yearly|monthly|"
    r"quarterly|weekly|bi-?annually|semi-?annually|(?:every|each)\s+(?:\w+\s+)?(?:year|quarter|month|week|"
    r"spring|summer|fall|"
    r"autumn|winter|day|cycle|\d+ \w+|"
    + MONTH_NAME
    + r"))|^\s*annual\s*$|(?:-|\bto|\bthrough)\s*(?:present|current|date|now)\b|\+\s*$",
    re.IGNORECASE,
)
MODIFIER = re.compile(
    r"\b(early|mid|middle of|beginning of|start of|late)[\s-]*(?:the\s+)?(?:in\s+)?$", re.IGNORECASE
)
DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | {"\u2019": "'", "\u2018": "'"})


@dataclass(slots=True)
class DateSpan:
    """First and last day of something written, and how exact it was."""

    first: dt.date
    last: dt.date
    precision: str


@dataclass(slots=True)
class Timeline:
    """What a timeline cell says. `dues` holds every promised date with its precision, in the order
    written.
    """

    start: dt.date | None = None
    start_precision: str | None = None
    dues: list[tuple[dt.date, str]] = field(default_factory=list)
    continuous: bool = False
    ambiguous: list[str] = field(default_factory=list)  # numeric dates that could be read either way round
    unread: list[str] = field(default_factory=list)  # lines without a date, beside others that have one
    is_reversed: bool = False  # the start came after the due date and was left out

    @property
    def due(self) -> dt.date | None:
        return None if self.continuous else max((date for date, _ in self.dues), default=None)

    @property
    def precision(self) -> str | None:
        """How exact the due date is, or the start where there is no due date."""
        if self.due is None:
            return self.start_precision
        return next(precision for date, precision in self.dues if date == self.due)

    @property
    def milestones(self) -> list[tuple[dt.date, str]]:
        return self.dues if len(self.dues) > 1 or self.continuous else []


def parse_timeline(text: str, date_conventions: DateConventions) -> Timeline:
    """Read a timeline cell. Never fails: what has no date comes back empty."""
    timeline = Timeline()
    lines = [line for line in re.split(r"[\n;]", text) if line.strip()]
    silent = [line.strip() for line in lines if not _parse_line(line, timeline, date_conventions)]
    if timeline.dues or timeline.start or timeline.continuous:
        timeline.unread = silent
    due = timeline.due
    if due and timeline.start and timeline.start > due:
        timeline.start, timeline.start_precision, timeline.is_reversed = None, None, True
    return timeline


def parse_date(text: str, date_conventions: DateConventions) -> DateSpan | None:
    """The one date or period that `text` names; None if there is none, or several."""
    atoms, _ = _find_expressions(_normalize_text(text), date_conventions)
    return atoms[0][0] if len(atoms) == 1 else None


def _normalize_text(text: str) -> str:
    return re.sub(r"\s+", " ", text.translate(DASHES)).strip()


def _parse_line(line: str, timeline: Timeline, date_conventions: DateConventions) -> bool:
    text = _normalize_text(line)
    atoms, ambiguous = _find_expressions(text, date_conventions)
    timeline.ambiguous += ambiguous
    ongoing = bool(ONGOING_WORDS.search(text))
    if not atoms:
        timeline.continuous |= ongoing
        return ongoing
    spans, starts, ends_named = _join_ranges(text, atoms)
    if ongoing and not ends_named:
        timeline.continuous = True
        for span in spans:
            _set_earliest_start(timeline, span.first, span.precision)
        return True
    for span, is_range in starts:
        _set_earliest_start(timeline, span.first, span.precision)
        if is_range:
            timeline.dues.append((span.last, span.precision))
    timeline.dues += [
        (span.last, span.precision) for span in spans if not any(span is one for one, _ in starts)
    ]
    return True


def _set_earliest_start(timeline: Timeline, date: dt.date, precision: str) -> None:
    if timeline.start is None or date < timeline.start:
        timeline.start, timeline.start_precision = date, precision


def _join_ranges(
    text: str, atoms: list[tuple[DateSpan, int, int]]
) -> tuple[list[DateSpan], list[tuple[DateSpan, bool]], bool]:
    """Join "A to B" into one span.

    Returns all spans, those that give a start (and whether also an end), and whether
    an end is named in words ("through 2027")."""
    spans: list[DateSpan] = []
    starts: list[tuple[DateSpan, bool]] = []
    ends_named = False
    index = 0
    while index < len(atoms):
        span, begin, end = atoms[index]
        before = text[atoms[index - 1][2] if index else 0 : begin]
        if index + 1 < len(atoms):
            following, next_begin, _end = atoms[index + 1]
            between = text[end:next_begin]
            is_between = re.search(r"\bbetween\s*$", before, re.IGNORECASE) and re.match(r"\s*and\b", between)
            if (between.strip() and RANGE_SEPARATOR.match(between)) or is_between:
                joined = DateSpan(span.first, following.last, following.precision)
                spans.append(joined)
                starts.append((joined, True))
                index += 2
                continue
        if text[end:].strip(" ").startswith("-") and ONGOING_WORDS.search(text[end:]):
            ends_named = False
        elif END_WORDS.search(before):
            ends_named = True
        spans.append(span)
        if START_WORDS.search(before):
            starts.append((span, False))
        elif span.precision == "year" and (span.last - span.first).days > 366:  # "2025-28" in one expression
            starts.append((span, True))
        index += 1
    return spans, starts, ends_named


def _find_expressions(
    text: str, date_conventions: DateConventions
) -> tuple[list[tuple[DateSpan, int, int]], list[str]]:
    """Every date expression of a line with its place, and the numeric dates that could be read two ways."""
    found: list[tuple[DateSpan, int, int]] = []
    ambiguous: list[str] = []
    waiting: list[re.Match[str]] = []  # a month or quarter whose year comes later: "Sep - Dec 2026"
    last_complete: re.Match[str] | None = None
    for match in DATE_EXPRESSION.finditer(text):
        kind = match.lastgroup or ""
        if kind.startswith("partial"):
            if (
                kind == "partial_quarter"
                and last_complete is not None
                and _are_joined(text, last_complete, match)
            ):
                span = _complete_from_neighbor(match, last_complete, date_conventions)
                if span:
                    found.append((span, match.start(), match.end()))
                    continue
            waiting.append(match)
            continue
        span = _parse_expression(kind, match[kind], date_conventions, ambiguous)
        if span is None:
            continue
        modifier = MODIFIER.search(text[: match.start()])
        if modifier:
            span = _apply_modifier(span, modifier[1].lower())
        for earlier in waiting:
            chain = text[earlier.end() : match.start()]
            if not re.fullmatch(r"[\w\s,&/+-]*", chain) or len(chain) > 30:
                continue
            if not (RANGE_SEPARATOR.match(chain) or LIST_SEPARATOR.match(chain) or len(waiting) > 1):
                continue
            borrowed = _complete_from_neighbor(earlier, match, date_conventions)
            if borrowed:
                if borrowed.first > span.last and RANGE_SEPARATOR.match(
                    chain
                ):  # "Nov - Feb 2027" began the year before
                    borrowed = DateSpan(
                        _year_before(borrowed.first), _year_before(borrowed.last), borrowed.precision
                    )
                found.append((borrowed, earlier.start(), earlier.end()))
        waiting = []
        found.append((span, match.start(), match.end()))
        last_complete = match
    return found, ambiguous


def _are_joined(text: str, earlier: re.Match[str], later: re.Match[str]) -> bool:
    between = text[earlier.end() : later.start()]
    return bool(RANGE_SEPARATOR.match(between) or LIST_SEPARATOR.match(between))


def _year_before(date: dt.date) -> dt.date:
    return _month_end(date.year - 1, date.month) if date.day > 27 else date.replace(year=date.year - 1)


def _complete_from_neighbor(
    partial: re.Match[str], whole: re.Match[str], date_conventions: DateConventions
) -> DateSpan | None:
    """A month, day or quarter without a year takes it from its neighbor."""
    kind = (partial.lastgroup or "").removeprefix("partial_")
    written = whole[whole.lastgroup or ""]
    fiscal = re.search(FISCAL + rf"({FISCAL_YEARS})", written, re.IGNORECASE)
    year = re.search(YEAR, written)
    ignored: list[str] = []
    if kind == "quarter" and fiscal:
        return _parse_expression("fiscal_quarter", f"FY{fiscal[1]} {partial[0]}", date_conventions, ignored)
    span = _parse_expression(whole.lastgroup or "", written, date_conventions, ignored)
    number = year[0] if year else str(span.last.year) if span else None
    if number is None:
        return None
    if kind == "month_day":
        return _parse_expression("month_day", f"{partial[0]}, {number}", date_conventions, ignored)
    return _parse_expression(kind, f"{partial[0]} {number}", date_conventions, ignored)


def _apply_modifier(span: DateSpan, word: str) -> DateSpan:
    """ "Early 2026" is its first quarter, "mid-2026" ends with the second, "late 2026" with the fourth."""
    if span.precision != "year":
        return span
    month = span.first.month
    months = {"early": 2, "beginning of": 2, "start of": 2, "mid": 5, "middle of": 5}.get(word, 11)
    year, index = divmod(span.first.year * 12 + month - 1 + months, 12)
    return DateSpan(span.first, _month_end(year, index + 1), "quarter")


def _parse_expression(
    kind: str, text: str, date_conventions: DateConventions, ambiguous: list[str]
) -> DateSpan | None:
    try:
        return EXPRESSION_PARSERS[kind](text.lower(), date_conventions, ambiguous)
    except ValueError:  # such as February 30
        return None


def _day(year: int, month: int, day: int) -> DateSpan:
    date = dt.date(year, month, day)
    return DateSpan(date, date, "day")


def _month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _months(year: int, month: int, count: int, precision: str) -> DateSpan:
    """`count` months from the first of `month`."""
    last_year, last_index = divmod(year * 12 + month - 1 + count - 1, 12)
    return DateSpan(dt.date(year, month, 1), _month_end(last_year, last_index + 1), precision)


def _four_digit_year(text: str) -> int:
    number = int(text)
    return number if number > 99 else 2000 + number


def _iso(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    year, month, day = (int(part) for part in re.findall(r"\d+", text)[:3])
    return _day(year, month, day)


def _numeric(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    one, two, year_text = re.findall(r"\d+", text)
    year = _four_digit_year(year_text)
    first, second = int(one), int(two)
    if first <= 12 and second <= 12 and first != second:
        ambiguous.append(text)
    is_day_first = date_conventions.date_order.startswith("day")
    month, day = (second, first) if is_day_first else (first, second)
    if month > 12 >= day:
        month, day = day, month
    return _day(year, month, day)


def _month_day(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    day, year = re.findall(r"\d+", text)
    return _day(int(year), _named_month(text), int(day))


def _named_month(text: str) -> int:
    return next(MONTHS[word] for word in re.findall(r"[a-z]+", text) if word in MONTHS)


def _quarter_number(text: str) -> int:
    match = re.search(r"\b(first|second|third|fourth|1st|2nd|3rd|4th)\b", text)
    if match:
        return ORDINALS[match[1]]
    number = re.search(r"(?:q(?:tr|uarter)?\.?|quarter)\s?([1-4])(?!\d)", text)
    if number is None:
        raise ValueError(text)
    return int(number[1])


def _half_number(text: str) -> int:
    return 2 if re.search(r"h2|second|2nd", text) else 1


def _fiscal_year(text: str) -> tuple[int, int | None]:
    """The fiscal year's number, and that of the last one where several are named ("FY25-27")."""
    match = re.search(FISCAL + rf"({YEAR}|\d\d)(?:\s?[-/]\s?({YEAR}|\d\d)(?!\d))?", text)
    if match is None:
        raise ValueError(text)
    first = _four_digit_year(match[1])
    if match[2] is None:
        return first, None
    last = _four_digit_year(match[2])
    if last == first + 1:  # "FY 2025-26" is one year, named after both
        return last, None
    if last <= first:
        raise ValueError(text)
    return first, last


def _fiscal_start(number: int, date_conventions: DateConventions) -> tuple[int, int]:
    month = date_conventions.fiscal_year_starts_in_month
    return (number if month == 1 else number - 1), month


def _fiscal(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    number, last = _fiscal_year(text)
    year, month = _fiscal_start(number, date_conventions)
    return _months(year, month, 12 * (1 + (last - number if last else 0)), "year")


def _fiscal_part(text: str, date_conventions: DateConventions, part: int, months: int) -> DateSpan:
    number, _ = _fiscal_year(text)
    year, month = _fiscal_start(number, date_conventions)
    first_year, index = divmod(year * 12 + month - 1 + (part - 1) * months, 12)
    return _months(first_year, index + 1, months, "quarter")


def _fiscal_quarter(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    return _fiscal_part(text, date_conventions, _quarter_number(text), 3)


def _fiscal_half(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    return _fiscal_part(text, date_conventions, _half_number(text), 6)


def _named_year(text: str) -> int:
    match = re.search(YEAR, text) or re.search(r"(?<=')\d\d", text) or re.search(r"\d\d$", text)
    if match is None:
        raise ValueError(text)
    return _four_digit_year(match[0])


def _quarter(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    return _months(_named_year(text), _quarter_number(text) * 3 - 2, 3, "quarter")


def _half(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    return _months(_named_year(text), _half_number(text) * 6 - 5, 6, "quarter")


def _season(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    name = next(name for name in SEASONS if name in text)
    years = re.findall(r"\d+", text)
    year = _four_digit_year(years[-1]) if name == "winter" else _four_digit_year(years[0])
    return _months(year, SEASONS[name] * 3 - 2, 3, "quarter")


def _month(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    return _months(_named_year(text), _named_month(text), 1, "month")


def _numeric_month(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    one, two = re.findall(r"\d+", text)
    year, month = (one, two) if len(one) == 4 else (two, one)
    return _months(_four_digit_year(year), int(month), 1, "month")


def _years(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    one, two = re.findall(r"\d+", text)
    first = int(one)
    last = first // 100 * 100 + int(two)
    if not first < last <= first + 30:
        raise ValueError(text)
    return _months(first, 1, 12 * (last - first + 1), "year")


def _year(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    return _months(_named_year(text), 1, 12, "year")


EXPRESSION_PARSERS = {
    "iso": _iso,
    "numeric": _numeric,
    "month_day": _month_day,
    "day_month": _month_day,
    "fiscal_quarter": _fiscal_quarter,
    "fiscal_half": _fiscal_half,
    "fiscal": _fiscal,
    "quarter": _quarter,
    "half": _half,
    "season": _season,
    "month": _month,
    "numeric_month": _numeric_month,
    "short_month": _numeric_month,
    "years": _years,
    "year": _year,
}
