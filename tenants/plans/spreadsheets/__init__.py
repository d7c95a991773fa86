"""Plan spreadsheets: read what a city keeps today, write the same layout back.

Pure Python over openpyxl and XlsxWriter: no models, no database. The tree it reads is the tree it writes.
"""

from tenants.plans.spreadsheets.model import (
    ACTION_STAGES,
    ACTION_STATUSES,
    COLUMN_ROLES,
    MEASURE_KINDS,
    Action,
    CellDisposition,
    ColumnInfo,
    DateConventions,
    Goal,
    Message,
    Milestone,
    Outcome,
    ParseResult,
    SheetError,
    SheetInfo,
    SheetNote,
    as_json,
)
from tenants.plans.spreadsheets.reading.reader import read
from tenants.plans.spreadsheets.writer import write_xlsx

__all__ = [
    "ACTION_STAGES",
    "ACTION_STATUSES",
    "COLUMN_ROLES",
    "MEASURE_KINDS",
    "Action",
    "CellDisposition",
    "ColumnInfo",
    "DateConventions",
    "Goal",
    "Message",
    "Milestone",
    "Outcome",
    "ParseResult",
    "SheetError",
    "SheetInfo",
    "SheetNote",
    "as_json",
    "read",
    "write_xlsx",
]
