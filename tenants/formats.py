"""How pages write dates, ages, numbers, choices and headings. Files and the API have ISO dates, numbers and codes instead.

The rows of a list have the same few dates, ages and choices, so their texts are cached for each language.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from django.contrib.humanize.templatetags.humanize import apnumber
from django.db import connection
from django.db.models import TextChoices
from django.utils.formats import date_format, number_format
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from localflavor.us.us_states import CONTIGUOUS_STATES, NON_CONTIGUOUS_STATES

# By Jurisdiction.Kind.
_KINDS_IN_SENTENCES = {
    "city": gettext_lazy("the city"),
    "town": gettext_lazy("the town"),
    "village": gettext_lazy("the village"),
    "county": gettext_lazy("the county"),
    "school_or_park_district": gettext_lazy("the district"),
    "regional": gettext_lazy("the agency"),
    "state_agency": gettext_lazy("the agency"),
    "tribal": gettext_lazy("the tribe"),
    "department": gettext_lazy("the department"),
}

MAX_ABBREVIATION_LENGTH = 6
# In titles that are written in capitals throughout: see sentence_case.
_ABBREVIATIONS = frozenset(
    [
        "ADA",
        "ARPA",
        "BIPOC",
        "DBE",
        "DEI",
        "EEO",
        "EMS",
        "EPA",
        "FEMA",
        "FOIA",
        "GARE",
        "GIS",
        "HUD",
        "LGBTQ",
        "LGBTQIA",
        "MBE",
        "MWBE",
        "REAP",
        "USDA",
        "WBE",
    ]
)
# Names in such titles, besides those of states and of the jurisdiction itself. “May” and “March” are verbs as well.
_NAMES = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    "January", "February", "April", "June", "July", "August", "September", "October", "November", "December",
    "African American", "African", "American", "Asian", "Black", "Hispanic", "Indigenous", "Latina", "Latino", "Latine",
    "Latinx", "Native American", "Pacific Islander", "Pacific Islanders", "English", "Hmong", "Somali", "Spanish",
    "Vietnamese", "Congress", "Juneteenth", "Medicaid", "Medicare",
    *(str(name) for _code, name in CONTIGUOUS_STATES + NON_CONTIGUOUS_STATES),
)  # fmt: skip
_MARKS = "\ue000\ue001"  # around a match of a search


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


def action_heading(number: str, title: str, *, jurisdiction_name: str = "") -> str:
    """ "4.1 Eviction help" from "4.1" and "Eviction help.": titles of sheets are sentences, headings have no period.

    `jurisdiction_name` as in `sentence_case`.
    """
    text = sentence_case(
        title[:-1] if title.endswith(".") and not title.endswith("..") else title,
        jurisdiction_name=jurisdiction_name,
    )
    return f"{number} {text}" if number else text


def title_with_label(label: str, title: str, *, jurisdiction_name: str = "") -> str:
    """A goal or outcome with the city's own label: "Goal 1: Fair streets". `jurisdiction_name` as in `sentence_case`."""
    title = sentence_case(title, jurisdiction_name=jurisdiction_name)
    return f"{sentence_case(label)}: {title}" if label else title


def sentence_case(title: str, *, jurisdiction_name: str = "") -> str:
    """ "Hiring and retention" from "HIRING AND RETENTION"; a title with a small letter stays as it is.

    So does a single word of up to six letters: it may be an abbreviation or a name. In longer titles abbreviations stay:
    _ABBREVIATIONS, and words in parentheses, without a vowel, or with a digit or a period inside. Names keep their first
    letter: _NAMES, and that of the jurisdiction, which is the one whose host is served unless another is given.
    Only headings are written like this, never what is stored. Other names, like that of a street, lose their capitals.
    """
    if not title.isupper() or (len(title.split()) < 2 and len(title) <= MAX_ABBREVIATION_LENGTH):
        return title
    starts_sentence, words = True, []
    for word in re.split(r"(\s+)", title):
        if not word or word.isspace():
            words.append(word)
            continue
        core = word.strip(f".,;:!?…“”\"'’{_MARKS}")
        is_abbreviation = _is_abbreviation(core)
        if not is_abbreviation:
            word = word.lower()
            if starts_sentence:
                word = re.sub(r"[^\W\d_]", lambda letter: letter[0].upper(), word, count=1)
        words.append(word)
        starts_sentence = word.endswith((".", "!", "?")) and not is_abbreviation
    return _with_names("".join(words), jurisdiction_name or getattr(connection.tenant, "name", ""))


def _with_names(text: str, jurisdiction_name: str) -> str:
    names, pattern = _known_names(jurisdiction_name)

    def as_known(match: re.Match[str]) -> str:
        letters = iter(names["".join(_LETTERS.findall(match[0])).lower()])
        return _LETTERS.sub(lambda _letter: next(letters), match[0])

    return pattern.sub(as_known, text)


_LETTERS = re.compile(rf"[^\s{_MARKS}]")


@lru_cache(512)
def _known_names(jurisdiction_name: str) -> tuple[dict[str, str], re.Pattern[str]]:
    """The names by their letters, small and without spaces; and what finds them, whichever of their words are marked."""
    # "Marrow Bend" of "City of Marrow Bend (Sample)"
    own = re.sub(r"^.* of |\s*\(.*\)$", "", jurisdiction_name)
    names = [name for name in (*_NAMES, own) if name]
    between = rf"[\s{_MARKS}]+"
    spellings = (between.join(map(re.escape, name.split())) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(spellings)})(?!\w)", re.IGNORECASE)
    return {"".join(name.split()).lower(): "".join(name.split()) for name in names}, pattern


def _is_abbreviation(word: str) -> bool:
    return (
        word in _ABBREVIATIONS
        or word.startswith("(")
        or word.endswith(")")
        or re.search(r"[0-9.]", word) is not None
        or re.search(r"[AEIOUYÁÉÍÓÚ]", word) is None
    )


def capitalize_first(text: str) -> str:
    return str(capfirst(text))


def lowercase_first(text: str) -> str:
    """The text for the middle of a sentence. A word in all capitals stays as it is."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def year_since(start: dt.date, *, on: dt.date) -> int:
    """The number of the year that `on` is in, counted from `start`: 1 until the day before its first anniversary."""
    return on.year - start.year + 1 - ((on.month, on.day) < (start.month, start.day))


def the_kind(kind: str) -> str:
    """What a sentence calls a jurisdiction of this kind (Jurisdiction.Kind): "the city", "the county", "the tribe"."""
    return str(_KINDS_IN_SENTENCES[kind])
