"""The departments of the plan in force, with the actions that each reports on."""

from __future__ import annotations

from collections import defaultdict

from tenants.plans.models import Action, ActionParty
from tenants.plans.selectors import actions_of, current_plan
from tenants.team.departments import PlanDepartment


def read_departments() -> list[PlanDepartment]:
    """The departments that the plan's actions name as accountable or responsible, by name. Three queries."""
    plan = current_plan()
    if plan is None:
        return []
    actions = actions_of(plan)
    accountable = actions.exclude(accountable=None).values_list("accountable__name", "pk", "status")
    responsible = ActionParty.objects.filter(
        action__in=actions, role=ActionParty.Role.RESPONSIBLE
    ).values_list("department__name", "action", "action__status")
    open_actions: dict[str, set[int]] = defaultdict(set)
    for name, action_id, status in [*accountable, *responsible]:
        open_actions[name] |= set() if status in Action.CLOSED else {action_id}
    names = sorted(open_actions, key=str.casefold)
    return [PlanDepartment(name, len(open_actions[name])) for name in names]
