"""Compare a sheet with the plan: what is new, changed on either side, or changed on both.

Pure: trees in, differences out. Three trees take part: `base`, what sheet and plan last agreed on; the sheet as it
is now; the plan as it is now. What only the sheet changed is taken, what only the plan changed is kept, and what
both changed is a conflict for a person to decide. An empty cell says nothing: it never takes a value away.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tenants.plans import spreadsheets

NODE_KINDS = ("goal", "outcome", "action")
PARENT_FIELD = "parent"  # the facet that says what a row stands under
NOTES_FIELD = "progress_notes"  # the facet that only ever grows
SIMILARITY_THRESHOLD = 0.6  # share of words two titles have in common to be the same row
MAX_PAIRS_ROOT = 400  # unmatched pairs above which titles are no longer compared word by word


@dataclass(slots=True)
class Node:
    """One goal, outcome or action. `key` is its uuid in the plan, or its place in the sheet ("s12")."""

    kind: str
    key: str
    parent: str | None
    values: dict[str, Any]
    id: str | None = None
    sheet: str | None = None
    row: int | None = None
    code: str = (
        ""  # the number, where the sheet has it as part of the action's own words or in a column of codes
    )
    is_retired: bool = False

    @property
    def title(self) -> str:
        return str(self.values["title"])

    @property
    def number(self) -> str:
        return str(self.values.get("number") or self.values.get("label") or "")


@dataclass(slots=True)
class FieldDiff:
    """How one facet of a row differs. `verdict` is "sheet" (take it), "plan" (keep it) or "conflict"."""

    base: Any
    plan: Any
    sheet: Any
    verdict: str


@dataclass(slots=True)
class RowDiff:
    """A row of the sheet and what becomes of it: "new", "changed", "same", "conflict" or "retired"."""

    node: Node
    state: str
    plan: Node | None = None
    fields: dict[str, FieldDiff] = field(default_factory=dict)


@dataclass(slots=True)
class PlanDiff:
    """The rows of the sheet in order, and the plan's rows that the sheet does not have."""

    items: list[RowDiff] = field(default_factory=list)
    absent: list[Node] = field(default_factory=list)

    def counts(self) -> dict[str, dict[str, int]]:
        """{"action": {"new": 3, "changed": 1, "same": 20, "conflict": 0, "retired": 0, "absent": 2}, …}"""
        found = {
            kind: dict.fromkeys(("new", "changed", "same", "conflict", "retired", "absent"), 0)
            for kind in NODE_KINDS
        }
        for item in self.items:
            found[item.node.kind][item.state] += 1
        for node in self.absent:
            found[node.kind]["absent"] += 1
        return found

    @property
    def is_empty(self) -> bool:
        return all(item.state in ("same", "retired") for item in self.items)


# ---- Trees to nodes --------------------------------------------------------------------------------------
def flatten_tree(goals: Iterable[spreadsheets.Goal], *, retired: frozenset[str] = frozenset()) -> list[Node]:
    """Parents before children. Rows with an id of the plan have it as key when `retired` or base trees are read."""
    return list(_flatten(goals, retired))


def _flatten(goals: Iterable[spreadsheets.Goal], retired: frozenset[str]) -> Iterator[Node]:
    count = 0

    def node(kind: str, part: Any, parent: str | None, values: dict[str, Any]) -> Node:
        nonlocal count
        count += 1
        return Node(
            kind,
            f"s{count}",
            parent,
            values,
            part.id,
            part.sheet,
            part.row,
            getattr(part, "code", None) or "",
            is_retired=part.id in retired,
        )

    for goal in goals:
        above = node("goal", goal, None, _heading_values(goal) | {"department": goal.department or ""})
        yield above
        for outcome in goal.outcomes:
            middle = node("outcome", outcome, above.key, _heading_values(outcome))
            yield middle
            for action in outcome.actions:
                yield node("action", action, middle.key, action_values(action))


def key_by_id(nodes: Iterable[Node]) -> list[Node]:
    """The nodes of a tree whose rows all have ids, with those as keys."""
    nodes = list(nodes)
    ids = {node.key: str(node.id) for node in nodes}
    for node in nodes:
        node.key, node.parent = ids[node.key], ids[node.parent] if node.parent else None
    return nodes


