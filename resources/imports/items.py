"""Lines of a library file and entries of a topic list, checked before anything is written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_slug
from django.utils.text import slugify
from django.utils.translation import gettext as _

from resources.models import DecisionKind, LibraryItem, Strategy
from tenants.models import ActionStage, Jurisdiction, Sector, Topic

Choices = Mapping[str, Any]

SPANISH_SECTOR_LABELS = {
    "arts-and-culture": "Artes y cultura",
    "criminal-justice": "Justicia penal",
    "education": "Educación",
    "environment": "Medio ambiente",
    "equitable-development": "Desarrollo equitativo",
    "health": "Salud",
    "housing": "Vivienda",
    "jobs": "Empleo",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One checked line. `fields` are those of LibraryItem; `adapted_from` is the parent's key or None."""

    line: int
    fields: dict[str, Any]


class FieldError(Exception):
    """What is wrong with a value, and what to write instead."""


def parse_lines(lines: Iterable[str]) -> tuple[list[Row], list[str]]:
    """The rows of a JSON Lines text, and one message per fault. Empty lines are passed over."""
    readers = _field_parsers()
    parsed: list[Row] = []
    faults: list[str] = []
    first_line_of: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields, found = _parse_line(line, number, readers)
        faults += found
        if fields is None:
            continue
        key = fields.get("key")
        if key in first_line_of:
            faults.append(
                _(
                    "Line %(line)d, key %(value)s: line %(first)d has this key already. Give each item its own."
                )
                % {"line": number, "value": json.dumps(key), "first": first_line_of[key]}
            )
            continue
        if key:
            first_line_of[key] = number
        parsed.append(Row(number, fields))
    faults += _parent_errors(parsed)
    return parsed, faults


def sort_parents_first(parsed: list[Row]) -> list[Row]:
    """The same rows, each after the one it is adapted from. The rows have passed `parse`."""
    by_key = {row.fields["key"]: row for row in parsed}
    ordered: dict[str, Row] = {}

    def place(row: Row) -> None:
        parent = by_key.get(row.fields["adapted_from"] or "")
        if parent is not None and parent.fields["key"] not in ordered:
            place(parent)
        ordered.setdefault(row.fields["key"], row)

    for row in parsed:
        place(row)
    return list(ordered.values())


