"""Responses with records as CSV or JSON."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers

_FORMULA_PREFIXES = ("=", "+", "-", "@")
LICENSE = {"name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}


def csv_cell(value: Any) -> Any:
    """Return a value as a CSV cell. Text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str) and (
        value.startswith(("\t", "\r")) or value.lstrip().startswith(_FORMULA_PREFIXES)
    ):
        return "'" + value
    if isinstance(value, list | tuple):
        return csv_cell("; ".join(str(item) for item in value))
    return value


def csv_response(filename: str, columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> HttpResponse:
    """Return records as a CSV download. It begins with a byte order mark: without it Excel misreads UTF-8."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows([csv_cell(record[column]) for column in columns] for record in records)
    return response


def json_response(data: Mapping[str, Any]) -> JsonResponse:
    """Return data as JSON, in readable Unicode; dates are ISO 8601."""
    response = JsonResponse(data, json_dumps_params={"ensure_ascii": False, "indent": 1})
    patch_vary_headers(response, ["Cookie"])
    return response