def _heading_values(part: spreadsheets.Goal | spreadsheets.Outcome) -> dict[str, Any]:
    return {
        "label": part.label or "",
        "title": part.title,
        "story": part.story or "",
        "notes": _notes(part.notes),
    }


def action_values(action: spreadsheets.Action) -> dict[str, Any]:
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


def _notes(notes: Iterable[spreadsheets.SheetNote]) -> list[list[str]]:
    return [[note.label, note.text] for note in notes]


def normalize(value: Any) -> Any:
    """For comparing: blanks and line breaks in a row are one blank, and every nothing is None."""
    if isinstance(value, str):
        return " ".join(value.split()) or None
    if isinstance(value, list):
        return [normalize(item) for item in value] or None
    if isinstance(value, dict):
        found = {name: normalize(item) for name, item in value.items()}
        return found if any(item not in (None, False) for item in found.values()) else None
    return value


# ---- Which row is which ----------------------------------------------------------------------------------
def match_rows(sheet: list[Node], plan: list[Node], base: dict[str, Node]) -> dict[str, Node]:
    """The plan's row for each row of the sheet that has one: {"s12": node}.

    By id; else under the same parent by number and title, title, number and a similar title, a similar title; else
    anywhere by number and title or by a title that stands only once. What the last import called a row counts too.
    """
    found: dict[str, Node] = {}
    taken: set[str] = set()
    for kind in NODE_KINDS:
        rows = [node for node in sheet if node.kind == kind]
        there = [node for node in plan if node.kind == kind]
        known = {node.key: node for node in there}

        def take(row: Node, node: Node) -> None:
            found[row.key] = node
            taken.add(node.key)

        for row in rows:
            node = known.get(row.id or "")
            if node and node.key not in taken:
                take(row, node)
        parents = {row.key: found[row.parent].key if row.parent in found else row.parent for row in rows}
        tests: list[Callable[[Node], Any]] = [
            lambda node: (node.number, _title_key(node.title)) if node.number else None,
            lambda node: (_title_key(node.title),),
        ]
        for test in tests:
            _match_exact(rows, there, base, found, taken, take, test, parents)
        _match_similar(rows, there, base, found, taken, take, parents)
        for test in tests:
            _match_exact(rows, there, base, found, taken, take, test, None)
    return found


def _title_key(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))


def _match_exact(
    rows: list[Node],
    there: list[Node],
    base: dict[str, Node],
    found: dict[str, Node],
    taken: set[str],
    take: Callable[[Node, Node], None],
    test: Callable[[Node], Any],
    parents: dict[str, str | None] | None,
) -> None:
    """Match what gives the same value for `test`; with `parents` only under the same parent, else only if unique."""
    places: dict[Any, list[Node]] = defaultdict(list)
    for node in there:
        if node.key in taken:
            continue
        values = {test(node)} | ({test(base[node.key])} if node.key in base else set())
        for value in values - {None}:
            places[(node.parent if parents is not None else None, value)].append(node)
    open_rows = [row for row in rows if row.key not in found]
    times = Counter((parents[row.key] if parents is not None else None, test(row)) for row in open_rows)
    for row in open_rows:
        place = (parents[row.key] if parents is not None else None, test(row))
        free = [node for node in places.get(place, []) if node.key not in taken]
        if free and (parents is not None or (len(free) == 1 and times[place] == 1)):
            # a live row before a retired one of the same words
            take(row, min(free, key=lambda node: node.is_retired))


def _match_similar(
    rows: list[Node],
    there: list[Node],
    base: dict[str, Node],
    found: dict[str, Node],
    taken: set[str],
    take: Callable[[Node, Node], None],
    parents: dict[str, str | None],
) -> None:
    groups: dict[str | None, list[Node]] = defaultdict(list)
    for node in there:
        if node.key not in taken and not node.is_retired:
            groups[node.parent].append(node)
    waiting: dict[str | None, list[Node]] = defaultdict(list)
    for row in rows:
        if row.key not in found:
            waiting[parents[row.key]].append(row)
    for parent, open_rows in waiting.items():
        nodes = groups.get(parent, [])
        if not nodes or len(nodes) * len(open_rows) > MAX_PAIRS_ROOT * MAX_PAIRS_ROOT:
            continue
        words = {
            node.key: [
                set(_title_key(known.title).split())
                for known in (node, base.get(node.key))
                if known is not None
            ]
            for node in nodes
        }
        pairs = []
        for row in open_rows:
            mine = set(_title_key(row.title).split())
            for node in nodes:
                alike = max(len(mine & other) / (len(mine | other) or 1) for other in words[node.key])
                same_number = bool(row.number) and row.number == node.number
                if alike >= (SIMILARITY_THRESHOLD / 2 if same_number else SIMILARITY_THRESHOLD):
                    pairs.append((alike + same_number, row, node))
        for _alike, row, node in sorted(pairs, key=lambda pair: -pair[0]):
            if row.key not in found and node.key not in taken:
                take(row, node)


