"""Compares the engine's index with the table, and repairs what differs, however that came about.

Documents are compared in ranges of their numbers: how many there are, and the sum of their `check`. Only where these
differ is the range looked at one by one. 100,000 documents take one request and one statement.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

from search.index import bulk, feed
from search.index.transports import Json, Transport, check_whole, pick
from search.models import Document

log = logging.getLogger(__name__)

_RANGE, _MOST_RANGES = 500, 5_000


@dataclass
class Difference:
    """What an index lacks or has in an old version, and what it should not have. `strangers` carry no number."""

    to_write: list[int] = field(default_factory=list)
    to_remove: list[tuple[str, int]] = field(default_factory=list)  # id and version in the index
    strangers: int = 0

    def __bool__(self) -> bool:
        return bool(self.to_write or self.to_remove or self.strangers)


@dataclass(frozen=True)
class Repaired:
    """`must_rebuild`: the index holds what cannot be mended, such as versions that the table never gave."""

    written: int = 0
    removed: int = 0
    must_rebuild: bool = False


def repair(transport: Transport, index: str, *, is_alias: bool) -> Repaired:
    """Write and remove what differs."""
    found = difference(transport, index)
    if found.strangers:
        return Repaired(must_rebuild=True)
    if not found:
        return Repaired()
    overtaken: list[bulk.Operation] = []
    for outcome in bulk.send(
        transport, index, _operations(found), is_alias=is_alias, refresh=True, pauses=bulk.PAUSES
    ):
        bulk.log_refusal(outcome)
        if outcome.overtaken and outcome.operation.source is not None:
            overtaken.append(outcome.operation)
    return Repaired(len(found.to_write), len(found.to_remove), any(map(_stands_so, overtaken)))


def difference(transport: Transport, index: str) -> Difference:
    transport.request("POST", f"/{index}/_refresh")
    found = Difference()
    width = max(_RANGE, _highest() // _MOST_RANGES + 1)
    theirs, found.strangers = _their_sums(transport, index, width)
    ours = _our_sums(width)
    for place in sorted(ours.keys() | theirs.keys()):
        if ours.get(place) != theirs.get(place):
            _look_closely(transport, index, place * width, (place + 1) * width, found)
    return found


def _operations(found: Difference) -> Iterator[bulk.Operation]:
    # Removed in the version that was seen there: whatever was written since is newer and stays.
    for key, version in found.to_remove:
        yield bulk.Operation(key, version)
    for start in range(0, len(found.to_write), 500):
        part = found.to_write[start : start + 500]
        yield from map(
            feed.writing, Document.objects.filter(pk__in=part).order_by("pk").defer(*feed.NOT_SENT)
        )


def _stands_so(operation: bulk.Operation) -> bool:
    """Does the table still hold what the index refused as old? Then the index is ahead of the table."""
    number = (operation.source or {})["number"]
    return Document.objects.filter(pk=number, version=operation.version).exists()


def _highest() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {Document._meta.db_table}")
        return int(cursor.fetchone()[0])


def _our_sums(width: int) -> dict[int, tuple[int, int]]:
    """Range -> how many documents, sum of their checks. Reads an index alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id / %s, count(*), sum(('x' || left(md5(id || ':' || version), 7))::bit(28)::int) "
            f"FROM {Document._meta.db_table} GROUP BY 1",
            [width],
        )
        return {place: (count, int(total)) for place, count, total in cursor.fetchall()}


def _their_sums(transport: Transport, index: str, width: int) -> tuple[dict[int, tuple[int, int]], int]:
    ranges = {"field": "number", "interval": width, "min_doc_count": 1}
    question = {
        "size": 0,
        "aggs": {
            "ranges": {"histogram": ranges, "aggs": {"check": {"sum": {"field": "check"}}}},
            "strangers": {"missing": {"field": "number"}},
        },
    }
    answer = _asked(transport, index, question)
    sums = {
        int(bucket["key"]) // width: (bucket["doc_count"], int(bucket["check"]["value"]))
        for bucket in pick(answer, "aggregations", "ranges", "buckets", kind=list)
    }
    return sums, pick(answer, "aggregations", "strangers", "doc_count", kind=int)


def _look_closely(transport: Transport, index: str, low: int, high: int, found: Difference) -> None:
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
    for hit in _asked(transport, index, question)["hits"]["hits"]:
        number = int(hit["fields"]["number"][0])
        seen[number] = int(hit["fields"]["check"][0])
        there.append((hit["_id"], hit["_version"], number))
    ours = dict(Document.objects.filter(pk__gte=low, pk__lt=high).values_list("pk", "version"))
    found.to_write += sorted(pk for pk, version in ours.items() if seen.get(pk) != feed.check(pk, version))
    found.to_remove += [(key, version) for key, version, number in there if number not in ours]


def _asked(transport: Transport, index: str, question: Json) -> Json:
    answer = transport.request("POST", f"/{index}/_search", question)
    check_whole(answer, asked=question)
    return answer
