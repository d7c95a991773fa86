"""Compares an index of the engine with the table, and repairs every difference, whatever caused it.

Documents are compared in ranges of their ids: how many there are, and the sum of their checksums. Only ranges that
differ are compared document by document. 100,000 documents take one request and one statement. The field "number" of
the index is the id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

from search.backends.engine.client import EngineClient, Json, extract, require_complete
from search.indexing import bulk, serializer
from search.models import Document

_MIN_RANGE_SIZE, _MAX_RANGES = 500, 5_000
_BATCH_SIZE = 500

RangeSums = dict[int, tuple[int, int]]  # index of a range -> number of documents, sum of their checksums


@dataclass
class IndexDiff:
    """Documents that an index lacks or has in an old version, and those that it should not have.

    `unknown_documents` have no primary key in the index.
    """

    to_write: list[int] = field(default_factory=list)
    to_remove: list[tuple[str, int]] = field(default_factory=list)  # id and version in the index
    unknown_documents: int = 0

    def __bool__(self) -> bool:
        return bool(self.to_write or self.to_remove or self.unknown_documents)


@dataclass(frozen=True)
class RepairResult:
    """How many documents a repair wrote and removed.

    `must_rebuild`: the index cannot be repaired, for example because it has versions the table never assigned.
    """

    written: int = 0
    removed: int = 0
    must_rebuild: bool = False


def repair(client: EngineClient, index: str, *, is_alias: bool) -> RepairResult:
    """Write and remove the documents that differ."""
    differences = diff(client, index)
    if differences.unknown_documents:
        return RepairResult(must_rebuild=True)
    if not differences:
        return RepairResult()
    superseded: list[bulk.Operation] = []
    for outcome in bulk.send(
        client,
        index,
        _operations(differences),
        is_alias=is_alias,
        refresh=True,
        retry_delays=bulk.RETRY_DELAYS,
    ):
        bulk.log_rejection(outcome)
        if outcome.superseded and outcome.operation.source is not None:
            superseded.append(outcome.operation)
    return RepairResult(
        len(differences.to_write), len(differences.to_remove), any(map(_is_current, superseded))
    )


def diff(client: EngineClient, index: str) -> IndexDiff:
    client.request("POST", f"/{index}/_refresh")
    differences = IndexDiff()
    size = max(_MIN_RANGE_SIZE, _max_id() // _MAX_RANGES + 1)
    index_sums, differences.unknown_documents = _index_checksums(client, index, size)
    table_sums = _table_checksums(size)
    for range_index in sorted(table_sums.keys() | index_sums.keys()):
        if table_sums.get(range_index) != index_sums.get(range_index):
            _diff_range(client, index, range_index * size, (range_index + 1) * size, differences)
    return differences


def _operations(differences: IndexDiff) -> Iterator[bulk.Operation]:
    # Removed in the version that the index had: a document that was written since is newer and stays.
    for key, version in differences.to_remove:
        yield bulk.Operation(key, version)
    for start in range(0, len(differences.to_write), _BATCH_SIZE):
        batch = differences.to_write[start : start + _BATCH_SIZE]
        documents = Document.objects.filter(pk__in=batch).order_by("pk")
        yield from map(serializer.index_operation, documents.defer(*serializer.UNINDEXED_FIELDS))


def _is_current(operation: bulk.Operation) -> bool:
    """Does the table still have the version that the index rejected as old? Then the index is ahead of the table."""
    pk = (operation.source or {})["number"]
    return Document.objects.filter(pk=pk, version=operation.version).exists()


def _max_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {Document._meta.db_table}")
        return int(cursor.fetchone()[0])


def _table_checksums(size: int) -> RangeSums:
    """Sums of the table for ranges of `size` ids; reads only a database index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id / %s, count(*), sum(('x' || left(md5(id || ':' || version), 7))::bit(28)::int) "
            f"FROM {Document._meta.db_table} GROUP BY 1",
            [size],
        )
        return {range_index: (count, int(total)) for range_index, count, total in cursor.fetchall()}


def _index_checksums(client: EngineClient, index: str, size: int) -> tuple[RangeSums, int]:
    """Sums of the engine's index for ranges of `size` ids, and its number of documents without an id."""
    ranges = {"field": "number", "interval": size, "min_doc_count": 1}
    body = {
        "size": 0,
        "aggs": {
            "ranges": {"histogram": ranges, "aggs": {"check": {"sum": {"field": "check"}}}},
            "unknown_documents": {"missing": {"field": "number"}},
        },
    }
    response = _search(client, index, body)
    sums = {
        int(bucket["key"]) // size: (bucket["doc_count"], int(bucket["check"]["value"]))
        for bucket in extract(response, "aggregations", "ranges", "buckets", kind=list)
    }
    return sums, extract(response, "aggregations", "unknown_documents", "doc_count", kind=int)


def _diff_range(client: EngineClient, index: str, low: int, high: int, differences: IndexDiff) -> None:
    """Add to `differences` those among the ids from `low` to below `high`."""
    body = {
        "size": 10_000,
        "query": {"range": {"number": {"gte": low, "lt": high}}},
        "_source": False,
        "version": True,
        "docvalue_fields": ["number", "check"],
    }
    checksums: dict[int, int] = {}
    indexed: list[tuple[str, int, int]] = []
    for hit in _search(client, index, body)["hits"]["hits"]:
        pk = int(hit["fields"]["number"][0])
        checksums[pk] = int(hit["fields"]["check"][0])
        indexed.append((hit["_id"], hit["_version"], pk))
    versions = dict(Document.objects.filter(pk__gte=low, pk__lt=high).values_list("pk", "version"))
    differences.to_write += sorted(
        pk for pk, version in versions.items() if checksums.get(pk) != serializer.checksum(pk, version)
    )
    differences.to_remove += [(key, version) for key, version, pk in indexed if pk not in versions]


def _search(client: EngineClient, index: str, body: Json) -> Json:
    response = client.request("POST", f"/{index}/_search", body)
    require_complete(response, body=body)
    return response
