"""Plan spreadsheets: read a city's own file, write the same layout back, compare a sheet with the plan.

Pure Python with openpyxl and XlsxWriter: no Django models, no database. The tree it reads is the tree it writes.
"""

from tenants.plans.spreadsheets.json_format import as_json
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