# ---- What differs ----------------------------------------------------------------------------------------
def three_way_diff(sheet: list[Node], plan: list[Node], base: dict[str, Node]) -> PlanDiff:
    """The difference between a sheet and the plan, given the rows `base` both last agreed on, by the plan's keys."""
    matched = match_rows(sheet, plan, base)
    places = {row.key: matched[row.key].key if row.key in matched else row.key for row in sheet}
    difference = PlanDiff()
    for row in sheet:
        node = matched.get(row.key)
        if node is None:
            difference.items.append(RowDiff(row, "new"))
        elif node.is_retired:
            difference.items.append(RowDiff(row, "retired", node))
        else:
            before = base.get(node.key)
            fields = {
                name: found
                for name in row.values
                if (
                    found := _diff_field(
                        name, row.values[name], node.values[name], before.values.get(name) if before else None,
                        has_base=before is not None,
                    )
                )
            }  # fmt: skip
            if row.parent and (moved := _diff_parent(places[row.parent], node.parent, before)):
                fields[PARENT_FIELD] = moved
            verdicts = {found.verdict for found in fields.values()}
            state = "conflict" if "conflict" in verdicts else "changed" if "sheet" in verdicts else "same"
            difference.items.append(RowDiff(row, state, node, fields))
    there = {node.key for node in matched.values()}
    difference.absent = [node for node in plan if node.key not in there and not node.is_retired]
    return difference


def _diff_field(name: str, sheet: Any, plan: Any, base: Any, *, has_base: bool) -> FieldDiff | None:
    if name == NOTES_FIELD:
        return _diff_notes(sheet, plan, base)
    if name == "timeline":
        sheet, plan, base = (
            _without_unused_precision(sheet),
            _without_unused_precision(plan),
            _without_unused_precision(base),
        )
    said, holds, agreed = normalize(sheet), normalize(plan), normalize(base)
    if said == holds or said is None:
        return None
    if has_base and said == agreed:
        return FieldDiff(base, plan, sheet, "plan")
    if holds is None or (has_base and holds == agreed):
        return FieldDiff(base, plan, sheet, "sheet")
    return FieldDiff(base, plan, sheet, "conflict")


def _without_unused_precision(timeline: Any) -> Any:
    """Without the precision of dates that are not there."""
    if not timeline:
        return timeline
    return timeline | {
        f"{name}_precision": timeline[f"{name}_precision"] if timeline[name] else ""
        for name in ("start", "due")
    }


def _diff_notes(sheet: list[Any], plan: list[Any], base: Any) -> FieldDiff | None:
    """Notes only grow: what the plan has not yet, and did not lose since the last import."""
    known = {str(normalize(note)) for note in [*plan, *(base or [])]}
    fresh = [note for note in sheet if str(normalize(note)) not in known]
    return FieldDiff(base, plan, [*plan, *fresh], "sheet") if fresh else None


def _diff_parent(sheet: str, plan: str | None, before: Node | None) -> FieldDiff | None:
    if sheet == plan:
        return None
    if before is not None and before.parent == sheet:
        return FieldDiff(before.parent, plan, sheet, "plan")
    is_free = before is not None and before.parent == plan
    return FieldDiff(before.parent if before else None, plan, sheet, "sheet" if is_free else "conflict")


def edit_distance(sheet: list[Node], base: list[Node]) -> int:
    """How many rows and facets separate a sheet from an earlier tree: the nearest is the one it was made from."""
    there = {node.key: node for node in base}
    matched = match_rows(sheet, base, {})
    apart = abs(len(base) - len(matched)) + len(sheet) - len(matched)
    for row in sheet:
        node = matched.get(row.key)
        if node is not None:
            apart += sum(
                normalize(row.values[name]) != normalize(there[node.key].values.get(name))
                for name in row.values
            )
    return apart
