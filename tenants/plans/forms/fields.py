"""Fields and text formats of the forms: partial dates, lists of lines."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tenants import formats
from tenants.plans.selectors import date_conventions_of
from tenants.plans.spreadsheets.reading.date_parser import parse_date


def day_input(**attrs: str) -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"} | attrs, format="%Y-%m-%d")


class PartialDateField(forms.CharField):
    """A day, month, quarter or year as text. Cleans to (date, precision); (None, "") for an empty field.

    The date is the last day of the period; with `is_start` the first.
    """

    def __init__(self, *, is_start: bool = False, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=60, **kwargs)
        self.is_start = is_start

    def clean(self, value: Any) -> tuple[dt.date | None, str]:
        text = super().clean(value)
        if not text:
            return None, ""
        span = parse_date(text, date_conventions_of(connection.tenant))
        if span is None:
            raise ValidationError(
                _("“%(text)s” is not a date. Write a day (June 30, 2027), a month (June 2027), a quarter (2027 Q2) "
                  "or a year.") % {"text": text}
            )  # fmt: skip
        return (span.first if self.is_start else span.last), span.precision


def format_partial_date(day: dt.date | None, precision: str) -> str:
    """Text that PartialDateField reads back as the same date: "June 2027"; in other languages "2027-06"."""
    if day is None:
        return ""
    fiscal = connection.tenant.fiscal_year_start_month
    if precision == "year" and fiscal != 1 and day == dt.date(day.year, fiscal, 1) - dt.timedelta(days=1):
        return f"FY{day.year}"
    if precision == "quarter" and day.month % 3 and (day.month - fiscal) % 3 == 2:  # of the fiscal year alone
        return f"FY{day.year + (day.month >= fiscal)} Q{(day.month - fiscal) % 12 // 3 + 1}"
    if precision in ("month", "day") and not (get_language() or "en").startswith("en"):
        return f"{day:%Y-%m}" if precision == "month" else day.isoformat()
    with translation.override("en"):
        return formats.format_partial_date(day, precision)


def last_day_of_period(day: dt.date | None, precision: str) -> dt.date | None:
    """Last day of the quarter or year that begins on `day`, for `format_partial_date`; a day or month is returned as is."""
    if day is None or precision not in ("quarter", "year"):
        return day
    months = 3 if precision == "quarter" else 12
    month = day.month - 1 + months
    return dt.date(day.year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)


def format_start(day: dt.date | None, precision: str) -> str:
    """As `format_partial_date`, for the first day of a period."""
    if day and precision not in ("quarter", "year"):
        return format_partial_date(day, precision or "day")
    return format_partial_date(last_day_of_period(day, precision), precision)


def split_lines(text: str) -> list[str]:
    """The lines of a text area that are not blank."""
    return [line.strip() for line in text.splitlines() if line.strip()]
