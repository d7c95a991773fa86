"""The engine answers, and PostgreSQL where it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from search.backends.engine.backend import EngineBackend
from search.backends.engine.client import DeadlineClient, EngineClient, Rejected, Unavailable
from search.indexing import indexes
from search.types import Query, SearchBackend, SearchResults, Suggestion

log = logging.getLogger(__name__)

T = TypeVar("T")
ENGINE_TIMEOUT_SECONDS = (
    0.7  # for all that one question asks the engine; what is left of 1.5 is PostgreSQL's and the page's
)
NOTICE = _(
    "The search engine does not answer right now. These results come from the database and may be ranked differently."
)


class FallbackBackend:
    """An engine that always answers. Only what the engine does wrong is forgiven; our own mistakes are not hidden."""

    def __init__(self, transport: EngineClient, second: SearchBackend) -> None:
        self._transport, self._second = transport, second

    def search(self, query: Query) -> SearchResults:
        answer = self._asked(lambda engine: engine.search(query))
        if answer is None:
            answer = replace(self._second.search(query), notice=str(NOTICE))
        return answer

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]:
        found = self._asked(lambda engine: engine.suggest(prefix, audience=audience, size=size))
        return self._second.suggest(prefix, audience=audience, size=size) if found is None else found

    def _asked(self, question: Callable[[SearchBackend], T]) -> T | None:
        """What the engine answers; None if it does not."""
        rest = self._transport.rest
        if not rest.allows_request():
            return None
        try:
            answer = question(
                EngineBackend(DeadlineClient(self._transport, ENGINE_TIMEOUT_SECONDS), indexes.index_alias())
            )
        except Unavailable as error:
            rest.failed()
            log.warning("PostgreSQL searches: %s", error)
        except Rejected as error:
            rest.worked()
            missing = error.status == 404  # is built by the next comparison
            log.log(
                logging.WARNING if missing else logging.ERROR,
                "PostgreSQL searches: %s",
                error,
                exc_info=not missing,
            )
        else:
            rest.worked()
            return answer
        return None