def _parse_line(line: str, number: int, readers: dict[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
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
    faults = [
        _("Line %(line)d, %(field)s: no such field. Known: %(known)s.")
        % {"line": number, "field": name, "known": ", ".join(readers)}
        for name in data.keys() - readers.keys()
    ]
    for name, (target, read, default) in readers.items():
        if name not in data and default is REQUIRED:
            faults.append(
                _("Line %(line)d, %(field)s: is missing. Add it.") % {"line": number, "field": name}
            )
            continue
        try:
            fields[target] = read(data[name]) if name in data else default()
        except FieldError as fault:
            faults.append(
                _("Line %(line)d, %(field)s %(value)s: %(remedy)s")
                % {"line": number, "field": name, "value": truncated_json(data[name]), "remedy": fault}
            )
    if fields.get("licence") == LibraryItem.License.LINK_ONLY and not fields.get("source_url"):
        faults.append(
            _("Line %(line)d, source_url: a link-only item needs the address of the original.")
            % {"line": number}
        )
    return fields, faults


def _parent_errors(parsed: list[Row]) -> list[str]:
    parent_of = dict(LibraryItem.objects.values_list("key", "adapted_from__key"))
    known = set(parent_of)
    parent_of |= {row.fields["key"]: row.fields.get("adapted_from") for row in parsed if "key" in row.fields}
    known |= set(parent_of)
    faults = []
    for row in parsed:
        key, parent = row.fields.get("key"), row.fields.get("adapted_from")
        if not key or not parent:
            continue
        where = {"line": row.line, "value": json.dumps(parent)}
        if parent not in known:
            text = _(
                "Line %(line)d, adapted_from %(value)s: no item has this key. Add that item, or write null."
            )
            faults.append(text % where)
            continue
        seen = {key}
        while parent and parent not in seen:
            seen.add(parent)
            parent = parent_of.get(parent)
        if parent == key:
            text = _("Line %(line)d, adapted_from %(value)s: the chain leads back to this item. Break it.")
            faults.append(text % where)
    return faults


def REQUIRED() -> None:
    """Marks a field without which a line is refused."""


def _field_parsers() -> dict[str, tuple[str, Callable[[Any], Any], Callable[[], Any]]]:
    """Field of the file -> field of the model, how to read a value, what stands when it is absent."""
    item = LibraryItem
    sectors = {label: slug for slug, label in Sector.objects.values_list("slug", "label")}
    sectors |= {slug: slug for slug in sectors.values()}
    topics = {slug: slug for slug in Topic.objects.values_list("slug", flat=True)}
    missing = _("Run import_taxonomy first.") if not topics else ""
    return {
        "key": ("key", parse_key, REQUIRED),
        "title": ("title", text_parser(200), REQUIRED),
        "type": ("type", choice_parser(item.Type), REQUIRED),
        "summary": ("summary", text_parser(500), REQUIRED),
        "body": ("body", text_parser(None, empty=True), str),
        "sectors": ("sectors", choice_list_parser(sectors, missing), list),
        "topics": ("topics", choice_list_parser(topics, missing), list),
        "stage": ("stage", choice_list_parser(_identity_choices(ActionStage)), list),
        "strategies": ("strategies", choice_list_parser(_identity_choices(Strategy)), list),
        "decision_kinds": ("decision_kinds", choice_list_parser(_identity_choices(DecisionKind)), list),
        "origin": ("origin", text_parser(160), REQUIRED),
        "origin_state": ("origin_state", parse_state, str),
        "origin_kind": ("origin_kind", choice_parser(item.OriginKind), REQUIRED),
        "population_band": ("population_band", choice_parser(Jurisdiction.PopulationBand, empty=True), str),
        "year": ("year", parse_year, lambda: None),
        "legal_form": ("legal_form", choice_parser(item.LegalForm, empty=True), str),
        "evidence": ("evidence", choice_parser(item.Evidence), REQUIRED),
        "effort": ("effort", choice_parser(item.Effort), REQUIRED),
        "licence": ("licence", choice_parser(item.License), REQUIRED),
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


def _identity_choices(choices: Any) -> dict[str, str]:
    return {value: value for value in choices.values}


def text_parser(longest: int | None, *, empty: bool = False) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value is None and empty:
            return ""
        if not isinstance(value, str) or (not value.strip() and not empty):
            raise FieldError(_("write some text."))
        if longest and len(value) > longest:
            text = _("has %(length)d characters. Shorten it to %(longest)d.")
            raise FieldError(text % {"length": len(value), "longest": longest})
        return value.strip()

    return read


def choice_parser(choices: Any, *, empty: bool = False) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if empty and value in (None, ""):
            return ""
        if value not in choices.values:
            raise FieldError(
                _("is not known. Write one of: %(known)s.") % {"known": ", ".join(choices.values)}
            )
        return str(value)

    return read


def choice_list_parser(choices: Choices, hint: str = "") -> Callable[[Any], list[str]]:
    def read(value: Any) -> list[str]:
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

    return read


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
    if len(value) > 500:
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
        isinstance(word, str) and 0 < len(word.strip()) <= 80 for word in value
    ):
        raise FieldError(_("write a list of words of at most 80 characters each."))
    return list(dict.fromkeys(word.strip() for word in value))


def truncated_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


# ---- Topics and synonyms ---------------------------------------------------------------------------------
def validate_topics(topics: Any) -> list[str]:
    """One message per entry that cannot be taken over."""
    if not isinstance(topics, list):
        return [_('The topics file is not a list. Write [{"slug": …, "label": …}].')]
    faults = []
    readers: dict[str, Callable[[Any], Any]] = {
        "slug": _parse_topic_slug,
        "label": text_parser(80),
        "label_es": text_parser(80, empty=True),
        "sector": text_parser(60, empty=True),
        "definition": text_parser(300, empty=True),
        "aliases": parse_string_list,
    }
    for number, row in enumerate(topics, start=1):
        if not isinstance(row, dict):
            faults.append(
                _("Topic %(number)d: %(value)s is not an object.")
                % {"number": number, "value": truncated_json(row)}
            )
            continue
        for name, read in readers.items():
            try:
                read(row.get(name, [] if name == "aliases" else None))
            except FieldError as fault:
                faults.append(
                    _("Topic %(number)d, %(field)s %(value)s: %(remedy)s")
                    % {
                        "number": number,
                        "field": name,
                        "value": truncated_json(row.get(name)),
                        "remedy": fault,
                    }
                )
    return faults


def _parse_topic_slug(value: Any) -> str:
    try:
        validate_slug(value if isinstance(value, str) else "")
    except ValidationError:
        raise FieldError(_("use small letters, digits and hyphens, like “fines-fees”.")) from None
    if len(value) > 60:
        raise FieldError(_("has %(length)d characters. Shorten it to 60.") % {"length": len(value)})
    return str(value)


def topic_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "label": row["label"],
        "label_es": row.get("label_es") or "",
        "sector_id": slugify(row["sector"]) if row.get("sector") else None,
        "definition": row.get("definition") or "",
        "aliases": list(row.get("aliases") or []),
    }


def collect_sectors(topics: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """The sectors the topics name, by label: [("housing", "Housing", "Vivienda")]."""
    labels = sorted({row["sector"] for row in topics if row.get("sector")})
    return [(slugify(label), label, SPANISH_SECTOR_LABELS.get(slugify(label), "")) for label in labels]


def parse_synonyms(lines: Iterable[str]) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Groups of a Solr synonyms text with the comment above them: [("Fines", ["late fees", "late fines"])], and faults.

    Only groups of equals are taken; a rule with an arrow is refused, because the portal has no one-way synonyms.
    """
    groups: list[tuple[str, list[str]]] = []
    faults = []
    theme = ""
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("#"):
            theme = text.lstrip("# ").strip()[:80] if groups or number > 1 else ""
            continue
        if not text:
            continue
        terms = list(dict.fromkeys(term.strip() for term in text.split(",") if term.strip()))
        if "=>" in text:
            remedy = _("one-way rules are not known. Write terms of equal meaning, separated by commas.")
        elif len(terms) < 2:
            remedy = _("a group needs two terms or more, separated by commas.")
        elif any(len(term) > 80 for term in terms):
            remedy = _("a term has more than 80 characters.")
        else:
            groups.append((theme, terms))
            continue
        faults.append(
            _("Synonyms line %(line)d %(value)s: %(remedy)s")
            % {"line": number, "value": truncated_json(text), "remedy": remedy}
        )
    return groups, faults
