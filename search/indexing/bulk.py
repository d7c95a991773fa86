"""Writes and removals of many documents, sent to a search engine in few requests."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from search.backends.engine.client import EngineClient, Json, Overloaded, Rejected, Unavailable

log = logging.getLogger(__name__)

RETRY_DELAYS = (0.5, 1, 2, 4, 8)  # seconds, for work that can wait
_MAX_OPERATIONS, _MAX_BYTES = 500, 4_000_000  # of one request


@dataclass(frozen=True)
class Operation:
    """Write this document, or remove it (`source` is None), unless the index has a newer version of it."""

    id: str
    version: int
    source: Json | None = None

    def lines(self) -> bytes:
        action = "delete" if self.source is None else "index"
        metadata = {action: {"_id": self.id, "version": self.version, "version_type": "external_gte"}}
        objects = [metadata] if self.source is None else [metadata, self.source]
        return b"".join(
            json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for value in objects
        )


@dataclass(frozen=True)
class Outcome:
    """Outcome of an operation.

    `superseded`: the index has a newer version. `error` is empty unless the engine rejected the document.
    """

    operation: Operation
    superseded: bool = False
    error: str = ""


def send(
    client: EngineClient,
    index: str,
    operations: Iterable[Operation],
    *,
    is_alias: bool,
    refresh: bool = False,
    timeout: float | None = None,
    retry_delays: Sequence[float] = (),
) -> Iterator[Outcome]:
    """Send all operations in batches; the next batch is prepared while the engine works on one.

    A batch that the engine has no room for is sent again after each of `retry_delays` (seconds): writing one version
    twice changes nothing. A rejected document does not stop the others. Raises EngineError as `request` does;
    Rejected(404) if the alias does not exist.
    """
    params = {"require_alias": "true" if is_alias else "false"} | ({"refresh": "true"} if refresh else {})

    def post(batch: list[Operation], body: bytes) -> list[Outcome]:
        return _parse_outcomes(batch, client.request("POST", f"/{index}/_bulk", body, params, timeout))

    def post_with_retries(batch: list[Operation], body: bytes) -> list[Outcome]:
        for delay in retry_delays:
            try:
                return post(batch, body)
            except Overloaded as error:
                log.info("The search engine is overloaded; a request is retried in %s s: %s", delay, error)
                time.sleep(delay)
        return post(batch, body)

    with ThreadPoolExecutor(1) as sender:
        in_progress: Future[list[Outcome]] | None = None
        for batch, body in _batches(operations):
            submitted = sender.submit(post_with_retries, batch, body)
            if in_progress:
                yield from in_progress.result()
            in_progress = submitted
        if in_progress:
            yield from in_progress.result()


def _parse_outcomes(batch: list[Operation], response: Json) -> list[Outcome]:
    try:
        items = [next(iter(item.values())) for item in response["items"]]
        fields = [(item["_id"], item["status"], item.get("error") or {}) for item in items]
        rows = [
            (key, status, error.get("type", ""), error.get("reason", "")) for key, status, error in fields
        ]
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise Unavailable(f"this is no response to a bulk request: {str(response)[:200]}") from error
    if [key for key, *_rest in rows] != [operation.id for operation in batch]:
        raise Unavailable("the response is to another bulk request")
    outcomes = []
    for operation, (_key, status, error_type, reason) in zip(batch, rows, strict=True):
        if error_type == "index_not_found_exception":
            raise Rejected(404, reason)
        if error_type and status == 429:
            raise Overloaded(f"{operation.id}: {error_type}: {reason}")
        if error_type and status >= 500:
            raise Unavailable(f"{operation.id}: {error_type}: {reason}")
        superseded = error_type == "version_conflict_engine_exception"
        error_text = "" if superseded or not error_type else f"{error_type}: {reason}"
        outcomes.append(Outcome(operation, superseded, error_text))
    return outcomes


def _batches(operations: Iterable[Operation]) -> Iterator[tuple[list[Operation], bytes]]:
    batch: list[Operation] = []
    body = bytearray()
    for operation in operations:
        batch.append(operation)
        body += operation.lines()
        if len(batch) >= _MAX_OPERATIONS or len(body) >= _MAX_BYTES:
            yield batch, bytes(body)
            batch, body = [], bytearray()
    if batch:
        yield batch, bytes(body)


def log_rejection(outcome: Outcome) -> None:
    """Log the document that the engine rejected, if it did."""
    if outcome.error:
        log.error("The search engine rejected document %s: %s", outcome.operation.id, outcome.error)
