"""Signals of a jurisdiction, sent inside the sender's transaction, with the jurisdiction's schema active.

Handlers only write rows, refreshed from the database: handling a signal twice must equal handling it once.
What leaves the database (email, a search engine) is a job, queued in the same transaction.
"""

from django.dispatch import Signal

# jurisdiction: Jurisdiction, options: dict — its schema exists and is otherwise empty
jurisdiction_opened = Signal()
# jurisdiction: Jurisdiction — name, stage, site state or colors
jurisdiction_changed = Signal()
# jurisdiction: Jurisdiction, plan_id: int — the plan's audience has changed, to more or fewer people
plan_published = Signal()
# jurisdiction: Jurisdiction, plan_id: int — many rows, such as an import: read the whole plan again
plan_changed = Signal()
# jurisdiction: Jurisdiction, action_ids: list[int] — including retired actions
action_changed = Signal()
# jurisdiction: Jurisdiction, action_ids: list[int] | None — cohort has written the public copies of the plan and of
# these actions, or of everything if None
projection_changed = Signal()
# item_id: int — published, changed or withdrawn
library_item_changed = Signal()
# jurisdiction: Jurisdiction, page_id: int — published, changed or withdrawn
page_changed = Signal()
