"""Parsers for the values of an import file: each returns the value for the model, or raises FieldError."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_slug
from django.utils.translation import gettext as _

from resources.models import LibraryItem

MAX_URL_LENGTH = 500
MAX_WORD_LENGTH = 80
MAX_SHOWN_LENGTH = 80


class FieldError(Exception):
    """A value is not accepted; the message says what to write instead."""


def text_parser(max_length: int | None, *, empty: bool = False) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value is None and empty:
            return ""
        if not isinstance(value, str) or (not value.strip() and not empty):
            raise FieldError(_("write some text."))
        if max_length and len(value) > max_length:
            text = _("has %(length)d characters. Shorten it to %(longest)d.")
            raise FieldError(text % {"length": len(value), "longest": max_length})
        return value.strip()

    return parse


def choice_parser(choices: Any, *, empty: bool = False) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if empty and value in (None, ""):
            return ""
        if value not in choices.values:
            raise FieldError(
                _("is not known. Write one of: %(known)s.") % {"known": ", ".join(choices.values)}
            )
        return str(value)

    return parse


def choice_list_parser(choices: Mapping[str, Any], hint: str = "") -> Callable[[Any], list[str]]:
    """A parser for lists; `choices` maps the values in the file to those of the model."""

    def parse(value: Any) -> list[str]:
        if not isinstance(value, list):
            raise FieldError(_('write a list, like ["one", "two"].'))
        unknown = [entry for entry in value if not isinstance(entry, str) or entry not in choices]
        if unknown:
            text = _("%(value)s is not known. Write any of: %(known)s.")
            known = ", ".join(dict.fromkeys(choices)) or _("none yet")
            raise FieldError(
                " ".join([text % {"value": truncated_json(unknown[0]), "known": known}, hint]).strip()
            )
        return list(dict.fromkeys(choices[entry] for entry in value))

    return parse


def parse_key(value: Any) -> str:
    try:
        validate_slug(value if isinstance(value, str) else "")
        LibraryItem._meta.get_field("key").run_validators(value)
    except ValidationError:
        raise FieldError(
            _("use small letters, digits and single hyphens, at most 80, like “end-overdue-fines”.")
        ) from None
    return str(value)


def parse_state(value: Any) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or len(value) != 2 or not value.isalpha() or not value.isupper():
        raise FieldError(_("write the state’s two capital letters, like MN, or null."))
    return value


def parse_year(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1900 <= value <= 2100:
        raise FieldError(_("write a year from 1900 to 2100 without quotes, or null."))
    return value


def parse_url(value: Any) -> str:
    if value in (None, ""):
        return ""
    try:
        URLValidator(schemes=["http", "https"])(value)
    except ValidationError:
        raise FieldError(_("write a full address, like https://example.org/page, or null.")) from None
    if len(value) > MAX_URL_LENGTH:
        raise FieldError(
            _("has %(length)d characters. Use an address of at most 500.") % {"length": len(value)}
        )
    return str(value)


def parse_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise FieldError(_("write true or false without quotes."))
    return value


def parse_string_list(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(
        isinstance(word, str) and 0 < len(word.strip()) <= MAX_WORD_LENGTH for word in value
    ):
        raise FieldError(_("write a list of words of at most 80 characters each."))
    return list(dict.fromkeys(word.strip() for word in value))


def truncated_json(value: Any) -> str:
    """The value as it is in the file, cut to the length that a message has room for."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_LENGTH else text[: MAX_SHOWN_LENGTH - 1] + "…"
