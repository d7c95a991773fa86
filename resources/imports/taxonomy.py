"""Entries of a topic list and lines of a synonyms file, checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.validators import validate_slug
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from resources.imports.fields import OPTIONAL, LineSerializer, Pattern, Text, WordList, truncated_json

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


class TopicSerializer(LineSerializer):
    """One entry of a topics file. Fields that it does not have are left out."""

    slug = Pattern(
        validate_slug, remedy=_("use small letters, digits and hyphens, like “fines-fees”."), max_length=60
    )
    label = Text(max_length=80)  # type: ignore[assignment]  # a name that a serializer's own field has too
    label_es = Text(max_length=80, **OPTIONAL)
    sector = Text(max_length=60, **OPTIONAL)
    definition = Text(max_length=300, **OPTIONAL)
    aliases = WordList(default=list)


def parse_topics(topics: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The checked entries of a topics file, and one message for each error."""
    if not isinstance(topics, list):
        return [], [str(_('The topics file is not a list. Write [{"slug": …, "label": …}].'))]
    serializer = TopicSerializer()
    rows, errors = [], []
    for number, row in enumerate(topics, start=1):
        entry = _("Topic %(number)d") % {"number": number}
        if not isinstance(row, dict):
            errors.append(
                _("%(entry)s: %(value)s is not an object.") % {"entry": entry, "value": truncated_json(row)}
            )
            continue
        values, field_errors = serializer.parse(row, entry)
        rows.append(values)
        errors += field_errors.values()
    return rows, errors


def topic_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of Topic for a checked entry, without the slug."""
    names = ("label", "label_es", "definition", "aliases")
    return {name: row[name] for name in names} | {"sector_id": slugify(row["sector"]) or None}


def collect_sectors(topics: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """The sectors that the topics name, sorted by label: [("housing", "Housing", "Vivienda")]."""
    labels = sorted({row["sector"] for row in topics if row["sector"]})
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
