"""The text of every cell of an action in an export, chosen so that reading the cell gives the same action."""

from __future__ import annotations

from typing import Any

from tenants.plans.spreadsheets.export_format import (
    EMPTY_MARKER,
    EXPORT_COLUMNS,
    MIDDLE,
    NO_BREAK_SPACE,
    NOTE_HEADER_PREFIX,
    PORTAL_TEXT_MARKER,
)
from tenants.plans.spreadsheets.model import (
    ACTION_STAGES,
    ACTION_STATUSES,
    MEASURE_KINDS,
    Action,
    DateConventions,
    Goal,
    SheetNote,
)
from tenants.plans.spreadsheets.reading.date_parser import Timeline, parse_timeline
from tenants.plans.spreadsheets.reading.label_parser import parse_label
from tenants.plans.spreadsheets.reading.party_parser import (
    Parties,
    distinct_names,
    find_standalone_names,
    format_vacant_since,
    parse_parties,
    parse_vacant_since,
    split_names,
)
from tenants.plans.spreadsheets.reading.progress_note_parser import NOTE_START
from tenants.plans.spreadsheets.reading.status_parser import ONGOING_STATUS, parse_status
from tenants.plans.spreadsheets.text import collapse_whitespace

ALWAYS_WRITTEN = frozenset({"indicator", "action", "accountable", "timeline", "measures", "progress"})
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MAX_ATTEMPTS = 4  # to write parties: a new text can change how another cell is read


class ActionCells:
    """The columns of an export, and the text of every cell of its actions by role.

    `columns` are (role, header, width); a column that no action uses is left out.
    """

    def __init__(self, tree: list[Goal], date_conventions: DateConventions) -> None:
        self._date_conventions = date_conventions
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
            for index, (label, _number) in enumerate(self._note_columns)
        ]

    def texts(self, action: Action) -> dict[str, str]:
        return self._texts[id(action)]

    @staticmethod
    def _code_reads_back(action: Action) -> bool:
        """Whether the code can stand in front of the title, without a column of its own."""
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
                f"{number}) {collapse_whitespace(step)}"
                for number, step in enumerate(action.implementation_plan, start=1)
            ),
            "changes": action.changes or "",
        }
        texts["status"], texts["status_wording"] = _format_status(action)
        texts |= self._dates(action, texts["status"])
        unwritten = list(action.notes)
        for index, (label, _number) in enumerate(self._note_columns):
            note = next((note for note in unwritten if note.label == label), None)
            if note is not None:
                texts[f"note {index}"] = note.text
                unwritten.remove(note)
        return texts

    def _action(self, action: Action) -> str:
        title = collapse_whitespace(action.title)
        if action.code and not self._has_code_column:
            title = f"{action.code}. {title}"
        return f"{title}\n\n{action.details.strip()}" if action.details and action.details.strip() else title

    def _dates(self, action: Action, status: str) -> dict[str, str]:
        """The timeline's wording where it still gives the same dates; otherwise also the exact dates."""
        is_ongoing = bool(ONGOING_STATUS.match(status))
        if self._gives_same_dates(action.timeline_raw, action, is_ongoing):
            return {"timeline": action.timeline_raw}
        if not action.timeline_raw.strip():
            text = _format_timeline(action)
            if self._gives_same_dates(text, action, is_ongoing):
                return {"timeline": text + PORTAL_TEXT_MARKER}
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

    def _gives_same_dates(self, text: str, action: Action, is_ongoing: bool) -> bool:
        timeline = parse_timeline(text, self._date_conventions)
        parsed = _parsed_dates(timeline, len(action.measures), is_ongoing)
        return parsed == _action_dates(action, timeline)


def _parsed_dates(timeline: Timeline, measure_count: int, is_ongoing: bool) -> tuple[Any, ...]:
    """The dates that the reader takes from a timeline, in the shape of `_action_dates`."""
    dates = timeline.milestones
    are_paired = len(dates) == measure_count
    return (
        timeline.start.isoformat() if timeline.start else None,
        timeline.start_precision if timeline.start else None,
        timeline.due.isoformat() if timeline.due else None,
        timeline.precision if timeline.due else None,
        timeline.continuous or is_ongoing,
        [
            (date.isoformat(), precision, index if are_paired else None)
            for index, (date, precision) in enumerate(dates)
        ],
    )


