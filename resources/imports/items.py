"""Lines of a library file, checked before anything is written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from django.core.validators import RegexValidator, URLValidator
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from resources.imports.fields import (
    OPTIONAL,
    Choice,
    ChoiceList,
    Flag,
    LineSerializer,
    Pattern,
    Text,
    WordList,
    Year,
    truncated_json,
)
from resources.models import DecisionKind, LibraryItem, Strategy
from tenants.models import ActionStage, Jurisdiction, Sector, Topic

FIELD_ALIASES = {"licence": "license"}  # another name in the file -> name of the field


def _key(**options: Any) -> Pattern:
    return Pattern(
        lambda value: LibraryItem._meta.get_field("key").run_validators(value),
        remedy=_("use small letters, digits and single hyphens, at most 80, like “end-overdue-fines”."),
        **options,
    )


class ItemSerializer(LineSerializer):
    """One line: an item of the library. The context has the known `sectors` and `topics`, as ChoiceList needs them."""

    key = _key()
    title = Text(max_length=200)
    type = Choice(LibraryItem.Type.values)
    summary = Text(max_length=500)
    body = Text(**OPTIONAL)
    sectors = ChoiceList(default=list)
    topics = ChoiceList(default=list)
    stage = ChoiceList(ActionStage.values, default=list)
    strategies = ChoiceList(Strategy.values, default=list)
    decision_kinds = ChoiceList(DecisionKind.values, default=list)
    origin = Text(max_length=160)
    origin_state = Pattern(
        RegexValidator(r"^[A-Z]{2}\Z"),
        remedy=_("write the state’s two capital letters, like MN, or null."),
        **OPTIONAL,
    )
    origin_kind = Choice(LibraryItem.OriginKind.values)
    population_band = Choice(Jurisdiction.PopulationBand.values, **OPTIONAL)
    year = Year(min_value=1900, max_value=2100, allow_null=True, default=None)
    legal_form = Choice(LibraryItem.LegalForm.values, **OPTIONAL)
    evidence = Choice(LibraryItem.Evidence.values)
    effort = Choice(LibraryItem.Effort.values)
    license = Choice(LibraryItem.License.values)
    attribution = Text(max_length=240, **OPTIONAL)
    source_url = Pattern(
        URLValidator(schemes=["http", "https"]),
        remedy=_("write a full address, like https://example.org/page, or null."),
        max_length=500,
        **OPTIONAL,
    )
    sample = Flag(source="is_sample", default=False)
    adapted_from = _key(allow_null=True, default=None)
    hidden_tags = WordList(default=list)
    language = Choice(LibraryItem.Language.values, default=LibraryItem.Language.EN.value)
    visibility = Choice(LibraryItem.Audience.values, default=LibraryItem.Audience.PUBLIC.value)

    def validate_source_url(self, value: str) -> str:
        if not value and self.initial_data.get("license") == LibraryItem.License.LINK_ONLY:
            raise serializers.ValidationError(_("a link-only item needs the address of the original."))
        return value


@dataclasses.dataclass(frozen=True)
class Row:
    """One line. `fields` are those of LibraryItem; `adapted_from` is the parent's key or None.

    Of a line with errors they are at most the two keys, by which other lines are checked.
    """

    line: int
    fields: dict[str, Any]


def parse_lines(lines: Iterable[str]) -> tuple[list[Row], list[str]]:
    """The rows of a JSON Lines text, and one message for each error. Empty lines are skipped."""
    serializer = ItemSerializer(context=_known_values())
    parsed: list[Row] = []
    errors: list[str] = []
    first_line_of: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields, line_errors = _parse_line(line, number, serializer)
        errors += line_errors
        if fields is None:
            continue
        key = fields.get("key")
        if key in first_line_of:
            errors.append(
                _(
                    "Line %(line)d, key %(value)s: line %(first)d has this key already. Give each item its own."
                )
                % {"line": number, "value": json.dumps(key), "first": first_line_of[key]}
            )
            continue
        if key:
            first_line_of[key] = number
        parsed.append(Row(number, fields))
    errors += _parent_errors(parsed)
    return parsed, errors


def sort_parents_first(parsed: list[Row]) -> list[Row]:
    """The same rows, each after the one it is adapted from. The rows come from `parse_lines` without errors."""
    by_key = {row.fields["key"]: row for row in parsed}
    ordered: dict[str, Row] = {}

    def add(row: Row) -> None:
        parent = by_key.get(row.fields["adapted_from"] or "")
        if parent is not None and parent.fields["key"] not in ordered:
            add(parent)
        ordered.setdefault(row.fields["key"], row)

    for row in parsed:
        add(row)
    return list(ordered.values())


def _parse_line(
    line: str, number: int, serializer: ItemSerializer
) -> tuple[dict[str, Any] | None, list[str]]:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        text = _(
            'Line %(line)d: not JSON at column %(column)d. Write one object like {"key": …} on each line.'
        )
        return None, [text % {"line": number, "column": error.colno}]
    if not isinstance(data, dict):
        return None, [
            _('Line %(line)d: %(value)s is not an object. Write {"key": …}.')
            % {"line": number, "value": truncated_json(data)}
        ]
    name_in_file: dict[str, str] = {FIELD_ALIASES.get(name, name): name for name in data}
    values = {field: data[name] for field, name in name_in_file.items()}
    fields, field_errors = serializer.parse(values, _("Line %(line)d") % {"line": number}, names=name_in_file)
    unknown_errors = [
        _("Line %(line)d, %(field)s: no such field. Known: %(known)s.")
        % {"line": number, "field": name, "known": ", ".join(serializer.fields)}
        for name in name_in_file.keys() - serializer.fields.keys()
    ]
    if field_errors:
        keys = {"key", "adapted_from"} & values.keys() - field_errors.keys()
        fields = {name: values[name] for name in keys}
    return fields, [*unknown_errors, *field_errors.values()]


def _parent_errors(parsed: list[Row]) -> list[str]:
    """One message for each parent that does not exist or leads back to its own item."""
    parent_of = dict(LibraryItem.objects.values_list("key", "adapted_from__key"))
    parent_of |= {row.fields["key"]: row.fields.get("adapted_from") for row in parsed if "key" in row.fields}
    errors = []
    for row in parsed:
        key, parent = row.fields.get("key"), row.fields.get("adapted_from")
        if not key or not parent:
            continue
        params = {"line": row.line, "value": json.dumps(parent)}
        if parent not in parent_of:
            text = _(
                "Line %(line)d, adapted_from %(value)s: no item has this key. Add that item, or write null."
            )
            errors.append(text % params)
            continue
        seen = {key}
        while parent and parent not in seen:
            seen.add(parent)
            parent = parent_of.get(parent)
        if parent == key:
            text = _("Line %(line)d, adapted_from %(value)s: the chain leads back to this item. Break it.")
            errors.append(text % params)
    return errors


def _known_values() -> dict[str, dict[str, str]]:
    """The sectors and topics in the database, as ChoiceList needs them; a sector also by its label."""
    sectors = {label: slug for slug, label in Sector.objects.values_list("slug", "label")}
    return {
        "sectors": sectors | {slug: slug for slug in sectors.values()},
        "topics": {slug: slug for slug in Topic.objects.values_list("slug", flat=True)},
    }
