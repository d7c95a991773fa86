"""Compares the engine's index with the table, and repairs what differs, however that came about.

Documents are compared in ranges of their numbers: how many there are, and the sum of their `check`. Only where these
differ is the range looked at one by one. 100,000 documents take one request and one statement.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

from search.backends.engine.client import EngineClient, Json, extract, require_complete
from search.indexing import bulk, tasks
from search.models import Document

log = logging.getLogger(__name__)

_MIN_RANGE_SIZE, _MAX_RANGES = 500, 5_000


@dataclass
class IndexDiff:
    """What an index lacks or has in an old version, and what it should not have. `strangers` carry no number."""

    to_write: list[int] = field(default_factory=list)
    to_remove: list[tuple[str, int]] = field(default_factory=list)  # id and version in the index
    unknown_documents: int = 0

    def __bool__(self) -> bool:
        return bool(self.to_write or self.to_remove or self.unknown_documents)


@dataclass(frozen=True)
class RepairResult:
    """`must_rebuild`: the index holds what cannot be mended, such as versions that the table never gave."""

    written: int = 0
    removed: int = 0
    must_rebuild: bool = False


def repair(transport: EngineClient, index: str, *, is_alias: bool) -> RepairResult:
    """Write and remove what differs."""
    found = diff(transport, index)
    if found.unknown_documents:
        return RepairResult(must_rebuild=True)
    if not found:
        return RepairResult()
    superseded: list[bulk.Operation] = []
    for outcome in bulk.send(
        transport, index, _operations(found), is_alias=is_alias, refresh=True, pauses=bulk.RETRY_DELAYS
    ):
        bulk.log_rejection(outcome)
        if outcome.superseded and outcome.operation.source is not None:
            superseded.append(outcome.operation)
    return RepairResult(len(found.to_write), len(found.to_remove), any(map(_is_current, superseded)))


def diff(transport: EngineClient, index: str) -> IndexDiff:
    transport.request("POST", f"/{index}/_refresh")
    found = IndexDiff()
    width = max(_MIN_RANGE_SIZE, _max_id() // _MAX_RANGES + 1)
    theirs, found.unknown_documents = _index_checksums(transport, index, width)
    ours = _table_checksums(width)
    for place in sorted(ours.keys() | theirs.keys()):
        if ours.get(place) != theirs.get(place):
            _diff_range(transport, index, place * width, (place + 1) * width, found)
    return found


def _operations(found: IndexDiff) -> Iterator[bulk.Operation]:
    # Removed in the version that was seen there: whatever was written since is newer and stays.
    for key, version in found.to_remove:
        yield bulk.Operation(key, version)
    for start in range(0, len(found.to_write), 500):
        part = found.to_write[start : start + 500]
        yield from map(
            tasks.index_operation,
            Document.objects.filter(pk__in=part).order_by("pk").defer(*tasks.UNINDEXED_FIELDS),
        )


def _is_current(operation: bulk.Operation) -> bool:
    """Does the table still hold what the index refused as old? Then the index is ahead of the table."""
    number = (operation.source or {})["number"]
    return Document.objects.filter(pk=number, version=operation.version).exists()


def _max_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {Document._meta.db_table}")
        return int(cursor.fetchone()[0])


def _table_checksums(width: int) -> dict[int, tuple[int, int]]:
    """Range -> how many documents, sum of their checks. Reads an index alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id / %s, count(*), sum(('x' || left(md5(id || ':' || version), 7))::bit(28)::int) "
            f"FROM {Document._meta.db_table} GROUP BY 1",
            [width],
        )
        return {place: (count, int(total)) for place, count, total in cursor.fetchall()}


def _index_checksums(
    transport: EngineClient, index: str, width: int
) -> tuple[dict[int, tuple[int, int]], int]:
    ranges = {"field": "number", "interval": width, "min_doc_count": 1}
    question = {
        "size": 0,
        "aggs": {
            "ranges": {"histogram": ranges, "aggs": {"check": {"sum": {"field": "check"}}}},
            "strangers": {"missing": {"field": "number"}},
        },
    }
    answer = _search(transport, index, question)
    sums = {
        int(bucket["key"]) // width: (bucket["doc_count"], int(bucket["check"]["value"]))
        for bucket in extract(answer, "aggregations", "ranges", "buckets", kind=list)
    }
    return sums, extract(answer, "aggregations", "strangers", "doc_count", kind=int)


def _diff_range(transport: EngineClient, index: str, low: int, high: int, found: IndexDiff) -> None:
    """Add to `found` what differs among the numbers from `low` to below `high`."""
    question = {
        "size": 10_000,
        "query": {"range": {"number": {"gte": low, "lt": high}}},
        "_source": False,
        "version": True,
        "docvalue_fields": ["number", "check"],
    }
    seen: dict[int, int] = {}
    there: list[tuple[str, int, int]] = []
    for hit in _search(transport, index, question)["hits"]["hits"]:
        number = int(hit["fields"]["number"][0])
        seen[number] = int(hit["fields"]["check"][0])
        there.append((hit["_id"], hit["_version"], number))
    ours = dict(Document.objects.filter(pk__gte=low, pk__lt=high).values_list("pk", "version"))
    found.to_write += sorted(
        pk for pk, version in ours.items() if seen.get(pk) != tasks.checksum(pk, version)
    )
    found.to_remove += [(key, version) for key, version, number in there if number not in ours]


def _search(transport: EngineClient, index: str, question: Json) -> Json:
    answer = transport.request("POST", f"/{index}/_search", question)
    require_complete(answer, asked=question)
    return answer
