"""Timelines as cities write them: "FY21 Q3", "Begins July 2026, ongoing", dates on several lines."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from tenants.plans.spreadsheets.model import DateConventions
from tenants.plans.spreadsheets.reading.date_expressions import (
    MONTH_NAME,
    RANGE_SEPARATOR,
    DateExpression,
    DateSpan,
    find_expressions,
)

DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | {"\u2019": "'", "\u2018": "'"})
MAX_YEAR_DAYS = 366
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


@dataclass(slots=True)
class Timeline:
    """The dates of a timeline cell. `dues` are all due dates with their precision, in the order written.

    `ambiguous` are numeric dates that can be read in two orders, `unread` the lines without a date beside others that
    have one. `is_reversed`: the start came after the due date and was left out.
    """

    start: dt.date | None = None
    start_precision: str | None = None
    dues: list[tuple[dt.date, str]] = field(default_factory=list)
    continuous: bool = False
    ambiguous: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    is_reversed: bool = False

    @property
    def due(self) -> dt.date | None:
        return None if self.continuous else max((date for date, _precision in self.dues), default=None)

    @property
    def precision(self) -> str | None:
        """The precision of the due date, or of the start where there is no due date."""
        if self.due is None:
            return self.start_precision
        return next(precision for date, precision in self.dues if date == self.due)

    @property
    def milestones(self) -> list[tuple[dt.date, str]]:
        return self.dues if len(self.dues) > 1 or self.continuous else []


def parse_timeline(text: str, date_conventions: DateConventions) -> Timeline:
    """The timeline of a cell; an empty one for a text without dates. Never raises."""
    timeline = Timeline()
    lines = [line for line in re.split(r"[\n;]", text) if line.strip()]
    undated = [line.strip() for line in lines if not _parse_line(line, timeline, date_conventions)]
    if timeline.dues or timeline.start or timeline.continuous:
        timeline.unread = undated
    due = timeline.due
    if due and timeline.start and timeline.start > due:
        timeline.start, timeline.start_precision, timeline.is_reversed = None, None, True
    return timeline


def parse_date(text: str, date_conventions: DateConventions) -> DateSpan | None:
    """The only date or period in a text; None if there is none, or several."""
    expressions, _ambiguous = find_expressions(_normalize_text(text), date_conventions)
    return expressions[0].span if len(expressions) == 1 else None


def _normalize_text(text: str) -> str:
    return re.sub(r"\s+", " ", text.translate(DASHES)).strip()


def _parse_line(line: str, timeline: Timeline, date_conventions: DateConventions) -> bool:
    """Add the dates of a line to the timeline; False where it has none and is not ongoing."""
    text = _normalize_text(line)
    expressions, ambiguous = find_expressions(text, date_conventions)
    timeline.ambiguous += ambiguous
    is_ongoing = bool(ONGOING_WORDS.search(text))
    if not expressions:
        timeline.continuous |= is_ongoing
        return is_ongoing
    spans, starts, has_named_end = _join_ranges(text, expressions)
    if is_ongoing and not has_named_end:
        timeline.continuous = True
        for span in spans:
            _set_earliest_start(timeline, span.first, span.precision)
        return True
    for span, is_range in starts:
        _set_earliest_start(timeline, span.first, span.precision)
        if is_range:
            timeline.dues.append((span.last, span.precision))
    timeline.dues += [
        (span.last, span.precision) for span in spans if not any(span is start for start, _is_range in starts)
    ]
    return True


def _set_earliest_start(timeline: Timeline, date: dt.date, precision: str) -> None:
    if timeline.start is None or date < timeline.start:
        timeline.start, timeline.start_precision = date, precision


def _join_ranges(
    text: str, expressions: list[DateExpression]
) -> tuple[list[DateSpan], list[tuple[DateSpan, bool]], bool]:
    """Join "A to B" into one span.

    Returns all spans, those that give a start (with whether they also give an end), and whether an end is named in
    words ("through 2027").
    """
    spans: list[DateSpan] = []
    starts: list[tuple[DateSpan, bool]] = []
    has_named_end = False
    index = 0
    while index < len(expressions):
        expression = expressions[index]
        span = expression.span
        before = text[expressions[index - 1].end if index else 0 : expression.start]
        if index + 1 < len(expressions):
            following = expressions[index + 1]
            between = text[expression.end : following.start]
            is_between = re.search(r"\bbetween\s*$", before, re.IGNORECASE) and re.match(r"\s*and\b", between)
            if (between.strip() and RANGE_SEPARATOR.match(between)) or is_between:
                joined = DateSpan(span.first, following.span.last, following.span.precision)
                spans.append(joined)
                starts.append((joined, True))
                index += 2
                continue
        rest = text[expression.end :]
        if rest.strip(" ").startswith("-") and ONGOING_WORDS.search(rest):
            has_named_end = False
        elif END_WORDS.search(before):
            has_named_end = True
        spans.append(span)
        if START_WORDS.search(before):
            starts.append((span, False))
        elif span.precision == "year" and (span.last - span.first).days > MAX_YEAR_DAYS:  # "2025-28"
            starts.append((span, True))
        index += 1
    return spans, starts, has_named_end
