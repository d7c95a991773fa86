"""How pages write dates, ages, numbers, choices and headings. Files and the API have ISO dates, numbers and codes instead.

The rows of a list have the same few dates, ages and choices, so their texts are cached for each language.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from django.contrib.humanize.templatetags.humanize import apnumber
from django.db.models import TextChoices
from django.utils.formats import date_format, number_format
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _


def format_partial_date(day: dt.date | None, precision: str = "day") -> str:
    """A date with the given precision: "June 30, 2027", "June 2027", "2027 Q2", "2027"; "" without a date."""
    return _partial_date(day, precision, get_language()) if day else ""


@lru_cache(4096)
def _partial_date(day: dt.date, precision: str, _language: str | None) -> str:
    if precision == "year":
        return str(day.year)
    if precision == "quarter":
        return _("%(year)s Q%(quarter)s") % {"year": day.year, "quarter": (day.month + 2) // 3}
    return date_format(day, "YEAR_MONTH_FORMAT" if precision == "month" else "DATE_FORMAT")


def format_years(start: int | None, end: int | None) -> str:
    """ "2025–2029", "2025", or ""."""
    return "–".join(str(year) for year in dict.fromkeys((start, end)) if year)


def days_ago(days: int) -> str:
    """ "today", "1 day ago", "1,240 days ago"; negative days (in the future) count as today."""
    return _days_ago(days, get_language())


@lru_cache(4096)
def _days_ago(days: int, _language: str | None) -> str:
    if days <= 0:
        return _("today")
    return ngettext("%(days)s day ago", "%(days)s days ago", days) % {"days": format_number(days)}


def time_since(day: dt.date, *, on: dt.date) -> str:
    """The age of a day on another one: "21 days ago"."""
    return days_ago((on - day).days)


def format_number(number: int) -> str:
    """ "1,240": as `{{ number }}` in a template."""
    return number_format(number)


def spell_number(number: int) -> str:
    """A number in words up to nine, in digits above: "eight", "1,240"."""
    return _spell_digit(number, get_language()) if 0 <= number < 10 else format_number(number)


@lru_cache(4096)
def _spell_digit(digit: int, _language: str | None) -> str:
    return str(apnumber(digit))


def choice_label(choices: type[TextChoices], value: str) -> str:
    """The label of a choice; "" if none is chosen."""
    return _choice_label(choices, value, get_language()) if value else ""


@lru_cache(4096)
def _choice_label(choices: type[TextChoices], value: str, _language: str | None) -> str:
    return str(choices(value).label)


def initials(name: str) -> str:
    """Up to two letters for a name, those of its first words: "MB" for "Marrow Bend", "OD" for "O’Fallon d’Été"."""
    letters = [word[0] for word in name.split() if word[0].isalpha()]
    return "".join(letters[:2]).upper()


def action_heading(number: str, title: str) -> str:
    """ "4.1 Eviction help" from "4.1" and "Eviction help.": titles of sheets are sentences, headings have no period."""
    text = title[:-1] if title.endswith(".") and not title.endswith("..") else title
    return f"{number} {text}" if number else text


def title_with_label(label: str, title: str) -> str:
    """A goal or outcome with the city's own label: "Goal 1: Fair streets"."""
    return f"{label}: {title}" if label else title


def capitalize_first(text: str) -> str:
    return str(capfirst(text))


def lowercase_first(text: str) -> str:
    """The text for the middle of a sentence. A word in all capitals stays as it is."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def year_since(start: dt.date, *, on: dt.date) -> int:
    """The number of the year that `on` is in, counted from `start`: 1 until the day before its first anniversary."""
    return on.year - start.year + 1 - ((on.month, on.day) < (start.month, start.day))
