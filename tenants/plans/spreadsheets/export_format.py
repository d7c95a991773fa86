"""The format of our own export, as the writer writes and the reader expects it: columns, ids and markers."""

from __future__ import annotations

import re

WIDE, MIDDLE, SLIM = 44, 26, 13
# Role, header and width in characters. Every export ends with the id column.
EXPORT_COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("number", "No.", 7),
    ("code", "Code", 9),
    ("indicator", "Community Indicator", 34),
    ("action", "Outcomes and Actions", WIDE),
    ("stage", "Stage", 15),
    ("accountable", "Accountability", MIDDLE),
    ("timeline", "Timeline", 18),
    ("exact_start", "Start date", 18),
    ("exact_due", "Due date", 18),
    ("exact_milestones", "Milestone dates", 24),
    ("measures", "Performance Measures", 40),
    ("status", "Status", SLIM),
    ("status_wording", "Status wording", SLIM),
    ("progress", "Progress Report", WIDE),
    ("resources", "Resources", MIDDLE),
    ("implementation_plan", "Implementation Plan", 36),
    ("changes", "Changes since adoption", 30),
)
ID_COLUMN = ("id", "id", 12)
EXPORT_HEADER_ROLES = {header.lower(): role for role, header, _width in (*EXPORT_COLUMNS, ID_COLUMN)}

NOTE_HEADER_PREFIX = "Note: "
EXPORT_ID = re.compile(r"(?P<kind>goal|outcome|action|story|note)(?::(?P<id>.*))?", re.DOTALL)
EMPTY_MARKER = "–"  # "nothing here", where an empty cell would mean "as above"
PORTAL_TEXT_MARKER = "\u00a0"  # ends a cell whose words are the portal's, not the sheet's
NO_BREAK_SPACE = "\u00a0"  # inside a name: it is one party, although it contains "and"
