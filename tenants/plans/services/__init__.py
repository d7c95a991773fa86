"""What is done to a plan. Pages, commands and the API call these.

Each is one transaction: lock, check, save named fields, write the history, announce.
"""

from tenants.plans.imports.export import export_as_bytes, export_sheet, export_tree
from tenants.plans.imports.services import check_import, commit_import, import_sheet, upload_sheet
from tenants.plans.imports.undo import can_undo, undo_import
from tenants.plans.services.editing import (
    EditConflict,
    add_action,
    add_goal,
    add_outcome,
    edit_action,
    edit_goal,
    edit_outcome,
    edit_plan,
    is_adopted,
    move,
    move_to,
    restore,
    retire,
    version_token,
)
from tenants.plans.services.progress import REPORTABLE_STATUSES, record_progress
from tenants.plans.services.publishing import adopt, publish_plan, publish_warnings, unpublish_plan
from tenants.plans.services.starter import holds_only_starter, make_starter_plan

__all__ = [
    "REPORTABLE_STATUSES",
    "EditConflict",
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
    "export_as_bytes",
    "export_sheet",
    "export_tree",
    "holds_only_starter",
    "import_sheet",
    "is_adopted",
    "make_starter_plan",
    "move",
    "move_to",
    "publish_plan",
    "publish_warnings",
    "record_progress",
    "restore",
    "retire",
    "undo_import",
    "unpublish_plan",
    "upload_sheet",
    "version_token",
]
