"""Documents to search, in any number, with words as frequent and as rare as in a real collection."""

from __future__ import annotations

import itertools
import random
import string
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.models import Document

VOCABULARY_SIZE, TEXT_LENGTH = 30_000, 120  # words
TOPICS, SECTORS, STATES = 40, 8, 50
BATCH_SIZE = 2_000


def fill(size: int, *, seed: int = 4) -> None:
    """Add documents until the table has `size`; the same ones for the same seed."""
    from django.db import connection, transaction

    from search.indexing import store
    from search.models import Document

    existing = Document.objects.count()
    batch: list[Document] = []
    for number, document in enumerate(documents(size, seed=seed)):
        if number >= existing:
            batch.append(document)
        if len(batch) == BATCH_SIZE or (batch and number == size - 1):
            with transaction.atomic():
                store.replace(batch, among=Document.objects.none())
            batch = []
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {Document._meta.db_table}")


def documents(size: int, *, seed: int) -> Iterator[Document]:
    """Unsaved documents of the library: each with a title, a summary and a text; one in twenty for members."""
    from search.models import Document
    from search.text import fold

    rng = random.Random(seed)
    vocabulary = [
        "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 11))) for _ in range(VOCABULARY_SIZE)
    ]
    weights = [1 / (rank + 10) for rank in range(VOCABULARY_SIZE)]  # Zipf's law
    cumulative_weights = list(itertools.accumulate(weights))
    for number in range(size):
        words = rng.choices(vocabulary, cum_weights=cumulative_weights, k=TEXT_LENGTH + 30)
        title = " ".join(words[:8]).capitalize()
        yield Document(
            kind="library",
            uuid=uuid.UUID(int=rng.getrandbits(128), version=4),
            key=f"item-{number}",
            audience="members" if number % 20 == 0 else "public",
            language="es" if number % 10 == 0 else "en",
            title=title,
            title_key=fold(title),
            origin=f"Place {rng.randrange(500)}",
            summary=" ".join(words[8:30]),
            body=" ".join(words[30:]),
            terms=[],
            host="alliance",
            path=f"/library/item-{number}/",
            type=rng.choice(["practice", "tool", "sample_policy"]),
            topics=sorted({f"topic-{rng.randrange(TOPICS)}" for _ in range(3)}),
            sectors=[f"sector-{rng.randrange(SECTORS)}"],
            stages=[rng.choice(["normalize", "organize", "operationalize"])],
            population_band=rng.choice(["small", "medium", "large"]),
            state=f"S{rng.randrange(STATES)}"[:2],
            evidence=rng.choice(["described", "evaluated", ""]),
            licence=rng.choice(["CC-BY", "CC0", ""]),
            year=2000 + rng.randrange(26),
            data={"is_sample": True},
        )
