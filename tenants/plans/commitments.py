"""What an adopted plan promises. One list: what needs a reason to change is what the public page shows as changed.

A promise is what residents can hold the city to: what will change and what will be done, in which words, who answers
for it, when it starts and is due, and how it is measured. Field by field:

- The wording: `title` of a goal, an outcome or an action, and an action's `details`. Its `number`, `why`, kind of step,
  sectors and topics explain and sort; they promise nothing.
- Who answers: `accountable`, `owner`, `owner_vacant_since`. Departments that help (`responsible`, `support`) do not
  answer for the action.
- The dates: `start_date`, `due_date`, how exact each is, and `is_continuous`. A start that moves is the first sign of a
  delay. `milestones` are the working steps to that date: reporting one as done is progress.
- `measures`, with their baselines and targets.
- Where it stands: `outcome` of an action, `goal` of an outcome. Its position among others means nothing.

Status, reason and next step are progress, with rules of their own. So has retiring: it takes a reason in a draft too,
and a retired item is on no public page. `resources`, `implementation_plan` and the sheet's own words (`…_raw`) are how
the city works and writes, not what it promises.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Min, Q
from django.utils import timezone

from tenants.plans.models import Plan, PlanLogEntry

# By type of the row, in the order in which pages show the changes.
COMMITMENT_FIELDS: dict[str, tuple[str, ...]] = {
    "goal": ("title",),
    "outcome": ("title", "goal"),
    "action": (
        *("title", "details", "accountable", "owner", "owner_vacant_since", "start_date", "start_precision"),
        *("due_date", "due_precision", "is_continuous", "measures", "outcome"),
    ),
}


def is_adopted(plan: Plan) -> bool:
    """True if the plan is a promise: a change of COMMITMENT_FIELDS needs a reason."""
    return plan.lifecycle != Plan.Lifecycle.DRAFT


def promised_since(plan: Plan) -> dt.datetime | None:
    """When the plan was adopted or first published, whichever came first: from then on its changes are shown.

    The log tells; for a plan without such an entry its own columns. Taking it out of view changes nothing. One query.
    """
    log = PlanLogEntry.objects.filter(object_type="plan", object_uuid=plan.uuid)
    first = log.aggregate(
        adopted=Min("at", filter=Q(verb="adopted") | Q(fields__lifecycle__0=Plan.Lifecycle.DRAFT)),
        published=Min("at", filter=Q(verb="published")),
    )
    if first["adopted"] is None and plan.adopted_on:
        midnight = dt.datetime.combine(plan.adopted_on, dt.time())
        first["adopted"] = timezone.make_aware(midnight)
    moments = (first["adopted"], first["published"], plan.published_at)
    return min((moment for moment in moments if moment), default=None)


def changes_a_commitment() -> Q:
    """The condition of log entries that change a commitment, as commitments_in has them."""
    condition = Q()
    for object_type, names in COMMITMENT_FIELDS.items():
        condition |= Q(object_type=object_type, fields__has_any_keys=names)
    return condition


def commitments_in(object_type: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a row's changed fields that are commitments, in the order of COMMITMENT_FIELDS."""
    return {name: fields[name] for name in COMMITMENT_FIELDS.get(object_type, ()) if name in fields}
