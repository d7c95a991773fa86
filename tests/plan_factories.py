"""Factories of plans, their items and the related rows of actions, in the active schema. Valid with no arguments."""

from __future__ import annotations

import datetime as dt

import factory

from tenants.models import Visibility
from tenants.plans.models import (
    Action,
    ActionParty,
    Department,
    Goal,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    ProgressNote,
)


class PlanFactory(factory.django.DjangoModelFactory):
    """A public, adopted plan of 2025 to 2029."""

    class Meta:
        model = Plan

    title = factory.Sequence("Racial Equity Action Plan {}".format)
    period_start = dt.date(2025, 1, 1)
    period_end = dt.date(2029, 12, 31)
    lifecycle = Plan.Lifecycle.IMPLEMENTING
    visibility = Visibility.PUBLIC
    published_at = dt.datetime(2025, 1, 15, 15, tzinfo=dt.UTC)
    adopted_on = dt.date(2025, 1, 14)
    adopting_body = "City Council"


class DepartmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Department

    name = factory.Sequence("Department {}".format)


class GoalFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Goal

    plan = factory.SubFactory(PlanFactory)
    label = factory.LazyAttributeSequence(lambda goal, n: f"Goal {n}")
    title = factory.Sequence("A goal worth {}".format)
    position = factory.Sequence(int)


class OutcomeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Outcome

    goal = factory.SubFactory(GoalFactory)
    label = factory.Sequence("O{}".format)
    title = factory.Sequence("Outcome number {}".format)
    position = factory.Sequence(int)


class ActionFactory(factory.django.DjangoModelFactory):
    """An action that is on track; ActionFactory(retired=True) for a retired one."""

    class Meta:
        model = Action

    class Params:
        retired = factory.Trait(
            retired_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), retired_reason="Not needed."
        )

    outcome = factory.SubFactory(OutcomeFactory)
    code = factory.Sequence("n{}".format)  # the starter plan has a1, a2 …; tests name their own t1, t2 …
    number = factory.Sequence("1.{}".format)
    title = factory.Sequence("Translate the {}th form".format)
    status = Action.Status.ON_TRACK
    accountable = factory.SubFactory(DepartmentFactory)
    start_date = dt.date(2025, 3, 1)
    due_date = dt.date(2027, 6, 30)
    due_precision = "month"
    position = factory.Sequence(int)


class PartyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ActionParty

    action = factory.SubFactory(ActionFactory)
    department = factory.SubFactory(DepartmentFactory)
    role = ActionParty.Role.RESPONSIBLE


class MeasureFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PerformanceMeasure

    action = factory.SubFactory(ActionFactory)
    kind = PerformanceMeasure.Kind.HOW_MUCH
    text = factory.Sequence("{} people served".format)


class MilestoneFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Milestone

    action = factory.SubFactory(ActionFactory)
    title = factory.Sequence("Step {}".format)
    due_date = dt.date(2026, 6, 30)


class NoteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ProgressNote

    action = factory.SubFactory(ActionFactory)
    noted_on = dt.date(2026, 3, 1)
    status = Action.Status.ON_TRACK
    text = factory.Sequence("We did thing {}".format)
