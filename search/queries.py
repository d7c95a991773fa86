"""The way in for everybody who searches: pages today, the API tomorrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.engine import FACETS, Answer, Query, Suggestion, get_engine
from search.models import allowed
from search.words import clean

PER_PAGE, MOST_PER_PAGE, LAST_PAGE = 10, 100, 1_000
MOST_CHOICES, LONGEST_CHOICE = 30, 60
SORTS = ("best", "newest")


def find(
    text: str,
    *,
    audience: str,
    filters: Mapping[str, Sequence[str]] | None = None,
    page: int = 1,
    size: int = PER_PAGE,
    sort: str = "best",
    exact: bool = False,
) -> Answer:
    """What `audience` ("public" or "members") may find for these words; all there is for no words.

    `filters` narrows by names of FACETS: {"topic": ["libraries", "courts"], "kind": ["action"]}; several values
    of one name widen, several names narrow. Other names are passed over. Raises ValueError for another audience.
    """
    allowed(audience)
    known = {
        name: [value for value in dict.fromkeys(values) if may_be_a_choice(value)][:MOST_CHOICES]
        for name, values in (filters or {}).items()
        if name in FACETS
    }
    return get_engine().search(
        Query(
            text=text,
            audience=audience,
            filters={name: values for name, values in known.items() if values},
            page=min(max(page, 1), LAST_PAGE),
            size=min(max(size, 1), MOST_PER_PAGE),
            sort=sort if sort in SORTS else SORTS[0],
            exact=exact,
        )
    )


def may_be_a_choice(value: str) -> bool:
    return 0 < len(value) <= LONGEST_CHOICE and value.isprintable()


def suggest(prefix: str, *, audience: str, size: int = 8) -> list[Suggestion]:
    """Titles that `audience` may find and that go on from `prefix`; none for fewer than two letters."""
    allowed(audience)
    return get_engine().suggest(clean(prefix[:100]), audience=audience, size=size)
