"""What is done to a plan. Pages, commands and the API call these.

Each is one transaction: lock, check, save named fields, write the history, announce.
"""

from .editing import (
    Stale,
    add_action,
    add_goal,
    add_outcome,
    edit_action,
    edit_goal,
    edit_outcome,
    edit_plan,
    is_promised,
    move,
    move_to,
    restore,
    retire,
    token,
)
from .exporting import export_sheet, export_tree, exported_bytes
from .importing import check_import, commit_import, import_sheet, upload_sheet
from .progress import CHOICES, record_progress
from .publishing import adopt, gaps, publish_plan, unpublish_plan
from .starter import holds_only_starter, make_starter_plan
from .undoing import can_undo, undo_import

__all__ = [
    "CHOICES",
    "Stale",
    "add_action",
    "add_goal",
    "add_outcome",
    "adopt",
    "can_undo",
    "check_import",
    "commit_import",
    "edit_action",
    "edit_goal",
    "edit_outcome",
    "edit_plan",
    "export_sheet",
    "export_tree",
    "exported_bytes",
    "gaps",
    "holds_only_starter",
    "import_sheet",
    "is_promised",
    "make_starter_plan",
    "move",
    "move_to",
    "publish_plan",
    "record_progress",
    "restore",
    "retire",
    "token",
    "undo_import",
    "unpublish_plan",
    "upload_sheet",
]
