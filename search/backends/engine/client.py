"""Clients of both families of search engines; SEARCH_FAMILY chooses one.

Requests are dictionaries and paths that both families understand. No header is faked: a client that finds itself
talking to the other family says so.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from search.backends.engine import deadline
from search.backends.engine.circuit_breaker import CircuitBreaker

REQUEST_TIMEOUT_SECONDS = 30.0  # unless the request sets its own
MAX_CONNECTIONS = 16
MAX_REASON_LENGTH = 300  # characters of an engine's message that are logged

ENGINES = {
    "opensearch": "search.backends.engine.opensearch.OpenSearch",
    "elasticsearch": "search.backends.engine.elasticsearch.Elasticsearch",
}

Json = dict[str, Any]
T = TypeVar("T")


class EngineError(Exception):
    """The search engine did not do what was requested."""


class Unavailable(EngineError):
    """It cannot be reached, is too slow, fails, or responds with something else."""


class Overloaded(Unavailable):
    """It has too much work or too little memory right now."""


class Rejected(EngineError):
    """It understood the request and refuses it. `status` is HTTP's, 404 if an index does not exist."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status


class RequestSender(Protocol):
    """Sends one request, without retries. Raises only EngineError if it fails.

    A body of bytes is sent as lines of JSON.
    """

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Json: ...


class EngineClient(RequestSender, Protocol):
    """A connection to the search engine that sends requests. `circuit_breaker` tells whether the engine has just failed."""

    circuit_breaker: CircuitBreaker


class BaseClient:
    """Shared by the clients of both families: a response in time, or an EngineError."""

    library_errors: tuple[type[Exception], ...]  # raised by the family's library if a request fails

    def __init__(self) -> None:
        self.circuit_breaker = CircuitBreaker()

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
            raise Unavailable(f"no response within {seconds:g} s") from error
        except self.library_errors as error:
            raise self._translate_error(error) from error

    def _send(
        self, method: str, path: str, body: Any, params: Mapping[str, Any] | None, seconds: float
    ) -> Any:
        """The response, by the family's own library."""
        raise NotImplementedError

    def _translate_error(self, error: Exception) -> EngineError:
        """The EngineError for an exception of the family's library."""
        raise NotImplementedError


@dataclass(frozen=True)
class EngineUrl:
    """The parts of SEARCH_URL, which may contain a name and a password."""

    scheme: str
    host: str
    port: int
    path: str = ""
    login: tuple[str, str] | None = None

    @classmethod
    def parse(cls, url: str) -> EngineUrl:
        """Raises ValueError if this is no http address."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("no address like https://name:password@search.example.org:9200")
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), login)


def index_alias() -> str:
    """The name that searches and updates use; it points to the current index."""
    return f"{settings.SEARCH_PREFIX}-documents"


def get_client() -> EngineClient:
    """The client that the settings name; the same object for the same settings, so connections are reused."""
    return _build_client(settings.SEARCH_FAMILY, settings.SEARCH_URL, settings.SEARCH_CA_FILE)


@lru_cache(maxsize=8)
def _build_client(family: str, url: str, ca_file: str) -> EngineClient:
    client: EngineClient = import_string(ENGINES[family])(EngineUrl.parse(url), ca_file=ca_file)
    return client


os.register_at_fork(after_in_child=_build_client.cache_clear)  # two processes must not share a connection


def error_for_status(status: Any, reason: Any) -> EngineError:
    """The EngineError for an HTTP status."""
    if status == 429:
        return Overloaded(f"429: {str(reason)[:MAX_REASON_LENGTH]}")
    if isinstance(status, int) and 400 <= status < 500 and status != 408:
        return Rejected(status, str(reason)[:MAX_REASON_LENGTH])
    return Unavailable(f"{status}: {str(reason)[:MAX_REASON_LENGTH]}")


def require_object(response: Any) -> Json:
    if not isinstance(response, dict):
        raise Unavailable(f"the response is no JSON object but {str(response)[:60]!r}")
    return response


def extract(response: Json, *path: str, kind: type[T]) -> T:
    """The value at this path of a response. Raises Unavailable if it is missing or of another type."""
    value: Any = response
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, kind):
        raise Unavailable(f"a response has no {'.'.join(path)}: {str(response)[:200]}")
    return value


class DeadlineClient:
    """A client for one search: all its requests together take no longer than `seconds`.

    An incomplete response counts as none.
    """

    def __init__(self, client: EngineClient, seconds: float) -> None:
        self._client = client
        self._deadline = time.monotonic() + seconds

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Json:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise Unavailable("the time for this search is used up")
        response = self._client.request(method, path, body, params, min(remaining, timeout or remaining))
        if path.endswith("/_search"):
            require_complete(response, body=body if isinstance(body, dict) else {})
        return response


def require_complete(response: Any, *, body: Mapping[str, Any]) -> None:
    """Raise Unavailable unless this is a search response, from every shard, in time, with all aggregations of `body`."""
    try:
        is_whole = response["_shards"]["failed"] == 0 and not response["timed_out"]
        has_hits = isinstance(response["hits"]["hits"], list)
    except (KeyError, TypeError) as error:
        raise Unavailable(f"this is no response to a search: {json.dumps(response)[:200]}") from error
    if not is_whole:
        raise Unavailable("only a part of the index has responded")
    aggregations = response.get("aggregations") or {}
    if (
        not has_hits
        or not isinstance(aggregations, dict)
        or not aggregations.keys() >= body.get("aggs", {}).keys()
    ):
        raise Unavailable("the response lacks hits or aggregations")
