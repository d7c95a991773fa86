"""Entries of a topic list and lines of a synonyms file, checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.utils.text import slugify
from django.utils.translation import gettext as _

from resources.imports.fields import FieldError, parse_string_list, text_parser, truncated_json

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


def validate_topics(topics: Any) -> list[str]:
    """One message for each error in the entries of a topics file."""
    if not isinstance(topics, list):
        return [_('The topics file is not a list. Write [{"slug": …, "label": …}].')]
    errors = []
    parsers: dict[str, Callable[[Any], Any]] = {
        "slug": _parse_topic_slug,
        "label": text_parser(80),
        "label_es": text_parser(80, empty=True),
        "sector": text_parser(60, empty=True),
        "definition": text_parser(300, empty=True),
        "aliases": parse_string_list,
    }
    for number, row in enumerate(topics, start=1):
        if not isinstance(row, dict):
            errors.append(
                _("Topic %(number)d: %(value)s is not an object.")
                % {"number": number, "value": truncated_json(row)}
            )
            continue
        for name, parse in parsers.items():
            try:
                parse(row.get(name, [] if name == "aliases" else None))
            except FieldError as error:
                errors.append(
                    _("Topic %(number)d, %(field)s %(value)s: %(remedy)s")
                    % {
                        "number": number,
                        "field": name,
                        "value": truncated_json(row.get(name)),
                        "remedy": error,
                    }
                )
    return errors


def _parse_topic_slug(value: Any) -> str:
    try:
        validate_slug(value if isinstance(value, str) else "")
    except ValidationError:
        raise FieldError(_("use small letters, digits and hyphens, like “fines-fees”.")) from None
    if len(value) > 60:
        raise FieldError(_("has %(length)d characters. Shorten it to 60.") % {"length": len(value)})
    return str(value)


def topic_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of Topic for a validated entry, without the slug."""
    return {
        "label": row["label"],
        "label_es": row.get("label_es") or "",
        "sector_id": slugify(row["sector"]) if row.get("sector") else None,
        "definition": row.get("definition") or "",
        "aliases": list(row.get("aliases") or []),
    }


def collect_sectors(topics: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """The sectors that the topics name, sorted by label: [("housing", "Housing", "Vivienda")]."""
    labels = sorted({row["sector"] for row in topics if row.get("sector")})
    return [(slugify(label), label, SPANISH_SECTOR_LABELS.get(slugify(label), "")) for label in labels]


def parse_synonyms(lines: Iterable[str]) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Groups of a Solr synonyms file with the comment above them: [("Fines", ["late fees", "late fines"])], and errors.

    Only groups of equal terms are accepted; a rule with an arrow is an error, because the portal has no one-way synonyms.
    """
    groups: list[tuple[str, list[str]]] = []
    errors = []
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
        errors.append(
            _("Synonyms line %(line)d %(value)s: %(remedy)s")
            % {"line": number, "value": truncated_json(text), "remedy": remedy}
        )
    return groups, errors
