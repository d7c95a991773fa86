"""The library of the demo, written at once: what its import writes, without revisions and what tells of them.

That both write the same is asked by tests/resources/test_import.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.utils import timezone

import resources
from resources import services
from resources.imports import items as rows
from resources.models import LibraryItem
from search.indexing import sync

DEMO = Path(resources.__file__).parent / "demo"


def load_demo_taxonomy() -> None:
    """The demo's topics, sectors and synonyms."""
    topics = json.loads((DEMO / "topics.json").read_text(encoding="utf-8"))
    services.import_taxonomy(topics, (DEMO / "synonyms.txt").read_text(encoding="utf-8").splitlines())


def load_demo_library(*, first: int | None = None) -> None:
    """The taxonomy and the items, or the first so many of them, with their documents for the search."""
    load_demo_taxonomy()
    lines = (DEMO / "items.jsonl").read_text(encoding="utf-8").splitlines()[:first]
    parsed, faults = rows.parse_lines(lines)
    assert faults == []
    now = timezone.now()
    items: dict[str, LibraryItem] = {}
    for row in rows.sort_parents_first(parsed):
        fields: dict[str, Any] = dict(row.fields)
        parent = fields.pop("adapted_from")
        items[fields["key"]] = LibraryItem(
            **fields, adapted_from=items.get(parent), first_published_at=now, last_published_at=now
        )
    _save(list(items.values()))
    sync.refresh_library(item.pk for item in items.values())


def _save(items: list[LibraryItem]) -> None:
    """Each after the one it is adapted from, in as many statements as there are generations."""
    while items:
        ready = [item for item in items if item.adapted_from is None or item.adapted_from.pk]
        for item in ready:
            item.adapted_from = item.adapted_from  # its number is known by now
        LibraryItem.objects.bulk_create(ready)
        items = [item for item in items if item.pk is None]
