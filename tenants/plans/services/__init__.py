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
from .progress import CHOICES, record_progress
from .publishing import adopt, gaps, publish_plan, unpublish_plan
from .starter import holds_only_starter, make_starter_plan

__all__ = [
    "CHOICES",
    "Stale",
    "add_action",
    "add_goal",
    "add_outcome",
    "adopt",
    "edit_action",
    "edit_goal",
    "edit_outcome",
    "edit_plan",
    "gaps",
    "holds_only_starter",
    "is_promised",
    "make_starter_plan",
    "move",
    "move_to",
    "publish_plan",
    "record_progress",
    "restore",
    "retire",
    "token",
    "unpublish_plan",
]
