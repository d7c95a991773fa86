"""Date expressions in a text: "FY21 Q3", "Sep - Dec 2026", "12/31/2026", each with its first and last day."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import NamedTuple

from tenants.plans.spreadsheets.model import DateConventions

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
MONTHS |= {"sept": 9}
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
# The quarter that a season mostly lies in.
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
MODIFIER = re.compile(
    r"\b(early|mid|middle of|beginning of|start of|late)[\s-]*(?:the\s+)?(?:in\s+)?$", re.IGNORECASE
)
MAX_GAP_LENGTH = 30  # between a month and its year: "March, April and May 2027"


@dataclass(slots=True)
class DateSpan:
    """First and last day of a date or period, with the precision it was written with."""

    first: dt.date
    last: dt.date
    precision: str


class DateExpression(NamedTuple):
    """A date expression and its position in the text."""

    span: DateSpan
    start: int
    end: int


def find_expressions(text: str, date_conventions: DateConventions) -> tuple[list[DateExpression], list[str]]:
    """Every date expression of a line, and its numeric dates that can be read in two orders."""
    expressions: list[DateExpression] = []
    ambiguous: list[str] = []
    incomplete: list[re.Match[str]] = []  # months and quarters before their year: "Sep - Dec 2026"
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
                    expressions.append(DateExpression(span, match.start(), match.end()))
                    continue
            incomplete.append(match)
            continue
        span = _parse_expression(kind, match[kind], date_conventions, ambiguous)
        if span is None:
            continue
        modifier = MODIFIER.search(text[: match.start()])
        if modifier:
            span = _apply_modifier(span, modifier[1].lower())
        for earlier in incomplete:
            gap = text[earlier.end() : match.start()]
            if not re.fullmatch(r"[\w\s,&/+-]*", gap) or len(gap) > MAX_GAP_LENGTH:
                continue
            if not (RANGE_SEPARATOR.match(gap) or LIST_SEPARATOR.match(gap) or len(incomplete) > 1):
                continue
            completed = _complete_from_neighbor(earlier, match, date_conventions)
            if completed:
                # "Nov - Feb 2027" begins in the year before.
                if completed.first > span.last and RANGE_SEPARATOR.match(gap):
                    completed = DateSpan(
                        _year_before(completed.first), _year_before(completed.last), completed.precision
                    )
                expressions.append(DateExpression(completed, earlier.start(), earlier.end()))
        incomplete = []
        expressions.append(DateExpression(span, match.start(), match.end()))
        last_complete = match
    return expressions, ambiguous


def _are_joined(text: str, earlier: re.Match[str], later: re.Match[str]) -> bool:
    between = text[earlier.end() : later.start()]
    return bool(RANGE_SEPARATOR.match(between) or LIST_SEPARATOR.match(between))


def _year_before(date: dt.date) -> dt.date:
    return _month_end(date.year - 1, date.month) if date.day > 27 else date.replace(year=date.year - 1)


def _complete_from_neighbor(
    partial: re.Match[str], complete: re.Match[str], date_conventions: DateConventions
) -> DateSpan | None:
    """The span of a month, day or quarter without a year, with the year of a neighboring expression."""
    kind = (partial.lastgroup or "").removeprefix("partial_")
    text = complete[complete.lastgroup or ""]
    fiscal = re.search(FISCAL + rf"({FISCAL_YEARS})", text, re.IGNORECASE)
    year = re.search(YEAR, text)
    ignored: list[str] = []
    if kind == "quarter" and fiscal:
        return _parse_expression("fiscal_quarter", f"FY{fiscal[1]} {partial[0]}", date_conventions, ignored)
    span = _parse_expression(complete.lastgroup or "", text, date_conventions, ignored)
    number = year[0] if year else str(span.last.year) if span else None
    if number is None:
        return None
    if kind == "month_day":
        return _parse_expression("month_day", f"{partial[0]}, {number}", date_conventions, ignored)
    return _parse_expression(kind, f"{partial[0]} {number}", date_conventions, ignored)


def _apply_modifier(span: DateSpan, word: str) -> DateSpan:
    """A year that ends earlier by a word in front: "early 2026" in the first quarter, "mid-2026" in the second.

    "late 2026" still ends with the year. Its precision is the quarter then; other spans stay as they are.
    """
    if span.precision != "year":
        return span
    month = span.first.month
    months = {"early": 2, "beginning of": 2, "start of": 2, "mid": 5, "middle of": 5}.get(word, 11)
    year, index = divmod(span.first.year * 12 + month - 1 + months, 12)
    return DateSpan(span.first, _month_end(year, index + 1), "quarter")


def _parse_expression(
    kind: str, text: str, date_conventions: DateConventions, ambiguous: list[str]
) -> DateSpan | None:
    """The span of an expression of a known kind; None for a date that does not exist, such as February 30."""
    try:
        return EXPRESSION_PARSERS[kind](text.lower(), date_conventions, ambiguous)
    except ValueError:
        return None


def _day(year: int, month: int, day: int) -> DateSpan:
    date = dt.date(year, month, day)
    return DateSpan(date, date, "day")


def _month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _months(year: int, month: int, count: int, precision: str) -> DateSpan:
    """The span of `count` months from the first day of `month`."""
    last_year, last_index = divmod(year * 12 + month - 1 + count - 1, 12)
    return DateSpan(dt.date(year, month, 1), _month_end(last_year, last_index + 1), precision)


def _four_digit_year(text: str) -> int:
    number = int(text)
    return number if number > 99 else 2000 + number


def _iso(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    year, month, day = (int(digits) for digits in re.findall(r"\d+", text)[:3])
    return _day(year, month, day)


def _numeric(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    first_text, second_text, year_text = re.findall(r"\d+", text)
    year = _four_digit_year(year_text)
    first, second = int(first_text), int(second_text)
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
    """The number of the fiscal year, and of the last one where several are named ("FY25-27"). May raise ValueError."""
    match = re.search(FISCAL + rf"({YEAR}|\d\d)(?:\s?[-/]\s?({YEAR}|\d\d)(?!\d))?", text)
    if match is None:
        raise ValueError(text)
    first = _four_digit_year(match[1])
    if match[2] is None:
        return first, None
    last = _four_digit_year(match[2])
    if last == first + 1:  # "FY 2025-26" is one year, named by both
        return last, None
    if last <= first:
        raise ValueError(text)
    return first, last


def _fiscal_start(fiscal_year: int, date_conventions: DateConventions) -> tuple[int, int]:
    month = date_conventions.fiscal_year_starts_in_month
    return (fiscal_year if month == 1 else fiscal_year - 1), month


def _fiscal(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    number, last = _fiscal_year(text)
    year, month = _fiscal_start(number, date_conventions)
    return _months(year, month, 12 * (1 + (last - number if last else 0)), "year")


def _fiscal_part(text: str, date_conventions: DateConventions, number_in_year: int, months: int) -> DateSpan:
    number, _ = _fiscal_year(text)
    year, month = _fiscal_start(number, date_conventions)
    first_year, index = divmod(year * 12 + month - 1 + (number_in_year - 1) * months, 12)
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
    first, second = re.findall(r"\d+", text)
    year, month = (first, second) if len(first) == 4 else (second, first)
    return _months(_four_digit_year(year), int(month), 1, "month")


def _years(text: str, date_conventions: DateConventions, ambiguous: list[str]) -> DateSpan:
    first_text, last_text = re.findall(r"\d+", text)
    first = int(first_text)
    last = first // 100 * 100 + int(last_text)
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
