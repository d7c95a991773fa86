"""Plan spreadsheets: read what a city keeps today, write the same layout back.

Pure Python over openpyxl and XlsxWriter: no models, no database. The tree it reads is the tree it writes.
"""

from .model import (
    KINDS,
    ROLES,
    STAGES,
    STATUSES,
    Action,
    Assumptions,
    CellFate,
    ColumnInfo,
    Goal,
    Message,
    Milestone,
    Note,
    Outcome,
    Result,
    SheetError,
    SheetInfo,
    as_json,
)
from .reader import read
from .writer import write_xlsx

__all__ = [
    "KINDS",
    "ROLES",
    "STAGES",
    "STATUSES",
    "Action",
    "Assumptions",
    "CellFate",
    "ColumnInfo",
    "Goal",
    "Message",
    "Milestone",
    "Note",
    "Outcome",
    "Result",
    "SheetError",
    "SheetInfo",
    "as_json",
    "read",
    "write_xlsx",
]
