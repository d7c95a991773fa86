"""Three-way merge of a sheet and the plan: what is new, changed on one side, or changed on both.

Pure functions of three trees: `base`, the last version that both had; the sheet now; the plan now. Changes of the sheet
alone are taken, changes of the plan alone are kept, and changes of both are a conflict for a person to decide. An empty
cell never removes a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tenants.plans.spreadsheets.row_matching import match_rows
from tenants.plans.spreadsheets.tree_nodes import NODE_KINDS, NOTES_FIELD, Node, flatten_tree, key_by_id

__all__ = [
    "NOTES_FIELD",
    "PARENT_FIELD",
    "FieldDiff",
    "Node",
    "PlanDiff",
    "RowDiff",
    "edit_distance",
    "flatten_tree",
    "key_by_id",
    "match_rows",
    "normalize",
    "three_way_diff",
]

PARENT_FIELD = "parent"  # the name of a moved row's difference; its values are the keys of the parents


@dataclass(slots=True)
class FieldDiff:
    """The difference of one field of a row. `verdict` is "sheet" (take it), "plan" (keep it) or "conflict"."""

    base: Any
    plan: Any
    sheet: Any
    verdict: str


@dataclass(slots=True)
class RowDiff:
    """A row of the sheet with its differences. `state` is "new", "changed", "same", "conflict" or "retired"."""

    node: Node
    state: str
    plan: Node | None = None
    fields: dict[str, FieldDiff] = field(default_factory=dict)


@dataclass(slots=True)
class PlanDiff:
    """The rows of the sheet in order, and the plan's rows that are absent from the sheet."""

    items: list[RowDiff] = field(default_factory=list)
    absent: list[Node] = field(default_factory=list)

    def counts(self) -> dict[str, dict[str, int]]:
        """{"action": {"new": 3, "changed": 1, "same": 20, "conflict": 0, "retired": 0, "absent": 2}, …}"""
        counts = {
            kind: dict.fromkeys(("new", "changed", "same", "conflict", "retired", "absent"), 0)
            for kind in NODE_KINDS
        }
        for item in self.items:
            counts[item.node.kind][item.state] += 1
        for node in self.absent:
            counts[node.kind]["absent"] += 1
        return counts

    @property
    def is_empty(self) -> bool:
        return all(item.state in ("same", "retired") for item in self.items)


def three_way_diff(sheet: list[Node], plan: list[Node], base: dict[str, Node]) -> PlanDiff:
    """The difference of a sheet and the plan. `base` has the rows of the last common version, by the plan's keys."""
    matched = match_rows(sheet, plan, base)
    plan_keys = {row.key: matched[row.key].key if row.key in matched else row.key for row in sheet}
    plan_diff = PlanDiff()
    for row in sheet:
        node = matched.get(row.key)
        if node is None:
            plan_diff.items.append(RowDiff(row, "new"))
        elif node.is_retired:
            plan_diff.items.append(RowDiff(row, "retired", node))
        else:
            fields = _diff_fields(row, node, base.get(node.key))
            parent_diff = row.parent and _diff_parent(plan_keys[row.parent], node.parent, base.get(node.key))
            if parent_diff:
                fields[PARENT_FIELD] = parent_diff
            verdicts = {field_diff.verdict for field_diff in fields.values()}
            state = "conflict" if "conflict" in verdicts else "changed" if "sheet" in verdicts else "same"
            plan_diff.items.append(RowDiff(row, state, node, fields))
    present = {node.key for node in matched.values()}
    plan_diff.absent = [node for node in plan if node.key not in present and not node.is_retired]
    return plan_diff


def _diff_fields(row: Node, node: Node, base: Node | None) -> dict[str, FieldDiff]:
    fields = {}
    for name, value in row.values.items():
        base_value = base.values.get(name) if base else None
        if name == NOTES_FIELD:
            field_diff = _diff_notes(value, node.values[name], base_value, node.former_notes)
        else:
            field_diff = _diff_field(name, value, node.values[name], base_value, has_base=base is not None)
        if field_diff:
            fields[name] = field_diff
    return fields


def _diff_field(name: str, sheet: Any, plan: Any, base: Any, *, has_base: bool) -> FieldDiff | None:
    if name == "timeline":
        sheet, plan, base = (
            _without_unused_precision(sheet),
            _without_unused_precision(plan),
            _without_unused_precision(base),
        )
    sheet_value, plan_value, base_value = normalize(sheet), normalize(plan), normalize(base)
    if sheet_value == plan_value or sheet_value is None:
        return None
    if has_base and sheet_value == base_value:
        return FieldDiff(base, plan, sheet, "plan")
    if plan_value is None or (has_base and plan_value == base_value):
        return FieldDiff(base, plan, sheet, "sheet")
    return FieldDiff(base, plan, sheet, "conflict")


def _without_unused_precision(timeline: Any) -> Any:
    """The timeline without the precision of empty dates."""
    if not timeline:
        return timeline
    return timeline | {
        f"{name}_precision": timeline[f"{name}_precision"] if timeline[name] else ""
        for name in ("start", "due")
    }


def _diff_notes(sheet: list[Any], plan: list[Any], base: Any, former: list[list[str]]) -> FieldDiff | None:
    """Add the notes of the sheet that are not in the plan, were not in the last import, and were not taken back."""
    existing = {str(normalize(note)) for note in [*plan, *(base or []), *former]}
    new = [note for note in sheet if str(normalize(note)) not in existing]
    return FieldDiff(base, plan, [*plan, *new], "sheet") if new else None


def _diff_parent(sheet: str, plan: str | None, base: Node | None) -> FieldDiff | None:
    if sheet == plan:
        return None
    if base is not None and base.parent == sheet:
        return FieldDiff(base.parent, plan, sheet, "plan")
    is_unmoved_in_plan = base is not None and base.parent == plan
    verdict = "sheet" if is_unmoved_in_plan else "conflict"
    return FieldDiff(base.parent if base else None, plan, sheet, verdict)


def edit_distance(sheet: list[Node], base: list[Node]) -> int:
    """The number of rows and fields that differ from an earlier tree. The nearest is the one a sheet was made from."""
    by_key = {node.key: node for node in base}
    matched = match_rows(sheet, base, {})
    distance = abs(len(base) - len(matched)) + len(sheet) - len(matched)
    for row in sheet:
        node = matched.get(row.key)
        if node is not None:
            distance += sum(
                normalize(row.values[name]) != normalize(by_key[node.key].values.get(name))
                for name in row.values
            )
    return distance


def normalize(value: Any) -> Any:
    """The value as it is compared: runs of blanks and line breaks are one blank; without content it is None.

    Without content are an empty text, an empty list, and a dict whose values are all None or False.
    """
    if isinstance(value, str):
        return " ".join(value.split()) or None
    if isinstance(value, list):
        return [normalize(item) for item in value] or None
    if isinstance(value, dict):
        normalized = {name: normalize(item) for name, item in value.items()}
        return normalized if any(item not in (None, False) for item in normalized.values()) else None
    return value
