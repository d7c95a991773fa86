"""Lines of a library file, checked before anything is written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _

from resources.imports.fields import (
    FieldError,
    choice_list_parser,
    choice_parser,
    parse_boolean,
    parse_key,
    parse_state,
    parse_string_list,
    parse_url,
    parse_year,
    text_parser,
    truncated_json,
)
from resources.models import DecisionKind, LibraryItem, Strategy
from tenants.models import ActionStage, Jurisdiction, Sector, Topic

REQUIRED = object()  # the default of a field that every line must have
FIELD_ALIASES = {"licence": "license"}  # another name in the file -> name of the field

# Name in the file -> field of LibraryItem, parser of a value, and what makes the value of a line without it, or REQUIRED
FieldParsers = dict[str, tuple[str, Callable[[Any], Any], Any]]


@dataclasses.dataclass(frozen=True)
class Row:
    """One checked line. `fields` are those of LibraryItem; `adapted_from` is the parent's key or None."""

    line: int
    fields: dict[str, Any]


def parse_lines(lines: Iterable[str]) -> tuple[list[Row], list[str]]:
    """The rows of a JSON Lines text, and one message for each error. Empty lines are skipped."""
    parsers = _field_parsers()
    parsed: list[Row] = []
    errors: list[str] = []
    first_line_of: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields, line_errors = _parse_line(line, number, parsers)
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


def _parse_line(line: str, number: int, parsers: FieldParsers) -> tuple[dict[str, Any] | None, list[str]]:
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
    fields: dict[str, Any] = {}
    name_in_file = {FIELD_ALIASES.get(name, name): name for name in data}
    errors = [
        _("Line %(line)d, %(field)s: no such field. Known: %(known)s.")
        % {"line": number, "field": name, "known": ", ".join(parsers)}
        for name in name_in_file.keys() - parsers.keys()
    ]
    for name, (target, parse, default) in parsers.items():
        if name not in name_in_file:
            if default is REQUIRED:
                message = _("Line %(line)d, %(field)s: is missing. Add it.")
                errors.append(message % {"line": number, "field": name})
            else:
                fields[target] = default()
            continue
        value = data[name_in_file[name]]
        try:
            fields[target] = parse(value)
        except FieldError as error:
            errors.append(
                _("Line %(line)d, %(field)s %(value)s: %(remedy)s")
                % {
                    "line": number,
                    "field": name_in_file[name],
                    "value": truncated_json(value),
                    "remedy": error,
                }
            )
    if fields.get("license") == LibraryItem.License.LINK_ONLY and not fields.get("source_url"):
        errors.append(
            _("Line %(line)d, source_url: a link-only item needs the address of the original.")
            % {"line": number}
        )
    return fields, errors


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


def _field_parsers() -> FieldParsers:
    """The parsers of all fields; the sectors and topics are those in the database."""
    item = LibraryItem
    sectors = {label: slug for slug, label in Sector.objects.values_list("slug", "label")}
    sectors |= {slug: slug for slug in sectors.values()}
    topics = {slug: slug for slug in Topic.objects.values_list("slug", flat=True)}
    hint = _("Run import_taxonomy first.") if not topics else ""
    return {
        "key": ("key", parse_key, REQUIRED),
        "title": ("title", text_parser(200), REQUIRED),
        "type": ("type", choice_parser(item.Type), REQUIRED),
        "summary": ("summary", text_parser(500), REQUIRED),
        "body": ("body", text_parser(None, empty=True), str),
        "sectors": ("sectors", choice_list_parser(sectors, hint), list),
        "topics": ("topics", choice_list_parser(topics, hint), list),
        "stage": ("stage", choice_list_parser({value: value for value in ActionStage.values}), list),
        "strategies": ("strategies", choice_list_parser({value: value for value in Strategy.values}), list),
        "decision_kinds": (
            "decision_kinds",
            choice_list_parser({value: value for value in DecisionKind.values}),
            list,
        ),
        "origin": ("origin", text_parser(160), REQUIRED),
        "origin_state": ("origin_state", parse_state, str),
        "origin_kind": ("origin_kind", choice_parser(item.OriginKind), REQUIRED),
        "population_band": ("population_band", choice_parser(Jurisdiction.PopulationBand, empty=True), str),
        "year": ("year", parse_year, lambda: None),
        "legal_form": ("legal_form", choice_parser(item.LegalForm, empty=True), str),
        "evidence": ("evidence", choice_parser(item.Evidence), REQUIRED),
        "effort": ("effort", choice_parser(item.Effort), REQUIRED),
        "license": ("license", choice_parser(item.License), REQUIRED),
        "attribution": ("attribution", text_parser(240, empty=True), str),
        "source_url": ("source_url", parse_url, str),
        "sample": ("is_sample", parse_boolean, bool),
        "adapted_from": (
            "adapted_from",
            lambda value: None if value is None else parse_key(value),
            lambda: None,
        ),
        "hidden_tags": ("hidden_tags", parse_string_list, list),
        "language": ("language", choice_parser(item.Language), lambda: item.Language.EN.value),
        "visibility": ("visibility", choice_parser(item.Audience), lambda: item.Audience.PUBLIC.value),
    }