def _action_dates(action: Action, timeline: Timeline) -> tuple[Any, ...]:
    """The dates of an action. Where it has no precision, that of `timeline` is taken."""
    precisions = [precision for _date, precision in timeline.milestones]
    precisions += ["day"] * len(action.milestones)
    return (
        action.start,
        (action.start_precision or timeline.start_precision) if action.start else None,
        action.due,
        action.due_precision if action.due else None,
        action.continuous,
        [
            (item.due, item.precision or precisions[index], item.measure)
            for index, item in enumerate(action.milestones)
        ],
    )


def _format_timeline(action: Action) -> str:
    """The dates of an action that was never in a sheet: "July 2026 - June 2027", "Begins July 2026, ongoing"."""
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


def _format_exact_date(iso: str | None, precision: str | None) -> str:
    if not iso:
        return "none"
    return f"{iso} ({precision})" if precision and precision != "day" else iso


def _format_status(action: Action) -> tuple[str, str]:
    """The status cell, and the sheet's wording where that is another status."""
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
    texts: list[str] = []
    for note in notes:
        lines = [
            PORTAL_TEXT_MARKER + line if NOTE_START.fullmatch(line.strip()) or line.startswith("[") else line
            for line in note.text.strip().split("\n")
        ]
        text = "\n".join(lines)
        label = collapse_whitespace(note.label).replace("[", "(").replace("]", ")")
        start = NOTE_START.fullmatch(f"{label}: {lines[0]}")
        if start and start["label"] == label:
            texts.append(f"{label}: {text}")
        elif label or texts:
            texts.append(f"[{label}]: {text}")
        else:
            texts.append(text)
    return "\n".join(texts)


def _note_columns(actions: list[Action]) -> list[tuple[str, int]]:
    """A column for each label, as often as one action has it, in order of appearance: (label, number from 1)."""
    counts: dict[str, int] = {}
    for action in actions:
        labels = [note.label for note in action.notes]
        for label in labels:
            counts[label] = max(counts.get(label, 0), labels.count(label))
    return [(label, number) for label, count in counts.items() for number in range(1, count + 1)]


def _format_accountability(actions: list[Action], date_conventions: DateConventions) -> list[str]:
    """The accountability cells: the sheet's text where it still gives the same parties, else a new one.

    Whether "A and B" is two parties depends on the whole column, so the column is checked until nothing changes.
    """
    texts = [action.accountability_raw for action in actions]
    is_rewritten = [False] * len(actions)
    for _attempt in range(MAX_ATTEMPTS):
        parsed = [parse_parties(text) for text in texts]
        standalone_names = find_standalone_names(parsed)
        has_changed = False
        for index, action in enumerate(actions):
            if not is_rewritten[index] and not _reads_back_as(
                parsed[index], standalone_names, action, date_conventions
            ):
                texts[index], is_rewritten[index], has_changed = _format_parties(action), True, True
        if not has_changed:
            break
    standalone_names = find_standalone_names(parse_parties(text) for text in texts)
    return [
        _format_parties(action, standalone_names) + PORTAL_TEXT_MARKER if rewritten and text else text
        for action, text, rewritten in zip(actions, texts, is_rewritten, strict=True)
    ]


def _reads_back_as(
    parties: Parties, standalone_names: set[str], action: Action, date_conventions: DateConventions
) -> bool:
    """Whether the parsed parties are those of the action."""
    vacant = parse_vacant_since(parties.vacant, date_conventions) if parties.vacant else None
    return (
        distinct_names(parties.leads, standalone_names) == action.accountable
        and distinct_names(parties.supports, standalone_names) == action.support
        and (vacant if not action.accountable else None) == action.owner_vacant_since
    )


def _format_parties(action: Action, standalone_names: set[str] | None = None) -> str:
    leads = "; ".join(_bind_name(name, standalone_names) for name in action.accountable)
    supports = "; ".join(_bind_name(name, standalone_names) for name in action.support)
    if action.owner_vacant_since and not leads:
        leads = format_vacant_since(action.owner_vacant_since)
    if supports:
        return f"Lead: {leads or EMPTY_MARKER}\nSupport: {supports}"
    return leads


def _bind_name(name: str, standalone_names: set[str] | None) -> str:
    """The name, with no-break spaces where it would be read as two."""
    name = collapse_whitespace(name)
    return (
        name.replace(" ", NO_BREAK_SPACE)
        if standalone_names and split_names(name, standalone_names) != [name]
        else name
    )
