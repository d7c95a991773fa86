"""Many documents in few requests."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from search.backends.engine.client import EngineClient, Json, Overloaded, Rejected, Unavailable

log = logging.getLogger(__name__)

RETRY_DELAYS = (0.5, 1, 2, 4, 8)  # seconds, where the work can wait
_MAX_OPERATIONS, _MAX_BYTES = 500, 4_000_000  # operations and bytes of one request


@dataclass(frozen=True)
class Operation:
    """Write this document, or remove it (`source` is None), unless the index has a newer version of it."""

    id: str
    version: int
    source: Json | None = None

    def lines(self) -> bytes:
        verb = "delete" if self.source is None else "index"
        head = {verb: {"_id": self.id, "version": self.version, "version_type": "external_gte"}}
        parts = [head] if self.source is None else [head, self.source]
        return b"".join(
            json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for part in parts
        )


@dataclass(frozen=True)
class Outcome:
    """What became of an operation. `overtaken`: the index has a newer version; `error` is empty unless refused."""

    operation: Operation
    superseded: bool = False
    error: str = ""


def send(
    transport: EngineClient,
    index: str,
    operations: Iterable[Operation],
    *,
    is_alias: bool,
    refresh: bool = False,
    timeout: float | None = None,
    pauses: Sequence[float] = (),
) -> Iterator[Outcome]:
    """Send all operations, some hundred in a request; what comes next is prepared while the engine works on one.

    A part that the engine has no room for is sent again after each of `pauses` (seconds): what is written twice with
    one version is written once. One document that the engine refuses stops no other. Raises EngineError as `request`
    does; Rejected(404) where the alias is missing.
    """
    params = {"require_alias": "true" if is_alias else "false"} | ({"refresh": "true"} if refresh else {})

    def post(part: list[Operation], body: bytes) -> list[Outcome]:
        return _parse_outcomes(part, transport.request("POST", f"/{index}/_bulk", body, params, timeout))

    def post_patiently(part: list[Operation], body: bytes) -> list[Outcome]:
        for pause in pauses:
            try:
                return post(part, body)
            except Overloaded as error:
                log.info("The search engine asks for patience: %s", error)
                time.sleep(pause)
        return post(part, body)

    with ThreadPoolExecutor(1) as sender:
        under_way: Future[list[Outcome]] | None = None
        for part, body in _batches(operations):
            coming = sender.submit(post_patiently, part, body)
            if under_way:
                yield from under_way.result()
            under_way = coming
        if under_way:
            yield from under_way.result()


def _parse_outcomes(part: list[Operation], answer: Json) -> list[Outcome]:
    try:
        items = [next(iter(item.values())) for item in answer["items"]]
        found = [(item["_id"], item["status"], item.get("error") or {}) for item in items]
        told = [(key, status, error.get("type", ""), error.get("reason", "")) for key, status, error in found]
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise Unavailable(f"this is no answer to a bulk request: {str(answer)[:200]}") from error
    if [key for key, *_rest in told] != [operation.id for operation in part]:
        raise Unavailable("the answer is to another bulk request")
    outcomes = []
    for operation, (_key, status, kind, reason) in zip(part, told, strict=True):
        if kind == "index_not_found_exception":
            raise Rejected(404, reason)
        if kind and status == 429:
            raise Overloaded(f"{operation.id}: {kind}: {reason}")
        if kind and status >= 500:
            raise Unavailable(f"{operation.id}: {kind}: {reason}")
        superseded = kind == "version_conflict_engine_exception"
        outcomes.append(Outcome(operation, superseded, "" if superseded or not kind else f"{kind}: {reason}"))
    return outcomes


def _batches(operations: Iterable[Operation]) -> Iterator[tuple[list[Operation], bytes]]:
    part: list[Operation] = []
    body = bytearray()
    for operation in operations:
        part.append(operation)
        body += operation.lines()
        if len(part) >= _MAX_OPERATIONS or len(body) >= _MAX_BYTES:
            yield part, bytes(body)
            part, body = [], bytearray()
    if part:
        yield part, bytes(body)


def log_rejection(outcome: Outcome) -> None:
    """Say which document the engine does not take: the others go on without it."""
    if outcome.error:
        log.error("The search engine refuses document %s: %s", outcome.operation.id, outcome.error)
