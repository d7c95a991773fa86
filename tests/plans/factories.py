"""The factories of plans, under the name that this folder's tests import them by."""

from tests.plan_factories import (
    ActionFactory,
    DepartmentFactory,
    GoalFactory,
    MeasureFactory,
    MilestoneFactory,
    NoteFactory,
    OutcomeFactory,
    PartyFactory,
    PlanFactory,
)

__all__ = [
    "ActionFactory",
    "DepartmentFactory",
    "GoalFactory",
    "MeasureFactory",
    "MilestoneFactory",
    "NoteFactory",
    "OutcomeFactory",
    "PartyFactory",
    "PlanFactory",
]
