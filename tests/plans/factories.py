"""The factories of plans, re-exported for this folder's tests."""

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
