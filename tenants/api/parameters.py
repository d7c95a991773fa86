"""Query parameters: their values, the filter that they apply, and their description in the reference."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from tenants.api.problems import BadParameters

SLUG = r"^[a-z0-9]+([_-][a-z0-9]+)*$"
UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_FIRST = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_LAST = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
MOST_VALUES = 30  # of one parameter
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Parameter:
    """One query parameter. `schema` describes a single value, `read` parses its text for `lookup`.

    `read` raises ValueError with what to write instead. With `many` the parameter may be repeated: rows that match any
    of the values are included.
    """

    name: str
    says: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    lookup: str = ""
    many: bool = False


def read(parameters: Sequence[Parameter], given: QueryDict) -> dict[str, Any]:
    """Parse the given parameters: values by name, lists for parameters with `many`. Raises BadParameters."""
    by_name = {parameter.name: parameter for parameter in parameters}
    values: dict[str, Any] = {}
    errors: list[dict[str, str]] = []

    def refuse(name: str, value: str, detail: str) -> None:
        errors.append({"parameter": name[:100], "value": value[:200], "detail": detail})

    for name, texts in given.lists():
        parameter = by_name.get(name)
        if parameter is None:
            names = ", ".join(sorted(by_name)) or _("none")
            refuse(
                name, texts[-1], _("There is no such parameter here. Known: %(names)s.") % {"names": names}
            )
            continue
        limit = MOST_VALUES if parameter.many else 1
        if len(texts) > limit:
            refuse(name, texts[-1], _("Give it at most %(most)d times.") % {"most": limit})
            continue
        for text in texts:
            try:
                value = parameter.read(text)
            except ValueError as error:
                refuse(name, text, str(error))
                continue
            if parameter.many:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
    if errors:
        raise BadParameters(errors)
    return values


def choice(
    name: str, says: str, choices: Iterable[str], *, lookup: str = "", many: bool = True, none: str = ""
) -> Parameter:
    """A parameter with a fixed list of values. `none` is the text of the empty value."""
    values = [*map(str, choices), *([none] if none else [])]

    def read_one(text: str) -> str:
        if text not in values:
            raise ValueError(_("Use one of: %(known)s.") % {"known": ", ".join(values)})
        return "" if text == none else text

    return Parameter(name, says, {"type": "string", "enum": values}, read_one, lookup, many)


def slug(name: str, says: str, *, lookup: str, max_length: int = 60) -> Parameter:
    def read_one(text: str) -> str:
        if len(text) > max_length or not re.fullmatch(SLUG, text):
            raise ValueError(_("Write small letters, digits and single hyphens, like “marrow-bend”."))
        return text

    schema = {"type": "string", "pattern": SLUG, "maxLength": max_length}
    return Parameter(name, says, schema, read_one, lookup, many=True)


def identity(name: str, says: str, *, lookup: str) -> Parameter:
    schema = {"type": "string", "format": "uuid", "pattern": UUID}
    return Parameter(name, says, schema, read_uuid, lookup, many=True)


def read_uuid(text: str) -> uuid.UUID:
    if not re.fullmatch(UUID, text):
        raise ValueError(_("Write a UUID, like 0b9c1f4e-5d36-4a6c-9a3e-2f1d7c8b4a60."))
    return uuid.UUID(text)


def state(name: str, says: str, *, lookup: str) -> Parameter:
    def read_one(text: str) -> str:
        if not re.fullmatch("[A-Z]{2}", text):
            raise ValueError(_("Write a state by its two capital letters, like MN."))
        return text

    return Parameter(name, says, {"type": "string", "pattern": "^[A-Z]{2}$"}, read_one, lookup, many=True)


def flag(name: str, says: str) -> Parameter:
    def read_one(text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError(_("Write true or false."))
        return text == "true"

    return Parameter(name, says, {"type": "boolean"}, read_one)


def number(name: str, says: str, *, low: int, high: int, default: int) -> Parameter:
    def read_one(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(_("Write a whole number from %(low)d to %(high)d.") % {"low": low, "high": high})
        return int(text)

    schema = {"type": "integer", "minimum": low, "maximum": high, "default": default}
    return Parameter(name, says, schema, read_one)


def day(name: str, says: str, *, lookup: str) -> Parameter:
    def read_one(text: str) -> dt.date:
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                return dt.date.fromisoformat(text)
        except ValueError:
            pass
        raise ValueError(_("Write a day as year, month and day, like 2027-06-30."))

    return Parameter(name, says, {"type": "string", "format": "date"}, read_one, lookup)


def updated_since(*, lookup: str) -> Parameter:
    return Parameter(
        "updated_since",
        "Only what changed or came to be seen at this moment or later (RFC 3339). Begin some minutes before your last "
        "request, because a change shows once it is committed. What was withdrawn is not told: compare a full list "
        "from time to time.",
        {"type": "string", "format": "date-time"},
        read_moment,
        lookup,
    )


def read_moment(text: str) -> dt.datetime:
    """Parse a timestamp of RFC 3339; a leap second counts as the next second. Raises ValueError with what to write."""
    match = _MOMENT.fullmatch(text)
    remedy = _(
        "Write a moment with its time zone, like 2027-06-30T17:00:00Z; a plus sign is %2B in an address."
    )
    if not match:
        raise ValueError(remedy)
    year, month, date, hour, minute, second = (int(part) for part in match.groups()[:6])
    micro = int((match[7] or ".0")[1:7].ljust(6, "0"))
    zone = match[8].upper()
    if (
        hour > 23
        or minute > 59
        or second > 60
        or (zone != "Z" and (int(zone[1:3]) > 23 or int(zone[4:]) > 59))
    ):
        raise ValueError(remedy)
    sign = -1 if zone.startswith("-") else 1
    offset = (
        dt.timedelta() if zone == "Z" else sign * dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    )
    leap = dt.timedelta(seconds=1) if second == 60 else dt.timedelta()
    if year == 0:  # datetime begins with year 1
        return _FIRST
    try:
        plain = dt.datetime(year, month, date, hour, minute, min(second, 59), micro, tzinfo=dt.UTC)
    except ValueError:
        raise ValueError(remedy) from None
    try:
        return plain - offset + leap
    except OverflowError:
        return _FIRST if year == 1 else _LAST
