"""Serializer fields for the values of an import file, as strict as JSON is; their messages say what to write instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

MAX_SHOWN_LENGTH = 80
OPTIONAL: dict[str, Any] = {
    "default": "",
    "allow_blank": True,
    "allow_null": True,
}  # of a text; null is as absent


class _Strict(serializers.Field):
    """Refuses what DRF would convert: the number 1 for a text, "2025" for a number, "yes" for true."""

    json_type: type

    def to_internal_value(self, data: Any) -> Any:
        if type(data) is not self.json_type:
            self.fail("invalid")
        return super().to_internal_value(data)


class Text(_Strict, serializers.CharField):
    json_type = str
    default_error_messages: dict[str, Any] = dict.fromkeys(
        ("invalid", "blank", "null"), _("write some text.")
    ) | {"max_length": _("has %(show_value)d characters. Shorten it to %(limit_value)d.")}


class Pattern(Text):
    """A text that `validator` accepts; `remedy` says how to write it."""

    def __init__(self, validator: Callable[[str], None], *, remedy: Any, **kwargs: Any) -> None:
        self.validator = validator
        messages = dict.fromkeys(("invalid", "blank", "null"), remedy)
        super().__init__(error_messages=messages, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        try:
            self.validator(value)
        except ValidationError:
            self.fail("invalid")
        return value


class Year(_Strict, serializers.IntegerField):
    json_type = int
    default_error_messages: dict[str, Any] = dict.fromkeys(
        ("invalid", "min_value", "max_value"), _("write a year from 1900 to 2100 without quotes, or null.")
    )


class Flag(_Strict, serializers.BooleanField):
    json_type = bool
    default_error_messages: dict[str, Any] = dict.fromkeys(
        ("invalid", "null"), _("write true or false without quotes.")
    )


class Choice(serializers.ChoiceField):
    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        message = _("is not known. Write one of: %(known)s.") % {"known": ", ".join(choices)}
        kwargs["error_messages"] = dict.fromkeys(("invalid_choice", "null"), message)
        super().__init__(choices, **kwargs)


class WordList(serializers.ListField):
    """Words of at most 80 characters, each once."""

    child = Text(max_length=80)
    default_error_messages: dict[str, Any] = dict.fromkeys(
        ("invalid", "not_a_list", "null"), _("write a list of words of at most 80 characters each.")
    )

    def run_child_validation(self, data: Any) -> Any:
        try:
            return list(dict.fromkeys(super().run_child_validation(data)))
        except serializers.ValidationError:
            self.fail("invalid")


class ChoiceList(serializers.ListField):
    """Known values, each once. `choices` maps the values in the file to those of the model.

    Without it they are those of the serializer's context under the field's name.
    """

    default_error_messages: dict[str, Any] = dict.fromkeys(
        ("not_a_list", "null"), _('write a list, like ["one", "two"].')
    ) | {
        "unknown": _("{value} is not known. Write any of: {known}."),
        "none_yet": _("{value} is not known. Write any of: none yet. Run import_taxonomy first."),
    }

    def __init__(self, choices: Sequence[str] | None = None, **kwargs: Any) -> None:
        self.choices = None if choices is None else {value: value for value in choices}
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        values = super().to_internal_value(data)
        choices: Mapping[str, str] = self.choices or self.context[self.field_name or ""]
        for value in values:
            if not isinstance(value, str) or value not in choices:
                error = "unknown" if choices else "none_yet"
                self.fail(error, value=truncated_json(value), known=", ".join(choices))
        return list(dict.fromkeys(choices[value] for value in values))


class LineSerializer(serializers.Serializer[Any]):
    """The entries of an import file, one after the other. Null is as absent where a field allows it."""

    def parse(
        self, data: Mapping[str, Any], line: str, *, names: Mapping[str, str] | None = None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The values of an entry, and by field the messages of its errors: 'Line 2, year "2025": write a year …'.

        With errors there are no values. `names` maps a field to its name in the file, if that differs.
        """
        self.initial_data = data
        try:
            return self.run_validation(data), {}
        except serializers.ValidationError as error:
            details: Any = error.detail
        messages = {}
        for field, (detail, *_more) in details.items():
            value = f" {truncated_json(data[field])}" if field in data else ""
            remedy = _("is missing. Add it.") if detail.code == "required" else detail
            messages[field] = f"{line}, {(names or {}).get(field, field)}{value}: {remedy}"
        return {}, messages

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        nullable = {name for name, field in self.fields.items() if field.allow_null}
        return super().to_internal_value(
            {name: value for name, value in data.items() if value is not None or name not in nullable}
        )


def truncated_json(value: Any) -> str:
    """The value as it is in the file, cut to the length that a message has room for."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_LENGTH else text[: MAX_SHOWN_LENGTH - 1] + "…"
