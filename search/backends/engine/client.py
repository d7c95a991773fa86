"""Two families of search engines, each spoken to by its own client; chosen by SEARCH_FAMILY.

Requests are dictionaries and paths that both families understand. No header is faked: a client that finds itself
talking to the other family says so.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from search.backends.engine import deadline

REQUEST_TIMEOUT_SECONDS = 30.0  # seconds for a request that says nothing else
MAX_CONNECTIONS = 16

Json = dict[str, Any]
T = TypeVar("T")


class EngineError(Exception):
    """The search engine did not do what it was asked."""


class Unavailable(EngineError):
    """It cannot be reached, is too slow, fails, or answers what is no answer."""


class Overloaded(Unavailable):
    """It has too much to do or to remember right now, and asks for patience."""


class Rejected(EngineError):
    """It understood the request and refuses it. `status` is HTTP's, 404 where an index is missing."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status


class EngineClient(Protocol):
    """Sends one request; no retries. Raises EngineError and nothing else for what goes wrong on the way.

    A body of bytes is sent as lines of JSON. `rest` says whether the engine has failed just now.
    """

    rest: CircuitBreaker

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Json: ...


class CircuitBreaker:
    """Leaves an engine alone that has failed just now, so that an outage does not cost every request its time.

    One for each process and engine. After a pause one caller may try; the others wait for what it finds.
    """

    SHORTEST, LONGEST = 3.0, 15.0  # seconds; each failure in a row doubles the pause

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures, self._until = 0, 0.0

    def allows_request(self) -> bool:
        """May the engine be asked? Who is told so has to say then whether it `failed` or `worked`."""
        with self._lock:
            now = time.monotonic()
            if now < self._until:
                return False
            if self._failures:
                self._until = now + self.SHORTEST
            return True

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._until = time.monotonic() + min(self.SHORTEST * 2 ** (self._failures - 1), self.LONGEST)

    def worked(self) -> None:
        with self._lock:
            self._failures, self._until = 0, 0.0


class BaseClient:
    """What the transports of both families share: an answer in time, or an EngineError."""

    trouble: tuple[type[Exception], ...]  # what the family's client raises for what goes wrong on the way

    def __init__(self) -> None:
        self.rest = CircuitBreaker()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Json:
        seconds = timeout or REQUEST_TIMEOUT_SECONDS
        try:
            return require_object(
                deadline.run_with_timeout(seconds, lambda: self._send(method, path, body, params, seconds))
            )
        except TimeoutError as error:
            raise Unavailable(f"no answer within {seconds:g} s") from error
        except self.trouble as error:
            raise self._meaning(error) from error

    def _send(
        self, method: str, path: str, body: Any, params: Mapping[str, Any] | None, seconds: float
    ) -> Any:
        """The answer, by the family's own client."""
        raise NotImplementedError

    def _meaning(self, error: Exception) -> EngineError:
        """What the client's exception says of the engine."""
        raise NotImplementedError


@dataclass(frozen=True)
class EngineUrl:
    """Where an engine answers: SEARCH_URL taken apart. A name and a password may stand in it."""

    scheme: str
    host: str
    port: int
    path: str = ""
    login: tuple[str, str] | None = None

    @classmethod
    def parse(cls, url: str) -> EngineUrl:
        """Raises ValueError for what is no http address."""
        found = urlsplit(url)
        if found.scheme not in {"http", "https"} or not found.hostname:
            raise ValueError("no address like https://name:password@search.example.org:9200")
        login = (unquote(found.username), unquote(found.password or "")) if found.username else None
        port = found.port or (443 if found.scheme == "https" else 80)
        return cls(found.scheme, found.hostname, port, found.path.rstrip("/"), login)


ENGINES = {
    "opensearch": "search.backends.engine.opensearch.OpenSearch",
    "elasticsearch": "search.backends.engine.elasticsearch.Elasticsearch",
}


def get_client() -> EngineClient:
    """The engine that the settings name; the same object for the same settings, so that connections are kept."""
    return _build_client(settings.SEARCH_FAMILY, settings.SEARCH_URL, settings.SEARCH_CA_FILE)


@lru_cache(maxsize=8)
def _build_client(family: str, url: str, ca_file: str) -> EngineClient:
    made: EngineClient = import_string(ENGINES[family])(EngineUrl.parse(url), ca_file=ca_file)
    return made


os.register_at_fork(after_in_child=_build_client.cache_clear)  # two processes must not share a connection


def error_for_status(status: Any, reason: Any) -> EngineError:
    """What a status means: the engine's trouble, or a no."""
    if status == 429:
        return Overloaded(f"429: {str(reason)[:300]}")
    if isinstance(status, int) and 400 <= status < 500 and status != 408:
        return Rejected(status, str(reason)[:300])
    return Unavailable(f"{status}: {str(reason)[:300]}")


def require_object(answer: Any) -> Json:
    if not isinstance(answer, dict):
        raise Unavailable(f"the answer is no JSON object but {str(answer)[:60]!r}")
    return answer


def extract(answer: Json, *path: str, kind: type[T]) -> T:
    """What stands at this path of an answer. Raises Unavailable where there is no such thing."""
    found: Any = answer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, kind):
        raise Unavailable(f"an answer has no {'.'.join(path)}: {str(answer)[:200]}")
    return found


class DeadlineClient:
    """A transport for one question of a reader: everything it asks together takes no longer than `seconds`.

    An answer that does not speak for the whole index is none.
    """

    def __init__(self, transport: EngineClient, seconds: float) -> None:
        self._transport = transport
        self._ends = time.monotonic() + seconds

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Json:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise Unavailable("the time for this question is used up")
        answer = self._transport.request(method, path, body, params, min(left, timeout or left))
        if path.endswith("/_search"):
            require_complete(answer, asked=body if isinstance(body, dict) else {})
        return answer


def require_complete(answer: Any, *, asked: Mapping[str, Any] | None = None) -> None:
    """Raise Unavailable unless this is a search's answer, from every shard, in time, with all that was asked for."""
    try:
        whole = answer["_shards"]["failed"] == 0 and not answer["timed_out"]
        sound = isinstance(answer["hits"]["hits"], list)
    except (KeyError, TypeError) as error:
        raise Unavailable(f"this is no answer to a search: {json.dumps(answer)[:200]}") from error
    if not whole:
        raise Unavailable("only a part of the index has answered")
    counted = answer.get("aggregations") or {}
    if (
        not sound
        or not isinstance(counted, dict)
        or not counted.keys() >= (asked or {}).get("aggs", {}).keys()
    ):
        raise Unavailable("the answer lacks what was asked for")
