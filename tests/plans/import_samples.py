"""Sheets for the tests of the import, and the helpers that import them into the active schema."""

from __future__ import annotations

from typing import Any

from tenants.plans import imports
from tenants.plans.models import (
    Action,
    ActionParty,
    Department,
    Goal,
    ImportJob,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    ProgressNote,
)

PLAN_MODELS = (
    Plan,
    Goal,
    Outcome,
    Action,
    ActionParty,
    PerformanceMeasure,
    Milestone,
    ProgressNote,
    Department,
)
HEADER = (
    "Community Indicator,Outcomes and Actions,Accountability,Timeline,Performance Measures,Progress Report\n"
)
SHEET = HEADER + (
    "Goal 1: Fair streets,,,,,\n"
    "A. Crossings are safe,,,,,\n"
    ",Paint forty crossings,Public Works; Police,June 2027,How much: crossings painted,Q1: Ten are painted.\n"
    ",Repair the lights,Public Works,2028,How much: lights repaired,\n"
)


def sheet_of(count: int) -> str:
    """A sheet of `count` actions under one outcome."""
    lines = [
        f",Action {n} of many words {n * 7},Department {n % 5}; Helper {n % 3},June 2027,Measure {n},Q1: Note {n}"
        for n in range(count)
    ]
    return HEADER + "Goal 1: One,,,,,\nA. First,,,,,\n" + "\n".join(lines) + "\n"


def plan_rows(*, without: tuple[str, ...] = ("updated_at",)) -> dict[str, Any]:
    """Every row of the plan, by model, without some columns: to prove that nothing changed."""
    values = {}
    for model in PLAN_MODELS:
        names = [field.attname for field in model._meta.concrete_fields if field.attname not in without]
        values[model.__name__] = list(model.objects.order_by("pk").values(*names))
    return values


def upload_text(text: str | bytes = SHEET, filename: str = "plan.csv") -> ImportJob:
    content = text.encode() if isinstance(text, str) else text
    return imports.upload_sheet(filename=filename, content=content, by=None)


def import_text(text: str | bytes = SHEET, **options: Any) -> ImportJob:
    return imports.commit_import(upload_text(text), by=None, **options)


def get_action(title: str) -> Action:
    return Action.objects.select_related("accountable").get(title=title)
