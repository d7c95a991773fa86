"""Positions of the rows that an import adds or moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tenants.plans.models import Action, Goal, Outcome
from tenants.plans.spreadsheets import three_way_merge

PARENT_COLUMNS = {"goal": "plan_id", "outcome": "goal_id", "action": "outcome_id"}


def order_siblings(
    model: type[Goal] | type[Outcome] | type[Action],
    items: Sequence[three_way_merge.RowDiff],
    rows: Mapping[str, Any],
    new_or_moved_keys: set[str],
) -> list[list[Any]]:
    """The children, in their new order, of each parent that gets a new or moved row; one query.

    Such a row goes behind the row that precedes it in the sheet; the others keep their order.
    `items` are the sheet's rows of one kind, in order, and `rows` the saved rows by the key of their node;
    `new_or_moved_keys` are the keys of those that were added or moved.
    """
    parent_column = PARENT_COLUMNS[items[0].node.kind]
    parents = {getattr(rows[key], parent_column) for key in new_or_moved_keys}
    new_or_moved_pks = {rows[key].pk for key in new_or_moved_keys}
    rows_by_pk = {row.pk: row for row in rows.values()}
    orders: dict[int, list[Any]] = {parent: [] for parent in parents}
    siblings: Any = model._default_manager.filter(**{f"{parent_column}__in": parents})
    for row in siblings.order_by("position", "pk"):
        if row.pk not in new_or_moved_pks:
            orders[getattr(row, parent_column)].append(rows_by_pk.get(row.pk, row))

    # Which new and moved rows follow which: {(id of the preceding row that stays, or None; parent): [rows]}.
    followers: dict[Any, list[Any]] = defaultdict(list)
    preceding: dict[Any, Any] = {}
    for item in items:
        row = rows[item.node.key]
        parent = getattr(row, parent_column)
        if item.node.key in new_or_moved_keys:
            followers[preceding.get(parent), parent].append(row)
        else:
            preceding[parent] = row.pk
    return [
        [
            *(each for row in order for each in (row, *followers[row.pk, parent])),
            *followers[None, parent],
        ]
        for parent, order in orders.items()
    ]


def renumber(orders: Iterable[list[Any]]) -> list[tuple[Any, int]]:
    """Set `position` of each row to its index. Returns the rows that changed, unsaved, with their old positions."""
    changed = []
    for order in orders:
        for index, row in enumerate(order):
            if row.position != index:
                changed.append((row, row.position))
                row.position = index
    return changed
