"""Quarters and years of the calendar, as charts and the filter by due date use them."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import NamedTuple, Self

from tenants.formats import format_partial_date

MAX_QUARTERS = 16  # longer spans are shown by year


class Period(NamedTuple):
    """A quarter or a year of the calendar. `quarter` is 0 for a year."""

    year: int
    quarter: int

    @classmethod
    def of(cls, day: dt.date, *, by_year: bool = False) -> Self:
        return cls(day.year, 0 if by_year else (day.month + 2) // 3)

    @classmethod
    def from_key(cls, key: str) -> Self | None:
        """The period of a filter's value, "2027-Q2" or "2027"; None for anything else."""
        match = re.fullmatch(r"([12]\d{3})(?:-Q([1-4]))?", key)
        return cls(int(match[1]), int(match[2] or 0)) if match else None

    @property
    def key(self) -> str:
        return f"{self.year}-Q{self.quarter}" if self.quarter else str(self.year)

    @property
    def label(self) -> str:
        """ "2027 Q2" or "2027"."""
        return format_partial_date(self.start, "quarter" if self.quarter else "year")

    @property
    def start(self) -> dt.date:
        return dt.date(self.year, 3 * self.quarter - 2 if self.quarter else 1, 1)

    @property
    def end(self) -> dt.date:
        """The last day."""
        month = 3 * self.quarter or 12
        return dt.date(self.year, month, calendar.monthrange(self.year, month)[1])

    def holds(self, day: dt.date | None) -> bool:
        return day is not None and self.start <= day <= self.end


def periods_between(first: dt.date, last: dt.date) -> list[Period]:
    """The periods from that of `first` to that of `last`: quarters, or years if there were more than MAX_QUARTERS."""
    begin, end = (4 * day.year + Period.of(day).quarter - 1 for day in (first, last))
    if end - begin >= MAX_QUARTERS:
        return [Period(year, 0) for year in range(first.year, last.year + 1)]
    return [Period(number // 4, number % 4 + 1) for number in range(begin, end + 1)]
