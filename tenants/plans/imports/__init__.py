"""Import of a spreadsheet into the plan, its undo, and the export that can be imported again."""

from tenants.plans.imports.export import export_as_bytes, export_sheet, export_tree
from tenants.plans.imports.services import (
    changes_promises,
    check_import,
    commit_import,
    import_sheet,
    upload_sheet,
)
from tenants.plans.imports.undo import can_undo, undo_import

__all__ = [
    "can_undo",
    "changes_promises",
    "check_import",
    "commit_import",
    "export_as_bytes",
    "export_sheet",
    "export_tree",
    "import_sheet",
    "undo_import",
    "upload_sheet",
]
