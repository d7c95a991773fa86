"""Search by the engine, or by PostgreSQL if the engine fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from search.backends.engine.backend import EngineBackend
from search.backends.engine.client import DeadlineClient, EngineClient, Rejected, Unavailable, index_alias
from search.types import QueryExecutor, SearchBackend, SearchResults, Suggestion

log = logging.getLogger(__name__)

T = TypeVar("T")
# For all requests of one search. A page may take 1.5 seconds: the rest is for PostgreSQL and for rendering.
ENGINE_TIMEOUT_SECONDS = 0.7
NOTICE = _(
    "The search engine is not available right now. These results come from the database and may be ranked differently."
)


class FallbackBackend:
    """A backend that searches by the engine, and by `fallback` if the engine fails. Our own errors are raised."""

    def __init__(self, client: EngineClient, fallback: SearchBackend) -> None:
        self._client, self._fallback = client, fallback

    def run(self, search: Callable[[QueryExecutor], SearchResults]) -> SearchResults:
        results = self._try_engine(search)
        if results is None:
            results = replace(self._fallback.run(search), notice=str(NOTICE))
        return results

    def suggest(self, prefix: str, *, audience: str, size: int) -> list[Suggestion]:
        suggestions = self._try_engine(lambda engine: engine.suggest(prefix, audience=audience, size=size))
        if suggestions is None:
            return self._fallback.suggest(prefix, audience=audience, size=size)
        return suggestions

    def _try_engine(self, function: Callable[[EngineBackend], T]) -> T | None:
        """The value of `function` for the engine; None if the engine fails or has just failed."""
        circuit_breaker = self._client.circuit_breaker
        if not circuit_breaker.allows_request():
            return None
        try:
            value = function(
                EngineBackend(DeadlineClient(self._client, ENGINE_TIMEOUT_SECONDS), index_alias())
            )
        except Unavailable as error:
            circuit_breaker.record_failure()
            log.warning("PostgreSQL searches: %s", error)
        except Rejected as error:
            circuit_breaker.record_success()
            is_missing = error.status == 404  # the next reconciliation builds the index
            log.log(
                logging.WARNING if is_missing else logging.ERROR,
                "PostgreSQL searches: %s",
                error,
                exc_info=not is_missing,
            )
        else:
            circuit_breaker.record_success()
            return value
        return None
