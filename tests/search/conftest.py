from __future__ import annotations

import json
from pathlib import Path

import pytest

import resources
from resources import services

DEMO = Path(resources.__file__).parent / "demo"


@pytest.fixture
def library(db):
    """The library of the demo: 150 items with their topics and synonyms."""
    services.import_taxonomy(
        json.loads((DEMO / "topics.json").read_text()), (DEMO / "synonyms.txt").read_text().splitlines()
    )
    services.import_items((DEMO / "items.jsonl").read_text().splitlines(), by=None)
