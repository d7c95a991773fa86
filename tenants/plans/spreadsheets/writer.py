"""Write a plan in the layout cities share, with an id column, so that the file can be read back as the same plan.

Every text is written as text, never as a formula. A few no-break blanks carry what the layout has no cell for:
inside a name, that it must stay whole ("A and B" is one party); at the end of a cell, that the words are the portal's
and not the sheet's. `reader` understands both; a person who types over the cell takes them out without noticing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import (
    ACTION_STAGES,
    ACTION_STATUSES,
    MEASURE_KINDS,
    Action,
    DateConventions,
    Goal,
    Outcome,
    SheetError,
    SheetNote,
)
from tenants.plans.spreadsheets.reading.date_parser import Timeline, parse_timeline
from tenants.plans.spreadsheets.reading.field_parser import (
    NOTE_START,
    PORTAL_TEXT_MARKER,
    format_vacant_since,
)
from tenants.plans.spreadsheets.reading.files import CONTROL_CHARACTERS, MAX_CELL_CHARACTERS
from tenants.plans.spreadsheets.reading.header_detection import EMPTY_MARKER, NOTE_HEADER_PREFIX
from tenants.plans.spreadsheets.reading.label_parser import (
    ONGOING_STATUS,
    collapse_whitespace,
    format_label,
    parse_label,
    parse_status,
)
from tenants.plans.spreadsheets.reading.party_parser import (
    Parties,
    distinct_names,
    parse_parties,
    parse_vacant_since,
    split_names,
    standalone_names,
)

WIDE, MIDDLE, SLIM = 44, 26, 13
EXPORT_COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("number", "No.", 7),
    ("code", "Code", 9),
    ("indicator", "Community Indicator", 34),
    ("action", "Outcomes and Actions", WIDE),
    ("stage", "Stage", 15),
    ("accountable", "Accountability", MIDDLE),
    ("timeline", "Timeline", 18),
    ("exact_start", "Start date", 18),
    ("exact_due", "Due date", 18),
    ("exact_milestones", "Milestone dates", 24),
    ("measures", "Performance Measures", 40),
    ("status", "Status", SLIM),
    ("status_wording", "Status wording", SLIM),
    ("progress", "Progress Report", WIDE),
    ("resources", "Resources", MIDDLE),
    ("implementation_plan", "Implementation Plan", 36),
    ("changes", "Changes since adoption", 30),
)
ALWAYS_WRITTEN = frozenset({"indicator", "action", "accountable", "timeline", "measures", "progress"})
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_xlsx(
    goals: Iterable[Goal | Mapping[str, Any]],
    target: str | Path | IO[bytes],
    *,
    title: str = "",
    date_conventions: DateConventions | None = None,
) -> None:
    """Write the goals to an XLSX file.

    `goals` are Goal objects or dicts as `Result.tree` gives them. Goals with a sheet or department of their own go to
    sheets of their own. `assumptions` must be those the file will be read with. Raises SheetError where a text is
    longer than a cell can hold.
    """
    tree = [goal if isinstance(goal, Goal) else Goal.from_dict(goal) for goal in goals]
    rows = ActionCells(tree, date_conventions or DateConventions())
    book = xlsxwriter.Workbook(
        str(target) if isinstance(target, Path) else target,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    try:
        if title:
            book.set_properties({"title": title[:255]})
        looks = _CellFormats(book)
        for name, department, page in _group_by_sheet(tree):
            _write_sheet(book.add_worksheet(name), looks, rows, page, title=title, department=department)
    finally:
        book.close()


def _group_by_sheet(tree: list[Goal]) -> list[tuple[str, str | None, list[Goal]]]:
    """Neighboring goals of one sheet and department, under a name a workbook accepts."""
    pages: list[tuple[tuple[str | None, str | None], list[Goal]]] = []
    for goal in tree:
        place = (goal.sheet, goal.department)
        if pages and pages[-1][0] == place:
            pages[-1][1].append(goal)
        else:
            pages.append((place, [goal]))
    taken: set[str] = set()
    named = []
    for (sheet, department), page in pages or [((None, None), [])]:
        named.append((_sheet_name(sheet or department or _("Plan"), taken), department, page))
    return named


def _sheet_name(wanted: str, taken: set[str]) -> str:
    plain = (
        CONTROL_CHARACTERS.sub("", re.sub(r"[\[\]:*?/\\]", " ", collapse_whitespace(wanted)))
        .strip(" '")[:31]
        .strip(" '")
        or "Plan"
    )
    if plain.lower() == "history":  # a name Excel keeps for itself
        plain = "Plan history"
    name, count = plain, 2
    while name.lower() in taken:
        ending = f" ({count})"
        name, count = plain[: 31 - len(ending)] + ending, count + 1
    taken.add(name.lower())
    return name


class _CellFormats:
    """The formats of a workbook; those for texts that look like formulas carry the mark that they are text."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, bool], Format] = {}
        border = {"border": 1, "border_color": "#A9AEB1"}
        wrapped = {"text_wrap": True, "valign": "top"}
        self._kinds: dict[str, dict[str, Any]] = {
            "title": {"bold": True, "font_size": 14},
            "department": {"bold": True, "font_size": 12},
            "header": {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1B1B1B"} | wrapped | border,
            "goal": {"bold": True, "font_size": 13, "bg_color": "#D9E8F6"} | wrapped | border,
            "outcome": {"bold": True, "bg_color": "#F0F0F0"} | wrapped | border,
            "story": {"italic": True} | wrapped | border,
            "note": wrapped | border,
            "cell": wrapped | border,
            "id": {"font_color": "#71767A", "font_size": 8} | wrapped,
        }

    def get(self, kind: str, text: str) -> Format:
        is_risky = text.startswith(FORMULA_STARTS)
        if (kind, is_risky) not in self._made:
            extra = {"quote_prefix": True} if is_risky else {}
            self._made[(kind, is_risky)] = self._book.add_format(self._kinds[kind] | extra)
        return self._made[(kind, is_risky)]


@dataclass(slots=True)
class _SheetWriter:
    sheet: Worksheet
    looks: _CellFormats

    def write(self, row: int, column: int, text: str, kind: str) -> None:
        text = self._checked(text, row, column)
        self.sheet.write_string(row, column, text, self.looks.get(kind, text))

    def merge(self, area: tuple[int, int, int, int], text: str, kind: str) -> None:
        """Write into one cell that stretches over `area`: first row and column, last row and column, from 0."""
        top, left, bottom, right = area
        text = self._checked(text, top, left)
        look = self.looks.get(kind, text)
        if (top, left) == (bottom, right):
            self.sheet.write_string(top, left, text, look)
            return
        self.sheet.merge_range(top, left, bottom, right, "", look)
        self.sheet.write_string(top, left, text, look)

    def _checked(self, text: str, row: int, column: int) -> str:
        clean = CONTROL_CHARACTERS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        if len(clean) > MAX_CELL_CHARACTERS:
            raise SheetError(
                _(
                    "The text “%(text)s…” has %(count)s characters; a cell holds %(limit)s. Shorten it and export again."
                )
                % {"text": clean[:40], "count": len(clean), "limit": MAX_CELL_CHARACTERS}
            )
        return clean


def _write_sheet(
    sheet: Worksheet,
    looks: _CellFormats,
    cells: ActionCells,
    page: list[Goal],
    *,
    title: str,
    department: str | None,
) -> None:
    place = _SheetWriter(sheet, looks)
    columns = cells.columns
    last = len(columns)  # the id column
    row = 0
    if title:
        place.write(row, 0, title, "title")
        row += 1
    if department:
        place.write(row, 0, f"Department: {department}", "department")
        row += 1
    for index, (_role, header, width) in enumerate([*columns, ("id", "id", 12)]):
        place.write(row, index, header, "header")
        sheet.set_column(index, index, width)
    sheet.freeze_panes(row + 1, 0)
    sheet.repeat_rows(row)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    row += 1
    for goal in page:
        row = _write_heading(place, row, last, "goal", goal)
        for outcome in goal.outcomes:
            row = _write_heading(place, row, last, "outcome", outcome)
            row = _write_actions(place, row, cells, outcome)


def _write_heading(place: _SheetWriter, row: int, last: int, kind: str, node: Goal | Outcome) -> int:
    title = collapse_whitespace(node.title)
    text = format_label(node.label, title)
    labeled = parse_label(text)
    if (labeled.label, labeled.title) == (node.label or None, title):
        _write_merged_row(place, row, last, kind, [text])
    else:
        _write_merged_row(place, row, last, kind, [node.label or EMPTY_MARKER, title])
    place.write(row, last, f"{kind}:{node.id or ''}", "id")
    row += 1
    if node.story:
        _write_merged_row(place, row, last, "story", [node.story])
        place.write(row, last, "story", "id")
        row += 1
    for note in node.notes:
        if note.text.strip():
            _write_merged_row(place, row, last, "note", [note.label or EMPTY_MARKER, note.text])
            place.write(row, last, "note", "id")
            row += 1
    return row


def _write_merged_row(place: _SheetWriter, row: int, last: int, kind: str, texts: list[str]) -> None:
    for column, text in enumerate(texts[:-1]):
        place.write(row, column, text, kind)
    place.merge((row, len(texts) - 1, row, last - 1), texts[-1], kind)
    lines = sum(1 + len(line) // 160 for line in texts[-1].split("\n"))
    place.sheet.set_row(row, 18 * lines)


def _write_actions(place: _SheetWriter, row: int, cells: ActionCells, outcome: Outcome) -> int:
    first = row
    for action in outcome.actions:
        texts = cells.texts(action)
        for index, (role, _header, _width) in enumerate(cells.columns):
            if role != "indicator" and texts.get(role):
                place.write(row, index, texts[role], "cell")
        place.write(row, len(cells.columns), f"action:{action.id or ''}", "id")
        row += 1
    index = next(index for index, (role, _header, _width) in enumerate(cells.columns) if role == "indicator")
    for top, count, text in _runs([action.indicator_text for action in outcome.actions]):
        if text:
            place.merge((first + top, index, first + top + count - 1, index), text, "cell")
    return row


def _runs(texts: list[str | None]) -> list[tuple[int, int, str | None]]:
    """Equal neighbors as (first, count, text); nothing after something must be said: "–"."""
    runs: list[tuple[int, int, str | None]] = []
    for place, text in enumerate(texts):
        if runs and runs[-1][2] in (text, EMPTY_MARKER if text is None else text):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, runs[-1][2])
        else:
            runs.append((place, 1, text if text or not runs else EMPTY_MARKER))
    return runs


class ActionCells:
    """The text of every cell of an action, chosen so that reading it gives the action again."""

    def __init__(self, tree: list[Goal], date_conventions: DateConventions) -> None:
        self._assumptions = date_conventions
        actions = [action for goal in tree for outcome in goal.outcomes for action in outcome.actions]
        self._has_code_column = not all(self._code_reads_back(action) for action in actions)
        self._accountable = dict(
            zip(map(id, actions), _format_accountability(actions, date_conventions), strict=True)
        )
        self._note_columns = _note_columns(actions)
        self._texts = {id(action): self._make(action) for action in actions}
        used = ALWAYS_WRITTEN | {
            role for texts in self._texts.values() for role, text in texts.items() if text
        }
        if self._has_code_column:
            used |= {"code"}
        self.columns = [column for column in EXPORT_COLUMNS if column[0] in used]
        self.columns += [
            (f"note {index}", f"{NOTE_HEADER_PREFIX}{label or EMPTY_MARKER}", MIDDLE)
            for index, (label, _count) in enumerate(self._note_columns)
        ]

    def texts(self, action: Action) -> dict[str, str]:
        return self._texts[id(action)]

    @staticmethod
    def _code_reads_back(action: Action) -> bool:
        title = collapse_whitespace(action.title)
        labeled = parse_label(f"{action.code}. {title}" if action.code else title)
        if action.code:
            return (labeled.label, labeled.title) == (action.code, title) and labeled.kind != "action"
        return labeled.label is None or labeled.kind in ("goal", "strategy", "outcome") or not labeled.title

    def _make(self, action: Action) -> dict[str, str]:
        texts = {
            "number": action.number or "",
            "code": (action.code or "") if self._has_code_column else "",
            "action": self._action(action),
            "stage": ACTION_STAGES.get(action.stage or "", ""),
            "accountable": self._accountable[id(action)],
            "measures": _format_measures(action),
            "progress": _format_progress(action.progress_notes),
            "resources": action.resources or "",
            "implementation_plan": "\n".join(
                f"{place}) {collapse_whitespace(step)}"
                for place, step in enumerate(action.implementation_plan, start=1)
            ),
            "changes": action.changes or "",
        }
        texts["status"], texts["status_wording"] = _format_status(action)
        texts |= self._dates(action, texts["status"])
        left = list(action.notes)
        for index, (label, count) in enumerate(self._note_columns):
            same = [note for note in left if note.label == label]
            if len(same) >= count or same:
                texts[f"note {index}"] = same[0].text
                left.remove(same[0])
        return texts

    def _action(self, action: Action) -> str:
        title = collapse_whitespace(action.title)
        if action.code and not self._has_code_column:
            title = f"{action.code}. {title}"
        return f"{title}\n\n{action.details.strip()}" if action.details and action.details.strip() else title

    def _dates(self, action: Action, status: str) -> dict[str, str]:
        """The wording, if it still says what is promised; otherwise also the exact dates."""
        is_ongoing = bool(ONGOING_STATUS.match(status))
        if self._says(action.timeline_raw, action, is_ongoing):
            return {"timeline": action.timeline_raw}
        if not action.timeline_raw.strip():
            words = _format_timeline(action)
            if self._says(words, action, is_ongoing):
                return {"timeline": words + PORTAL_TEXT_MARKER}
        due = _format_exact_date(action.due, action.due_precision)
        if action.continuous:
            due = "ongoing" if due == "none" else f"ongoing {due}"
        dates = "\n".join(
            _format_exact_date(item.due, item.precision)
            + (f" measure {item.measure + 1}" if item.measure is not None else "")
            for item in action.milestones
        )
        return {
            "timeline": action.timeline_raw,
            "exact_start": _format_exact_date(action.start, action.start_precision),
            "exact_due": due,
            "exact_milestones": dates or "none",
        }

    def _says(self, words: str, action: Action, is_ongoing: bool) -> bool:
        timeline = parse_timeline(words, self._assumptions)
        return _read_commitment(timeline, len(action.measures), is_ongoing) == _action_commitment(
            action, timeline
        )


def _read_commitment(timeline: Timeline, measures: int, is_ongoing: bool) -> tuple[Any, ...]:
    dates = timeline.milestones
    are_paired = len(dates) == measures
    return (
        timeline.start.isoformat() if timeline.start else None,
        timeline.start_precision if timeline.start else None,
        timeline.due.isoformat() if timeline.due else None,
        timeline.precision if timeline.due else None,
        timeline.continuous or is_ongoing,
        [
            (date.isoformat(), precision, place if are_paired else None)
            for place, (date, precision) in enumerate(dates)
        ],
    )


def _action_commitment(action: Action, timeline: Timeline) -> tuple[Any, ...]:
    """What the action promises. Precisions it does not know are taken from `timeline`."""
    known = [precision for _date, precision in timeline.milestones]
    known += ["day"] * len(action.milestones)
    return (
        action.start,
        (action.start_precision or timeline.start_precision) if action.start else None,
        action.due,
        action.due_precision if action.due else None,
        action.continuous,
        [
            (item.due, item.precision or known[place], item.measure)
            for place, item in enumerate(action.milestones)
        ],
    )


def _format_timeline(action: Action) -> str:
    """Dates in words, for an action that was never in a sheet: "July 2026 - June 2027", "Begins July 2026, ongoing"."""
    start = _format_date(action.start, action.start_precision, is_start=True)
    due = _format_date(action.due, action.due_precision)
    if action.continuous:
        return f"Begins {start}, ongoing" if start else "Ongoing"
    if len(action.milestones) > 1 and not start:
        return "\n\n".join(_format_date(item.due, item.precision) for item in action.milestones)
    if start and due:
        return f"{start} - {due}"
    return due or (f"Begins {start}" if start else "")


def _format_date(iso: str | None, precision: str | None, *, is_start: bool = False) -> str:
    if not iso:
        return ""
    year, month = iso[:4], int(iso[5:7])
    if precision == "year" and iso[5:] == ("01-01" if is_start else "12-31"):
        return year
    if precision == "quarter":
        return f"Q{(month + 2) // 3} {year}"
    if precision == "month":
        return f"{MONTH_NAMES[month - 1]} {year}"
    return iso


MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _format_exact_date(iso: str | None, precision: str | None) -> str:
    if not iso:
        return "none"
    return f"{iso} ({precision})" if precision and precision != "day" else iso


def _format_status(action: Action) -> tuple[str, str]:
    """The status cell, and the sheet's own wording where the cell cannot hold both."""
    raw = action.status_raw or ""
    if raw and parse_status(raw) == action.status:
        return raw, ""
    if action.status:
        return ACTION_STATUSES[action.status] + PORTAL_TEXT_MARKER, raw
    return (EMPTY_MARKER + PORTAL_TEXT_MARKER, raw) if raw else ("", "")


def _format_measures(action: Action) -> str:
    kinds = [*action.measure_kinds, *[None] * len(action.measures)]
    return "\n".join(
        f"{MEASURE_KINDS.get(kind or '', 'Measure')}: {collapse_whitespace(text)}"
        for text, kind in zip(action.measures, kinds, strict=False)
        if text.strip()
    )


def _format_progress(notes: list[SheetNote]) -> str:
    written: list[str] = []
    for note in notes:
        lines = [
            PORTAL_TEXT_MARKER + line if NOTE_START.fullmatch(line.strip()) or line.startswith("[") else line
            for line in note.text.strip().split("\n")
        ]
        text = "\n".join(lines)
        label = collapse_whitespace(note.label).replace("[", "(").replace("]", ")")
        opened = NOTE_START.fullmatch(f"{label}: {lines[0]}")
        if opened and opened["label"] == label:
            written.append(f"{label}: {text}")
        elif label or written:
            written.append(f"[{label}]: {text}")
        else:
            written.append(text)
    return "\n".join(written)


def _note_columns(actions: list[Action]) -> list[tuple[str, int]]:
    """A column for each label, as many as one action needs of it, in the order first seen."""
    needed: dict[str, int] = {}
    for action in actions:
        labels = [note.label for note in action.notes]
        for label in labels:
            needed[label] = max(needed.get(label, 0), labels.count(label))
    return [(label, place) for label, count in needed.items() for place in range(1, count + 1)]


def _format_accountability(actions: list[Action], date_conventions: DateConventions) -> list[str]:
    """The accountability cells: the sheet's words where they still give the same parties, else written anew.

    Whether "A and B" is two parties depends on the whole column, so the column is checked until nothing changes.
    """
    texts = [action.accountability_raw for action in actions]
    is_ours = [False] * len(actions)
    for _attempt in range(4):
        read = [parse_parties(text) for text in texts]
        alone = standalone_names(read)
        changed = False
        for place, action in enumerate(actions):
            if not is_ours[place] and not _reads_back_as(read[place], alone, action, date_conventions):
                texts[place], is_ours[place], changed = _format_parties(action), True, True
        if not changed:
            break
    alone = standalone_names(parse_parties(text) for text in texts)
    return [
        _format_parties(action, alone) + PORTAL_TEXT_MARKER if ours and text else text
        for action, text, ours in zip(actions, texts, is_ours, strict=True)
    ]


def _reads_back_as(
    parties: Parties, alone: set[str], action: Action, date_conventions: DateConventions
) -> bool:
    vacant = parse_vacant_since(parties.vacant, date_conventions) if parties.vacant else None
    return (
        distinct_names(parties.leads, alone) == action.accountable
        and distinct_names(parties.supports, alone) == action.support
        and (vacant if not action.accountable else None) == action.owner_vacant_since
    )


def _format_parties(action: Action, alone: set[str] | None = None) -> str:
    leads = "; ".join(_bind_name(name, alone) for name in action.accountable)
    supports = "; ".join(_bind_name(name, alone) for name in action.support)
    if action.owner_vacant_since and not leads:
        leads = format_vacant_since(action.owner_vacant_since)
    if supports:
        return f"Lead: {leads or EMPTY_MARKER}\nSupport: {supports}"
    return leads


def _bind_name(name: str, alone: set[str] | None) -> str:
    """Bind a name that would be taken for two with no-break blanks."""
    name = collapse_whitespace(name)
    return name.replace(" ", "\u00a0") if alone and split_names(name, alone) != [name] else name
