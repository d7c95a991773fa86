"""The roles of a table's columns: the guess by headers, corrected by what the cells hold and by the other columns.

In these functions `roles` maps a column's index to its role; a column without one becomes a note.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from tenants.plans.spreadsheets.export_format import (
    EMPTY_MARKER,
    EXPORT_HEADER_ROLES,
    EXPORT_ID,
    NOTE_HEADER_PREFIX,
)
from tenants.plans.spreadsheets.grid import Grid
from tenants.plans.spreadsheets.model import DateConventions, Header
from tenants.plans.spreadsheets.reading.date_parser import parse_timeline
from tenants.plans.spreadsheets.reading.header_words import REPEATABLE_ROLES, guess_role, normalize_header
from tenants.plans.spreadsheets.reading.status_parser import parse_stage, parse_status
from tenants.plans.spreadsheets.text import collapse_whitespace

MAX_SAMPLES = 60
QUARTER_NOTE_START = re.compile(r"(?:FY ?\d\d(?:\d\d)? )?Q[1-4]\b.{0,12}:")
PRIORITY_VALUES = frozenset({"high", "medium", "low", "1", "2", "3", "h", "m", "l"})
UNRANKED = 9


def _samples(grid: Grid, header: Header, column: int) -> list[str]:
    """The texts of the first cells below a header, merged ones left out."""
    texts: list[str] = []
    for row in grid.rows:
        if row <= header.last_row:
            continue
        cell = grid.cells.get((row, column))
        if cell is not None and cell.width == 1:
            texts.append(cell.text)
            if len(texts) >= MAX_SAMPLES:
                break
    return texts


def is_export(grid: Grid, header: Header) -> bool:
    """Whether a table is of our own export: most cells of a column "id" are ids of it."""
    for index, column in header.columns.items():
        if column.header.strip().lower() == "id":
            values = _samples(grid, header, index)
            if (
                values
                and sum(bool(EXPORT_ID.fullmatch(value.strip())) for value in values) >= len(values) * 0.6
            ):
                return True
    return False


def assign_export_roles(header: Header) -> None:
    """Set the roles of an export's columns by its fixed headers."""
    for column in header.columns.values():
        title = collapse_whitespace(column.header.split("\n")[0])
        if title.startswith(NOTE_HEADER_PREFIX):
            label = title.removeprefix(NOTE_HEADER_PREFIX)
            column.header, column.role = "" if label == EMPTY_MARKER else label, "note"
            column.has_label = True
        else:
            column.role = EXPORT_HEADER_ROLES.get(title.lower()) or guess_role(column.header) or "note"
    taken: set[str] = set()
    for column in header.columns.values():
        if column.role in taken and column.role not in REPEATABLE_ROLES:
            column.role = "note"
        taken.add(column.role)


def assign_roles(grid: Grid, header: Header, date_conventions: DateConventions) -> None:
    """Set the roles of a table's columns, as far as they can be guessed."""
    roles: dict[int, str] = {}
    for index, column in header.columns.items():
        role = guess_role(column.header)
        if role:
            roles[index] = role
    samples = {index: _samples(grid, header, index) for index in header.columns}
    _correct_by_content(roles, header, samples, date_conventions)
    _resolve_indicators(roles)
    _resolve_action_column(roles, header, samples)
    _resolve_parent_columns(roles, header, samples)
    _resolve_duplicates(roles, header, samples, date_conventions)
    for index, column in header.columns.items():
        column.role = roles.get(index, "note")


def _correct_by_content(
    roles: dict[int, str], header: Header, samples: dict[int, list[str]], date_conventions: DateConventions
) -> None:
    """Let the cells decide where the header is unclear."""
    for index, column in header.columns.items():
        values = samples[index]
        role = roles.get(index)
        if not values:
            continue
        first = normalize_header(column.header.split("\n")[0])
        if role == "goal" and {value.strip().lower() for value in values} <= PRIORITY_VALUES:
            roles.pop(index)  # a priority, not a goal
        elif (
            role == "status"
            and _share(values, lambda value: parse_status(value) is not None and len(value) < 80) < 0.3
        ):
            if "progress" not in roles.values() and sum(map(len, values)) / len(values) > 40:
                roles[index] = "progress"
        elif (
            role == "stage"
            and "phase" in first
            and _share(values, lambda value: parse_stage(value) is not None) < 0.5
        ):
            roles.pop(index)
        elif (
            role is None
            and "stage" not in roles.values()
            and _share(values, lambda value: parse_stage(value) is not None and len(value) > 2) > 0.8
        ):
            roles[index] = "stage"
        elif (
            role is None
            and "timeline" not in roles.values()
            and _share(values, lambda value: _has_date(value, date_conventions)) > 0.6
        ):
            roles[index] = "timeline"
        elif (
            role is None
            and "progress" not in roles.values()
            and re.match(r"(notes?|comments?|remarks?)\b", first)
            and _share(values, lambda value: bool(QUARTER_NOTE_START.match(value))) > 0.5
        ):
            roles[index] = "progress"


def _share(values: list[str], test: Callable[[str], bool]) -> float:
    """The share of values that pass a test, 0 to 1."""
    return sum(1 for value in values if test(value)) / len(values)


def _has_date(value: str, date_conventions: DateConventions) -> bool:
    timeline = parse_timeline(value, date_conventions)
    return len(value) < 60 and bool(timeline.dues or timeline.start or timeline.continuous)


