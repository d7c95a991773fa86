"""Documents to search: as many as asked, of words that are as common and as rare as in a real collection."""

from __future__ import annotations

import itertools
import random
import string
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.models import Document

WORDS, LENGTH = 30_000, 120  # in the vocabulary, and in a document's text
TOPICS, SECTORS, STATES = 40, 8, 50
SAVED_AT_ONCE = 2_000


def fill(size: int, *, seed: int = 4) -> None:
    """Add documents until the table has `size`; the same ones for the same seed."""
    from django.db import connection, transaction

    from search.indexing import store
    from search.models import Document

    there = Document.objects.count()
    part: list[Document] = []
    for number, document in enumerate(documents(size, seed=seed)):
        if number >= there:
            part.append(document)
        if len(part) == SAVED_AT_ONCE or (part and number == size - 1):
            with transaction.atomic():
                store.replace(part, among=Document.objects.none())
            part = []
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {Document._meta.db_table}")


def documents(size: int, *, seed: int) -> Iterator[Document]:
    """Unsaved documents of the library: each with a title, a summary and a text; one in twenty for members."""
    from search.models import Document
    from search.text import fold

    chance = random.Random(seed)
    vocabulary = [
        "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 11))) for _ in range(WORDS)
    ]
    weights = [1 / (rank + 10) for rank in range(WORDS)]  # as Zipf found words to be
    added = list(itertools.accumulate(weights))
    for number in range(size):
        words = chance.choices(vocabulary, cum_weights=added, k=LENGTH + 30)
        title = " ".join(words[:8]).capitalize()
        yield Document(
            kind="library",
            uuid=uuid.UUID(int=chance.getrandbits(128), version=4),
            key=f"item-{number}",
            audience="members" if number % 20 == 0 else "public",
            language="es" if number % 10 == 0 else "en",
            title=title,
            title_key=fold(title),
            origin=f"Place {chance.randrange(500)}",
            summary=" ".join(words[8:30]),
            body=" ".join(words[30:]),
            words=[],
            host="alliance",
            path=f"/library/item-{number}/",
            type=chance.choice(["practice", "tool", "sample_policy"]),
            topics=sorted({f"topic-{chance.randrange(TOPICS)}" for _ in range(3)}),
            sectors=[f"sector-{chance.randrange(SECTORS)}"],
            stages=[chance.choice(["normalize", "organize", "operationalize"])],
            population_band=chance.choice(["small", "medium", "large"]),
            state=f"S{chance.randrange(STATES)}"[:2],
            evidence=chance.choice(["described", "evaluated", ""]),
            licence=chance.choice(["CC-BY", "CC0", ""]),
            year=2000 + chance.randrange(26),
            data={"is_sample": True},
        )
