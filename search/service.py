"""The way in for everybody who searches: pages today, the API tomorrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.models import audiences_visible_to
from search.text import clean
from search.types import FACETS, Query, SearchResults, Suggestion, get_backend

PER_PAGE, MAX_PER_PAGE, MAX_PAGE = 10, 100, 1_000
MAX_CHOICES, MAX_CHOICE_LENGTH = 30, 60
SORTS = ("best", "newest")


def search(
    text: str,
    *,
    audience: str,
    filters: Mapping[str, Sequence[str]] | None = None,
    page: int = 1,
    size: int = PER_PAGE,
    sort: str = "best",
    exact: bool = False,
) -> SearchResults:
    """What `audience` ("public" or "members") may find for these words; all there is for no words.

    `filters` narrows by names of FACETS: {"topic": ["libraries", "courts"], "kind": ["action"]}; several values
    of one name widen, several names narrow. Other names are passed over. Raises ValueError for another audience.
    """
    audiences_visible_to(audience)
    known = {
        name: [value for value in dict.fromkeys(values) if is_valid_choice(value)][:MAX_CHOICES]
        for name, values in (filters or {}).items()
        if name in FACETS
    }
    return get_backend().search(
        Query(
            text=text,
            audience=audience,
            filters={name: values for name, values in known.items() if values},
            page=min(max(page, 1), MAX_PAGE),
            size=min(max(size, 1), MAX_PER_PAGE),
            sort=sort if sort in SORTS else SORTS[0],
            exact=exact,
        )
    )


def is_valid_choice(value: str) -> bool:
    return 0 < len(value) <= MAX_CHOICE_LENGTH and value.isprintable()


def suggest(prefix: str, *, audience: str, size: int = 8) -> list[Suggestion]:
    """Titles that `audience` may find and that go on from `prefix`; none for fewer than two letters."""
    audiences_visible_to(audience)
    return get_backend().suggest(clean(prefix[:100]), audience=audience, size=size)
