"""Services that write a plan; pages, commands and the API call these.

Each is one transaction: lock, check, save named fields, write the log entry, announce.
"""

from tenants.plans.commitments import is_adopted
from tenants.plans.services._common import (
    EditConflict,
    announce_plan,
    build_change_entry,
    lock_plan,
    lock_plan_rows,
    version_token,
    without_starter_flag,
)
from tenants.plans.services.actions import add_action, edit_action
from tenants.plans.services.headings import add_goal, add_outcome, edit_goal, edit_outcome, edit_plan
from tenants.plans.services.ordering import move, move_to
from tenants.plans.services.progress import REPORTABLE_STATUSES, record_progress
from tenants.plans.services.publishing import adopt, publish_plan, publish_warnings, unpublish_plan
from tenants.plans.services.retirement import restore, retire
from tenants.plans.services.starter import holds_only_starter, make_starter_plan

__all__ = [
    "REPORTABLE_STATUSES",
    "EditConflict",
    "add_action",
    "add_goal",
    "add_outcome",
    "adopt",
    "announce_plan",
    "build_change_entry",
    "edit_action",
    "edit_goal",
    "edit_outcome",
    "edit_plan",
    "holds_only_starter",
    "is_adopted",
    "lock_plan",
    "lock_plan_rows",
    "make_starter_plan",
    "move",
    "move_to",
    "publish_plan",
    "publish_warnings",
    "record_progress",
    "restore",
    "retire",
    "unpublish_plan",
    "version_token",
    "without_starter_flag",
]
