"""The demo's library, written in bulk: the same rows as its import, without revisions and signals.

tests/resources/test_import.py checks that both write the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.utils import timezone

import resources
from resources import services
from resources.imports import items as import_items
from resources.models import LibraryItem
from search.indexing import sync

DEMO = Path(resources.__file__).parent / "demo"


def load_demo_taxonomy() -> None:
    """Import the demo's topics, sectors and synonyms."""
    topics = json.loads((DEMO / "topics.json").read_text(encoding="utf-8"))
    services.import_taxonomy(topics, (DEMO / "synonyms.txt").read_text(encoding="utf-8").splitlines())


def load_demo_library(*, first: int | None = None) -> None:
    """Write the taxonomy and the items (only the `first` ones, if given) with their search documents."""
    load_demo_taxonomy()
    lines = (DEMO / "items.jsonl").read_text(encoding="utf-8").splitlines()[:first]
    parsed, errors = import_items.parse_lines(lines)
    assert errors == []
    now = timezone.now()
    items: dict[str, LibraryItem] = {}
    for row in import_items.sort_parents_first(parsed):
        fields: dict[str, Any] = dict(row.fields)
        parent = fields.pop("adapted_from")
        items[fields["key"]] = LibraryItem(
            **fields, adapted_from=items.get(parent), first_published_at=now, last_published_at=now
        )
    _save(list(items.values()))
    sync.refresh_library(item.pk for item in items.values())


def _save(items: list[LibraryItem]) -> None:
    """Insert items after those they are adapted from: one statement for each generation."""
    while items:
        ready = [item for item in items if item.adapted_from is None or item.adapted_from.pk]
        for item in ready:
            item.adapted_from = item.adapted_from  # its primary key is known now
        LibraryItem.objects.bulk_create(ready)
        items = [item for item in items if item.pk is None]
