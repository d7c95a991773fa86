"""Announcements of a jurisdiction, sent inside the announcer's transaction, with its schema active.

Listeners only write rows and refresh what they hold from the database: called twice must equal called once.
What leaves the database (mail, a search engine) is a job, queued in the same transaction.
"""

from django.dispatch import Signal

# jurisdiction: Jurisdiction, options: dict — its schema is there, nothing else yet
jurisdiction_opened = Signal()
# jurisdiction: Jurisdiction — name, stage, site state or colors
jurisdiction_changed = Signal()
# jurisdiction: Jurisdiction, plan_id: int — who may see the plan has changed, either way
plan_published = Signal()
# jurisdiction: Jurisdiction, plan_id: int — many rows, e.g. an import: read all again
plan_changed = Signal()
# jurisdiction: Jurisdiction, action_ids: list[int] — also retired ones
action_changed = Signal()
# jurisdiction: Jurisdiction, action_ids: list[int] | None — cohort has written the public copies of the plan and of
# these actions, or of everything if None
projection_changed = Signal()
# item_id: int — published, changed or withdrawn
library_item_changed = Signal()
# jurisdiction: Jurisdiction, page_id: int — published, changed or withdrawn
page_changed = Signal()
