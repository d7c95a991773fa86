"""Which rows are headings; which of them are goals, which outcomes, which the story of a goal."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from tenants.plans.spreadsheets.grid import Cell, Grid
from tenants.plans.spreadsheets.reading.header_detection import (
    EMPTY_MARKER,
    EXPORT_ID,
    Column,
    Header,
    Layout,
)
from tenants.plans.spreadsheets.reading.label_parser import LabeledTitle, collapse_whitespace, parse_label

LABEL_KIND_RANKS = {"goal": 0, "strategy": 1, "outcome": 2}


@dataclass(slots=True)
class Heading:
    """A row that is not an action.

    `run` numbers headings that stand together without an action between them; `level` is "goal", "outcome",
    "story", "note", "deeper" or "text" once inferred.
    """

    row: int
    labeled: LabeledTitle
    cells: list[Cell]  # label and title, or both in one; what stands beside them is `beside`
    beside: list[Cell]
    known: str | None = None  # the level our own export wrote
    run: int = 0
    level: str = ""

    @property
    def look(self) -> tuple[object, ...]:
        """How the row is set off."""
        first = self.cells[0]
        return (first.is_bold, first.size, first.fill, first.column, first.width > 1)


def infer_levels(headings: list[Heading]) -> None:
    """Give every heading its level.

    Labels decide where there are any ("Goal 1" above "A" or "1.1"); then looks; then who stands above whom.
    """
    for heading in headings:
        if heading.known:
            heading.level = heading.known
    open_ones = [heading for heading in headings if not heading.known]
    if not open_ones:
        return
    goal, outcome = _label_kinds_by_level(open_ones)
    if goal is None and outcome is None:
        _infer_unlabeled_levels(open_ones)
        return
    has_goal = has_outcome = False
    run = 0
    for heading in headings:
        kind = heading.labeled.kind
        if heading.run != run:
            run, has_goal, has_outcome = heading.run, False, False
        if heading.level:
            pass
        elif kind == goal and not (kind == "plain" and has_goal):
            heading.level = "goal"
        elif kind == outcome and not (kind == "plain" and has_outcome):
            heading.level = "outcome"
        elif kind == "plain":
            heading.level = "story" if has_goal or has_outcome else "text"
        else:
            heading.level = "deeper"
        has_goal |= heading.level == "goal"
        has_outcome |= heading.level == "outcome"
        if heading.level == "goal":
            has_outcome = False


def _label_kinds_by_level(headings: list[Heading]) -> tuple[str | None, str | None]:
    """The kind of label that goals have and the one that outcomes have; "plain" where one of them has
    none.
    """
    order: list[str] = []
    for heading in headings:
        if heading.labeled.kind not in order:
            order.append(heading.labeled.kind)
    labeled = [kind for kind in order if kind not in ("plain", "action")]
    counts = Counter(heading.labeled.kind for heading in headings)
    worded = sorted(
        (kind for kind in labeled if kind in LABEL_KIND_RANKS), key=lambda kind: LABEL_KIND_RANKS[kind]
    )
    bare = [kind for kind in labeled if kind not in LABEL_KIND_RANKS]
    numbers = sorted(kind for kind in bare if kind.startswith("number"))
    if len(numbers) > 1:  # 1. stands above 1.1 wherever each is seen first
        rest = iter(numbers)
        bare = [next(rest) if kind.startswith("number") else kind for kind in bare]
    if not labeled:
        return None, None
    if len(worded) >= 2:
        return worded[0], worded[-1] if worded[0] == "goal" and "outcome" in worded else worded[1]
    if len(worded) == 1:
        if worded[0] != "outcome":
            return worded[0], bare[0] if bare else _unlabeled_rows_are_outcomes(headings, worded[0])
        if bare and order.index(bare[0]) < order.index("outcome"):
            return bare[0], "outcome"
        return ("plain" if _unlabeled_rows_open_runs(headings, "outcome") else None), "outcome"
    if len(bare) >= 2:
        return bare[0], bare[1]
    only = bare[0]
    if _unlabeled_rows_open_runs(headings, only):
        return "plain", only
    if counts["plain"] and (below := _unlabeled_rows_are_outcomes(headings, only)):
        return only, below
    if only in ("number2", "mixed"):
        return None, only
    return only, None


def _unlabeled_rows_open_runs(headings: list[Heading], kind: str) -> bool:
    """Whether rows without a label open runs that go on with `kind`, as goals would."""
    opens = sum(
        1
        for one, two in pairwise(headings)
        if one.labeled.kind == "plain" and two.labeled.kind == kind and one.run == two.run
    )
    first_of_kind = next(index for index, heading in enumerate(headings) if heading.labeled.kind == kind)
    return opens > 0 and any(heading.labeled.kind == "plain" for heading in headings[:first_of_kind])


def _unlabeled_rows_are_outcomes(headings: list[Heading], kind: str) -> str | None:
    """Rows without a label are outcomes where some stand apart from the goal rows, or below most of them."""
    runs: dict[int, list[str]] = {}
    for heading in headings:
        runs.setdefault(heading.run, []).append(heading.labeled.kind)
    alone = sum(1 for kinds in runs.values() if kinds == ["plain"])
    below = sum(1 for kinds in runs.values() if kind in kinds and kinds[-1] == "plain")
    goals = sum(1 for kinds in runs.values() if kind in kinds)
    last = list(runs.values())[-1]
    alone -= last == ["plain"] and alone == 1 and below == 0  # a remark at the end of the sheet
    return "plain" if alone > 0 or (goals and below >= goals * 0.6) else None


def _infer_unlabeled_levels(headings: list[Heading]) -> None:
    """No labels at all: two looks are two levels; with one look, a pair is a goal with its outcome."""
    headings = [heading for heading in headings if not heading.level]
    looks: list[tuple[object, ...]] = []
    for heading in headings:
        if heading.look not in looks:
            looks.append(heading.look)
    runs: dict[int, list[Heading]] = {}
    for heading in headings:
        runs.setdefault(heading.run, []).append(heading)
    if len(looks) >= 2 and any(len(run) > 1 for run in runs.values()):
        levels = {looks[0]: "goal", looks[1]: "outcome"}
        for heading in headings:
            heading.level = levels.get(heading.look, "story")
        return
    has_pairs = any(len(run) > 1 for run in runs.values())
    for run in runs.values():
        if not has_pairs:
            run[0].level = "goal"
        elif len(run) == 1:
            run[0].level = "outcome"
        else:
            run[0].level, run[-1].level = "goal", "outcome"
            for heading in run[1:-1]:
                heading.level = "story"


def _resolve_roman_numerals(headings: list[Heading]) -> None:
    """A single I, V or X is a number where Roman numbers are used, and a letter between H and J."""
    kinds = [heading.labeled.kind for heading in headings]
    letters = [heading.labeled.label for heading in headings if heading.labeled.kind == "letter"]
    if "roman" not in kinds and letters[:1] != ["I"]:
        return
    last = ""
    for heading in headings:
        label = heading.labeled.label or ""
        if heading.labeled.kind == "letter":
            if label in ("I", "V", "X") and ord(last[:1] or " ") + 1 != ord(label):
                heading.labeled = LabeledTitle(label, heading.labeled.title, "roman")
            else:
                last = label


def _outranks(kind: str, actions_are: str) -> bool:
    """Whether a label of this kind stands above the actions: another kind than theirs, or a shorter number."""
    if kind.startswith("number") and actions_are.startswith("number"):
        return kind < actions_are
    return kind != actions_are


@dataclass(slots=True)
class HeadingFinder:
    """Tells the headings of one sheet from its actions."""

    grid: Grid
    layout: Layout
    _singles: dict[int, str] | None = None
    _actions_are: str = "plain"  # the label most actions have
    _numbers_are: str = "plain"  # the label most cells of the number column have

    def find(self) -> dict[int, Heading]:
        """The rows that are not actions, with their label and look, in order."""
        found: dict[int, Heading] = {}
        run = 0
        was_heading = False
        self._actions_are = self._common_label("action")
        self._numbers_are = self._common_label("number")
        header_rows = {
            row for header in self.layout.headers for row in range(header.row, header.last_row + 1)
        }
        first = self.layout.headers[0].row
        merged_headings = self._has_merged_headings()
        for row in self.grid.rows:
            if row in header_rows:
                continue
            header = self.layout.header_for(row)
            heading = self._heading(row, header, merged_headings)
            if (
                heading is not None
                and row < first
                and (header is not None or heading.labeled.kind not in ("goal", "outcome"))
            ):
                heading = None
            if heading is None:
                was_heading = False
                continue
            run += not was_heading
            heading.run, was_heading = run, True
            found[row] = heading
        _resolve_roman_numerals(list(found.values()))
        return found

    def _has_merged_headings(self) -> bool:
        table = self.grid.last_column
        wide = [
            cell
            for cell in self.grid.cells.values()
            if cell.width >= max(2, table // 2) and cell.row > self.layout.headers[0].row
        ]
        return bool(wide)

    def _common_label(self, role: str) -> str:
        """What label most cells of a column have, told by rows with several cells: "number3" for "1.1.1"."""
        kinds: Counter[str] = Counter()
        header = self.layout.headers[0]
        column = header.first(role)
        for row in self.grid.rows:
            if row <= header.last_row or column is None or len(self.grid.row(row)) < 3:
                continue
            cell = self.grid.cells.get((row, column.index))
            if cell is not None and cell.width == 1:
                text = f"{cell.text.rstrip('.:)')}. X" if self._is_bare_mark(cell.text) else cell.text
                kinds[parse_label(text.split("\n\n")[0]).kind] += 1
        return kinds.most_common(1)[0][0] if kinds else "plain"

    def _heading(self, row: int, header: Header | None, merged_headings: bool) -> Heading | None:
        cells = [cell for cell in self.grid.row(row) if not cell.refused]
        known = None
        if header is not None and header.is_export:
            id_column = header.first("id")
            id_cell = self.grid.cells.get((row, id_column.index)) if id_column else None
            match = EXPORT_ID.fullmatch(id_cell.text.strip()) if id_cell else None
            if match and match["kind"] == "action":
                return None
            known = match["kind"] if match else None
            cells = [cell for cell in cells if cell is not id_cell]
        if not cells:
            return None
        first = cells[0]
        labeled, used = self._joined_label(cells, is_known=known is not None)
        heading = Heading(row, labeled, cells[:used], cells[used:], known=known)
        if known:
            return heading
        action = header.first("action") if header else None
        if header is not None and action is not None:
            above = self.grid.at(row, action.index)
            if above is not None and above.row < row:  # the action's cell reaches down here
                return None
        if len(cells) == 1:
            return heading if self._is_single_heading(first, heading, header, merged_headings) else None
        if len(cells) == 2 and used == 2 and action is not None and cells[1].column == action.index:
            # "1.1" and "Hiring" beside it, nothing else, above actions numbered 1.1.1
            return heading if _outranks(labeled.kind, self._numbers_are) else None
        is_wide = first.width >= max(2, self.grid.last_column // 2)
        if is_wide and (action is None or not (first.column > 1 and first.column == action.index)):
            return heading
        has_action = action is not None and any(cell.column == action.index for cell in cells[1:])
        if (
            labeled.kind in ("goal", "strategy", "outcome")
            and len(cells) <= 3
            and not (has_action and len(cells) > 2)
        ):
            role = header.columns[first.column].role if header and first.column in header.columns else ""
            others = {
                header.columns[cell.column].role
                for cell in cells[1:]
                if header and cell.column in header.columns
            }
            if role in ("goal", "outcome") or others & {"timeline", "measures", "accountable"}:
                return None
            if has_action and parse_label(first.text).title:
                return None
            return heading
        return None

    def _joined_label(self, cells: list[Cell], *, is_known: bool) -> tuple[LabeledTitle, int]:
        """The heading and the cells it takes: "Goal 1" in one cell and its words in the next are one heading."""
        labeled = parse_label(cells[0].text)
        if len(cells) < 2:
            return labeled, 1
        mark, title = collapse_whitespace(cells[0].text), collapse_whitespace(cells[1].text)
        if is_known:
            return LabeledTitle(None if mark == EMPTY_MARKER else mark, title, "plain"), 2
        if not labeled.title or self._is_bare_mark(mark):
            mark = mark.rstrip(".:) ")
            return LabeledTitle(mark, title, parse_label(f"{mark}. {title}").kind), 2
        return labeled, 1

    @staticmethod
    def _is_bare_mark(text: str) -> bool:
        return bool(re.fullmatch(r"\s*(?:\d{1,2}(?:\.\d{1,2})*|[A-Z])[.:)]?\s*", text))

    def _is_single_heading(
        self, cell: Cell, heading: Heading, header: Header | None, merged_headings: bool
    ) -> bool:
        """Whether a row with one filled cell is a heading, and not an action or a part of one."""
        if header is None:
            return heading.labeled.kind in ("goal", "outcome")
        column = header.columns.get(cell.column)
        role = column.role if column else "note"
        kind = heading.labeled.kind
        if cell.width >= max(2, self.grid.last_column // 2):
            return True
        if role in ("goal", "outcome"):
            return False
        action = header.first("action")
        first_column = min(header.columns, default=1)
        if action is not None and cell.column == action.index:
            if kind in ("goal", "strategy", "outcome"):
                return True
            if kind == "action":
                return False
            if kind != "plain":
                return _outranks(kind, self._actions_are)
            if self._is_between_headings(cell.row):
                return True
            if merged_headings:
                return cell.is_bold and not self._are_actions_bold(action)
            if action.index != first_column:
                return cell.is_bold and not self._are_actions_bold(action)
            return self._actions_are != "plain" or self._is_beside_label(cell.row)
        if role in ("indicator", "number", "note") or cell.column <= first_column:
            if kind == "plain" and merged_headings and role == "indicator":
                return cell.is_bold
            if role == "number" and kind == "plain" and self._is_bare_mark(cell.text):
                return False
            return not (role == "note" and cell.column > first_column)
        return False

    def _is_between_headings(self, row: int) -> bool:
        """Whether labeled headings stand right above and below, as around the story of a goal."""
        rows = self.grid.rows
        place = rows.index(row)
        neighbors = [
            self.grid.row(number) for number in (*rows[place - 1 : place], *rows[place + 1 : place + 2])
        ]
        kinds = [parse_label(cells[0].text).kind for cells in neighbors if len(cells) == 1]
        return len(kinds) == 2 and all(
            kind not in ("plain", "action") and _outranks(kind, self._actions_are) for kind in kinds
        )

    def _are_actions_bold(self, column: Column) -> bool:
        bold = [
            cell.is_bold
            for cell in self.grid.cells.values()
            if cell.column == column.index and cell.width == 1 and len(self.grid.row(cell.row)) > 2
        ]
        return sum(bold) * 2 > len(bold)

    def _is_beside_label(self, row: int) -> bool:
        """Whether a plain single cell is a goal or outcome because the other of the two has labels."""
        kinds = self._single_labels()
        labels = {kind for kind in kinds.values() if kind not in ("plain", "action")}
        if len(labels) > 1:  # goals and outcomes both have labels; this is an action
            return False
        if not labels:
            return True
        rows = self.grid.rows
        following = dict(pairwise(rows))
        after = kinds.get(following.get(row, 0))
        if after in labels:
            return True
        goals = [number for number, kind in kinds.items() if kind in labels]
        followed = sum(kinds.get(following.get(number, 0)) == "plain" for number in goals)
        return followed >= len(goals) * 0.6 and after is None and row != rows[-1]

    def _single_labels(self) -> dict[int, str]:
        """The kind of label of every row with one cell."""
        if self._singles is None:
            singles = {row: cells[0] for row in self.grid.rows if len(cells := self.grid.row(row)) == 1}
            self._singles = {row: parse_label(cell.text).kind for row, cell in singles.items()}
        return self._singles
