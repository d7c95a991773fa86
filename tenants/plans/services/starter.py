"""The starter plan of a new city: an outline of example texts to write over."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.models import ActionStage
from tenants.plans.models import Action, Goal, Outcome, Plan
from tenants.plans.selectors import current_plan

STARTER_FLAG = {"starter": True}


@transaction.atomic
def make_starter_plan(*, by: User | None = None) -> Plan:
    """The schema's plan; where there is none, a new draft with one goal for each kind of step.

    Each row has STARTER_FLAG in its `source` until somebody edits it. An import replaces a plan that nobody has edited.
    """
    plan = current_plan()
    if plan is not None:
        return plan
    plan = Plan.objects.create(title=_("Racial Equity Action Plan"), created_by=by, updated_by=by)
    number = 0
    for index, (stage, title, outcome_title, actions) in enumerate(_outline()):
        goal = Goal.objects.create(
            plan=plan,
            label=_("Goal %(number)d") % {"number": index + 1},
            title=title,
            position=index,
            source=STARTER_FLAG,
        )
        outcome = Outcome.objects.create(
            goal=goal, label="A", title=outcome_title, stage=stage, source=STARTER_FLAG
        )
        for position, action_title in enumerate(actions):
            number += 1
            Action.objects.create(
                outcome=outcome,
                code=f"a{number}",
                title=action_title,
                stage=stage,
                position=position,
                source=STARTER_FLAG,
            )
    plan.next_code = number + 1
    plan.save(update_fields=["next_code"])
    return plan


def holds_only_starter(plan: Plan) -> bool:
    """True while nobody has edited, added or imported anything; three queries."""
    querysets = (
        Goal.objects.filter(plan=plan),
        Outcome.objects.filter(goal__plan=plan),
        Action.objects.filter(outcome__goal__plan=plan),
    )
    return all(not rows.exclude(source__contains=STARTER_FLAG).exists() for rows in querysets)


def _outline() -> list[tuple[str, str, str, list[str]]]:
    return [
        (
            ActionStage.NORMALIZE,
            _("Example: we share an understanding of racial equity"),
            _("Example: people on staff know the local history and why it matters now"),
            [
                _("Example: write our racial equity narrative with residents"),
                _("Example: hold a foundation training for every department"),
            ],
        ),
        (
            ActionStage.ORGANIZE,
            _("Example: we have the people and partners to do the work"),
            _("Example: a core team from across departments leads the plan"),
            [
                _("Example: name a core team and give it time in the work plan"),
                _("Example: agree with community organizations on how to work together"),
            ],
        ),
        (
            ActionStage.OPERATIONALIZE,
            _("Example: racial equity is part of daily decisions"),
            _("Example: budget and policy decisions use a racial equity tool"),
            [
                _("Example: try the racial equity tool on one budget request"),
                _("Example: publish key numbers by race once a year"),
            ],
        ),
    ]
