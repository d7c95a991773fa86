"""A result as the import command prints it: JSON without the fields that a sheet does not use."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from tenants.plans.spreadsheets.model import Action, Goal, Outcome, ParseResult

ALWAYS_INCLUDED = (
    "row",
    "title",
    "accountable",
    "timeline_raw",
    "start",
    "due",
    "due_precision",
    "continuous",
    "measures",
    "measure_kinds",
    "progress_notes",
    "status",
    "indicator_text",
)
# Left out of an action where it is empty.
INCLUDED_IF_FILLED = ("id", "details", "milestones", "owner_vacant_since", "notes")
# Left out of all actions of a sheet where it is empty in all of them.
INCLUDED_IF_USED = (
    "sheet",
    "number",
    "code",
    "status_raw",
    "support",
    "stage",
    "resources",
    "implementation_plan",
    "changes",
)


def as_json(result: ParseResult) -> dict[str, Any]:
    """A result as a dict of plain values.

    {"goals": 4, "outcomes": 9, "actions": 31, "cells": {"total", "imported", "noted", "refused"},
    "messages": [{"row", "column", "value", "text"}], "tree": [goal with outcomes with actions]}
    The actions of a sheet leave out fields that no action of it uses.
    """
    is_one_sheet = len({message.sheet for message in result.messages}) < 2
    return {
        "goals": len(result.goals),
        "outcomes": sum(1 for _ in result.outcomes),
        "actions": sum(1 for _ in result.actions),
        "cells": result.cell_counts,
        "messages": [
            {
                "row": message.row,
                "column": message.column,
                "value": message.value,
                "text": message.text if is_one_sheet else f"{message.sheet}: {message.text}",
            }
            for message in result.messages
        ],
        "tree": compact_tree(result.goals),
    }


def compact_tree(goals: Iterable[Goal]) -> list[dict[str, Any]]:
    """The goals as dicts without unused fields."""
    goals = list(goals)
    used_fields: dict[str | None, set[str]] = {}  # by sheet
    for goal in goals:
        for outcome in goal.outcomes:
            for action in outcome.actions:
                used_in_sheet = used_fields.setdefault(action.sheet, set())
                used_in_sheet.update(name for name in INCLUDED_IF_USED if getattr(action, name))
    return [_compact_goal(goal, used_fields) for goal in goals]


def _compact_goal(goal: Goal, used_fields: dict[str | None, set[str]]) -> dict[str, Any]:
    compact = _compact_node(goal, ("id", "sheet", "story", "department", "notes"))
    compact["outcomes"] = [
        _compact_node(outcome, ("id", "story", "notes"))
        | {"actions": [_compact_action(action, used_fields[action.sheet]) for action in outcome.actions]}
        for outcome in goal.outcomes
    ]
    return compact


def _compact_node(node: Goal | Outcome, optional: tuple[str, ...]) -> dict[str, Any]:
    full = dataclasses.asdict(node)
    return {name: full[name] for name in ("label", "title", "row")} | {
        name: full[name] for name in optional if full[name]
    }


def _compact_action(action: Action, used_fields: set[str]) -> dict[str, Any]:
    full = dataclasses.asdict(action)
    compact = {name: full[name] for name in ALWAYS_INCLUDED}
    compact |= {name: full[name] for name in INCLUDED_IF_FILLED if full[name]}
    compact |= {name: full[name] for name in INCLUDED_IF_USED if name in used_fields}
    if "milestones" in compact:
        compact["milestones"] = [
            {"due": item["due"], "measure": item["measure"]} for item in compact["milestones"]
        ]
    return compact
