"""A plan's tree as a list of rows with comparable values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tenants.plans.spreadsheets.model import Action, Goal, Outcome, SheetNote

NODE_KINDS = ("goal", "outcome", "action")
NOTES_FIELD = "progress_notes"  # the field that notes are only added to


@dataclass(slots=True)
class Node:
    """One goal, outcome or action, with the values of its fields.

    `key` is its uuid in the plan, or its position in the sheet ("s12"). `code` is the number that the sheet has in front
    of the action's title or in a column of codes. `former_notes` are notes that the plan had and shows no longer: an older
    sheet that has them does not bring them back.
    """

    kind: str
    key: str
    parent: str | None
    values: dict[str, Any]
    id: str | None = None
    sheet: str | None = None
    row: int | None = None
    code: str = ""
    is_retired: bool = False
    former_notes: list[list[str]] = field(
        default_factory=list
    )  # withdrawn, or as they were before a correction

    @property
    def title(self) -> str:
        return str(self.values["title"])

    @property
    def number(self) -> str:
        return str(self.values.get("number") or self.values.get("label") or "")


def flatten_tree(goals: Iterable[Goal], *, retired: frozenset[str] = frozenset()) -> list[Node]:
    """The nodes of a tree, parents before children, with their position as key. `retired` are ids of retired rows."""
    return list(_flatten(goals, retired))


def _flatten(goals: Iterable[Goal], retired: frozenset[str]) -> Iterator[Node]:
    count = 0

    def make_node(kind: str, item: Any, parent: str | None, values: dict[str, Any]) -> Node:
        nonlocal count
        count += 1
        return Node(
            kind,
            f"s{count}",
            parent,
            values,
            item.id,
            item.sheet,
            item.row,
            getattr(item, "code", None) or "",
            is_retired=item.id in retired,
        )

    for goal in goals:
        goal_node = make_node(
            "goal", goal, None, _heading_values(goal) | {"department": goal.department or ""}
        )
        yield goal_node
        for outcome in goal.outcomes:
            outcome_node = make_node("outcome", outcome, goal_node.key, _heading_values(outcome))
            yield outcome_node
            for action in outcome.actions:
                yield make_node("action", action, outcome_node.key, action_values(action))


def key_by_id(nodes: Iterable[Node]) -> list[Node]:
    """The nodes of a tree whose rows all have ids, with those as keys."""
    nodes = list(nodes)
    ids = {node.key: str(node.id) for node in nodes}
    for node in nodes:
        node.key, node.parent = ids[node.key], ids[node.parent] if node.parent else None
    return nodes


def _heading_values(heading: Goal | Outcome) -> dict[str, Any]:
    return {
        "label": heading.label or "",
        "title": heading.title,
        "story": heading.story or "",
        "notes": _notes(heading.notes),
    }


def action_values(action: Action) -> dict[str, Any]:
    return {
        "number": action.number or action.code or "",
        "title": action.title,
        "details": action.details or "",
        "accountability": {
            "raw": action.accountability_raw,
            "accountable": list(action.accountable),
            "support": list(action.support),
            "vacant_since": action.owner_vacant_since or "",
        },
        "timeline": {
            "raw": action.timeline_raw,
            "start": action.start or "",
            "start_precision": action.start_precision or "",
            "due": action.due or "",
            "due_precision": action.due_precision or "",
            "continuous": action.continuous,
        },
        "milestones": [[item.due, item.precision, item.measure] for item in action.milestones],
        "measures": [
            [text, kind or "how_much"]
            for text, kind in zip(action.measures, action.measure_kinds, strict=True)
        ],
        NOTES_FIELD: _notes(action.progress_notes),
        "status": {"status": action.status or "", "raw": action.status_raw or ""},
        "stage": action.stage or "",
        "indicator_text": action.indicator_text or "",
        "resources": action.resources or "",
        "implementation_plan": list(action.implementation_plan),
        "changes": action.changes or "",
        "notes": _notes(action.notes),
    }


def _notes(notes: Iterable[SheetNote]) -> list[list[str]]:
    return [[note.label, note.text] for note in notes]