def _resolve_indicators(roles: dict[int, str]) -> None:
    """A column "Indicators" has the measures where no other column has them."""
    if any(role.startswith("measures") for role in roles.values()):
        return
    candidates = [index for index, role in roles.items() if role == "indicator"]
    if candidates:
        roles[candidates[-1]] = "measures"


def _resolve_action_column(roles: dict[int, str], header: Header, samples: dict[int, list[str]]) -> None:
    """One column has the actions: of several candidates the one with the clearest header.

    A strategy to its left is the outcome. Without a candidate, another column is taken.
    """
    candidates = [index for index, role in roles.items() if role == "action"]
    if len(candidates) > 1:
        rank = {index: _action_rank(header.columns[index].header) for index in candidates}
        winner = min(candidates, key=lambda index: (rank[index], -index))
        for index in candidates:
            if index == winner:
                continue
            text = normalize_header(header.columns[index].header.split("\n")[0])
            if (
                index < winner
                and re.search(r"strateg|initiative|commitment", text)
                and "outcome" not in roles.values()
            ):
                roles[index] = "outcome"
            elif (
                index > winner
                and re.search(r"step|task|activit|tactic", text)
                and "implementation_plan" not in roles.values()
            ):
                roles[index] = "implementation_plan"
            elif index < winner and "goal" not in roles.values() and re.search(r"strateg", text):
                roles[index] = "goal"
            else:
                roles.pop(index)
    elif not candidates:
        for role in ("implementation_plan", "outcome", "details", "goal"):
            candidates = [index for index, other in roles.items() if other == role]
            if candidates:
                roles[candidates[-1]] = "action"
                break
        else:
            free = {index: sum(map(len, values)) for index, values in samples.items() if index not in roles}
            if free and max(free.values()):
                roles[max(free, key=lambda index: free[index])] = "action"
    _prefer_steps(roles, header, samples)


def _prefer_steps(roles: dict[int, str], header: Header, samples: dict[int, list[str]]) -> None:
    """Beside "Strategy", a column "Action steps" has the actions if a strategy has several of them."""
    action = next((index for index, role in roles.items() if role == "action"), None)
    steps = next((index for index, role in roles.items() if role == "implementation_plan"), None)
    if action is None or steps is None or steps < action or "outcome" in roles.values():
        return
    name = normalize_header(header.columns[steps].header.split("\n")[0])
    strategies, actions = samples[action], samples[steps]
    if (
        _action_rank(header.columns[action].header) >= 3
        and re.search(r"\b(action|step|task|activit)", name)
        and (len(set(strategies)) < len(set(actions)) * 0.8)
    ):
        roles[action], roles[steps] = "outcome", "action"


def _resolve_parent_columns(roles: dict[int, str], header: Header, samples: dict[int, list[str]]) -> None:
    """Goals and outcomes are left of their actions; to the right, "Outcome" is the result expected of an action."""
    action = next((index for index, role in roles.items() if role == "action"), None)
    for index, role in list(roles.items()):
        if role not in ("goal", "outcome") or action is None or index < action:
            continue
        values = samples[index]
        if values and len(set(values)) < len(values) * 0.6:
            continue
        if role == "outcome" and not any(other.startswith("measures") for other in roles.values()):
            roles[index] = "measures"
        else:
            roles.pop(index)


def _action_rank(header: str) -> int:
    """How clearly a header names actions: 0 is the clearest."""
    text = normalize_header(header.split("\n")[0])
    for rank, pattern in enumerate(
        (
            r"\bactions?\b",
            r"\bactivit|\btasks?\b",
            r"\bwhat\b",
            r"\binitiative|\bproject|\brecommendation",
            r"\bstrateg",
        )
    ):
        if re.search(pattern, text):
            return rank
    return UNRANKED


def _resolve_duplicates(
    roles: dict[int, str], header: Header, samples: dict[int, list[str]], date_conventions: DateConventions
) -> None:
    """Leave one column for each role; the others become notes."""
    counts = Counter(roles.values())
    for role, count in counts.items():
        if count < 2 or role in REPEATABLE_ROLES:
            continue
        candidates = [index for index, other in roles.items() if other == role]
        if role == "timeline":
            winner = max(
                candidates,
                key=lambda index: (
                    sum(_has_date(value, date_conventions) for value in samples[index]),
                    -index,
                ),
            )
        elif role == "accountable":
            winner = min(
                candidates, key=lambda index: (_accountable_rank(header.columns[index].header), index)
            )
        elif role == "outcome":
            winner = min(
                candidates,
                key=lambda index: (0 if "outcome" in header.columns[index].header.lower() else 1, index),
            )
        elif role == "indicator":
            winner = min(
                candidates,
                key=lambda index: (0 if "indicator" in header.columns[index].header.lower() else 1, index),
            )
        else:
            winner = min(candidates)
        for index in candidates:
            if index != winner:
                roles.pop(index)


def _accountable_rank(header: str) -> int:
    """How clearly a header names who is accountable: 0 is the clearest."""
    text = normalize_header(header.split("\n")[0])
    for rank, pattern in enumerate(
        (r"\baccountab|\bresponsib", r"\bleads?\b|\bowner", r"\bwho\b|\bassigned", r"\bdepartment")
    ):
        if re.search(pattern, text):
            return rank
    return UNRANKED
