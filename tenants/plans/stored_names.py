"""Names of renamed fields in stored data: change-log entries and undo journals keep the name of the column."""

from __future__ import annotations

STORED_NAMES = {"extra_columns": "notes", "role": "part"}
_FIELD_NAMES = {stored: field for field, stored in STORED_NAMES.items()}


def stored_name(field_name: str) -> str:
    return STORED_NAMES.get(field_name, field_name)


def field_name(stored: str) -> str:
    return _FIELD_NAMES.get(stored, stored)
