"""Match the rows of a sheet with the rows of the plan."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from tenants.plans.spreadsheets.tree_nodes import NODE_KINDS, Node

SIMILARITY_THRESHOLD = 0.6  # share of words that the titles of the same row have in common
MAX_COMPARED_PAIRS = 400 * 400  # of rows and nodes; above it titles are not compared word by word


def match_rows(sheet: list[Node], plan: list[Node], base: dict[str, Node]) -> dict[str, Node]:
    """The plan's row for each row of the sheet that has one, by the sheet's key: {"s12": node}.

    By id; else under the same parent by number and title, title, number and a similar title, a similar title; else
    anywhere by number and title, or by the title, where these occur only once. Those of the last common version count
    too.
    """
    matcher = _RowMatcher(base)
    for kind in NODE_KINDS:
        matcher.match_kind(
            [node for node in sheet if node.kind == kind], [node for node in plan if node.kind == kind]
        )
    return matcher.matches


def share_of_words(one: str, other: str) -> float:
    """The share of their words that two texts have in common: from 0 to 1, whatever the order of the words."""
    return _share(set(_title_key(one).split()), set(_title_key(other).split()))


def _share(words: set[str], others: set[str]) -> float:
    return len(words & others) / (len(words | others) or 1)


def _title_key(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))


def _number_and_title(node: Node) -> Any:
    return (node.number, _title_key(node.title)) if node.number else None


def _title(node: Node) -> Any:
    return (_title_key(node.title),)


class _RowMatcher:
    """Matches the rows of a sheet with those of the plan, kind by kind, so that parents are matched first."""

    def __init__(self, base: dict[str, Node]) -> None:
        self.base = base
        self.matches: dict[str, Node] = {}
        self._taken: set[str] = set()  # keys of the plan's rows

    def match_kind(self, rows: list[Node], plan_rows: list[Node]) -> None:
        by_key = {node.key: node for node in plan_rows}
        for row in rows:
            node = by_key.get(row.id or "")
            if node and node.key not in self._taken:
                self._match(row, node)
        parents = {row.key: self._parent_of(row) for row in rows}
        for identify in (_number_and_title, _title):
            self._match_equal(rows, plan_rows, identify, parents)
        self._match_similar(rows, plan_rows, parents)
        for identify in (_number_and_title, _title):
            self._match_equal(rows, plan_rows, identify, None)

    def _match(self, row: Node, node: Node) -> None:
        self.matches[row.key] = node
        self._taken.add(node.key)

    def _parent_of(self, row: Node) -> str | None:
        """The key of a row's parent in the plan; in the sheet where the parent is new."""
        return self.matches[row.parent].key if row.parent in self.matches else row.parent

    def _match_equal(
        self,
        rows: list[Node],
        plan_rows: list[Node],
        identify: Callable[[Node], Any],
        parents: dict[str, str | None] | None,
    ) -> None:
        """Match rows with the same value of `identify`; with `parents` under the same parent, else only if unique."""
        candidates: dict[Any, list[Node]] = defaultdict(list)
        for node in plan_rows:
            if node.key in self._taken:
                continue
            values = {identify(node)} | ({identify(self.base[node.key])} if node.key in self.base else set())
            for value in values - {None}:
                candidates[(node.parent if parents is not None else None, value)].append(node)
        open_rows = [row for row in rows if row.key not in self.matches]
        keys = {
            row.key: (parents[row.key] if parents is not None else None, identify(row)) for row in open_rows
        }
        counts = Counter(keys.values())
        for row in open_rows:
            key = keys[row.key]
            free = [node for node in candidates.get(key, []) if node.key not in self._taken]
            if free and (parents is not None or (len(free) == 1 and counts[key] == 1)):
                # A live row before a retired one with the same title.
                self._match(row, min(free, key=lambda node: node.is_retired))

    def _match_similar(self, rows: list[Node], plan_rows: list[Node], parents: dict[str, str | None]) -> None:
        """Match rows under the same parent with similar titles, the most similar first."""
        nodes_by_parent: dict[str | None, list[Node]] = defaultdict(list)
        for node in plan_rows:
            if node.key not in self._taken and not node.is_retired:
                nodes_by_parent[node.parent].append(node)
        rows_by_parent: dict[str | None, list[Node]] = defaultdict(list)
        for row in rows:
            if row.key not in self.matches:
                rows_by_parent[parents[row.key]].append(row)
        for parent, open_rows in rows_by_parent.items():
            nodes = nodes_by_parent.get(parent, [])
            if not nodes or len(nodes) * len(open_rows) > MAX_COMPARED_PAIRS:
                continue
            for _similarity, row, node in self._similar_pairs(open_rows, nodes):
                if row.key not in self.matches and node.key not in self._taken:
                    self._match(row, node)

    def _similar_pairs(self, rows: list[Node], nodes: list[Node]) -> list[tuple[float, Node, Node]]:
        """Pairs of a row and a node above the threshold, most similar first; the same number adds 1."""
        titles = {
            node.key: [
                set(_title_key(version.title).split())
                for version in (node, self.base.get(node.key))
                if version is not None
            ]
            for node in nodes
        }
        pairs = []
        for row in rows:
            title = set(_title_key(row.title).split())
            for node in nodes:
                similarity = max(_share(title, other) for other in titles[node.key])
                has_same_number = bool(row.number) and row.number == node.number
                threshold = SIMILARITY_THRESHOLD / 2 if has_same_number else SIMILARITY_THRESHOLD
                if similarity >= threshold:
                    pairs.append((similarity + has_same_number, row, node))
        return sorted(pairs, key=lambda pair: -pair[0])
