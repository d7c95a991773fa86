"""The jurisdiction of each host, cached in this process and checked for changes every HOST_CACHE_SECONDS."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
import time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.db import connection
from django.utils import timezone

from tenants.models import Domain, Jurisdiction

# Changes with every committed change of a host or a jurisdiction, by any program: PostgreSQL writes a changed row as a
# new row, with a new xmin and ctid. Half a millisecond for 500 cities.
_VERSION = """
SELECT count(*) || ':' || coalesce(bit_xor(hashtextextended(row_version, 0)), 0) FROM (
  SELECT 'd' || id || ':' || xmin || ':' || ctid FROM public.tenants_domain
  UNION ALL SELECT 'j' || id || ':' || xmin || ':' || ctid FROM public.tenants_jurisdiction
) AS versions(row_version)
"""
_FIELDS = [field.attname for field in Jurisdiction._meta.concrete_fields]


class _Snapshot(NamedTuple):
    version: str
    rows: dict[str, tuple[str, tuple[Any, ...]]]  # by host: hash and values of _FIELDS
    zones: list[ZoneInfo]


_snapshot: _Snapshot | None = None
_checked_at = 0.0  # by time.monotonic()
_lock = threading.Lock()


def get_jurisdiction(host: str) -> Jurisdiction | None:
    """The jurisdiction of this host, spelled exactly as registered; None for any other.

    Queries the database at most once every HOST_CACHE_SECONDS, and then only for changes. Each call returns a new
    object, so that no request sees what another one writes on it.
    """
    entry = _current_snapshot().rows.get(host)
    if entry is None:
        return None
    row_hash, row = entry
    values = [list(value) if isinstance(value, list) else value for value in row]
    jurisdiction = Jurisdiction.from_db("default", _FIELDS, values)
    jurisdiction.row_hash = row_hash
    return jurisdiction


def local_dates() -> list[dt.date]:
    """The date in each time zone of a jurisdiction now, in an order that stays; never queries the database.

    It changes at every midnight of some jurisdiction. As of the last call of `get_jurisdiction`.
    """
    now = timezone.now()
    return [now.astimezone(zone).date() for zone in _snapshot.zones] if _snapshot else []


def _zones(rows: dict[str, tuple[str, tuple[Any, ...]]]) -> list[ZoneInfo]:
    column = _FIELDS.index("timezone")
    names = {values[column] for _hash, values in rows.values()}
    return [
        ZoneInfo(name) for name in sorted(names & available_timezones())
    ]  # one bad row must not close all sites


def _current_snapshot() -> _Snapshot:
    global _snapshot, _checked_at
    snapshot = _snapshot
    if snapshot is None:
        _lock.acquire()
    elif time.monotonic() - _checked_at < settings.HOST_CACHE_SECONDS or not _lock.acquire(blocking=False):
        return snapshot
    try:
        version = _read_version()  # before the rows: the next check finds what is committed between the two
        if _snapshot is None or _snapshot.version != version:
            rows = _read_rows()
            _snapshot = _Snapshot(version, rows, _zones(rows))
        _checked_at = time.monotonic()
        return _snapshot
    finally:
        _lock.release()


def _read_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        return cursor.fetchone()[0]


def _read_rows() -> dict[str, tuple[str, tuple[Any, ...]]]:
    columns = [f"tenant__{name}" for name in _FIELDS]
    rows = {host: tuple(row) for host, *row in Domain.objects.values_list("domain", *columns)}
    return {
        host: (hashlib.blake2b(repr(row).encode(), digest_size=8).hexdigest(), row)
        for host, row in rows.items()
    }
