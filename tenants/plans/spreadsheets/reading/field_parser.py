"""The fields of an action from the texts of its cells, with warnings for a person to check."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tenants.plans.spreadsheets.export_format import PORTAL_TEXT_MARKER
from tenants.plans.spreadsheets.grid import Cell
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import (
    ACTION_STATUSES,
    Action,
    Column,
    DateConventions,
    Header,
    Milestone,
    SheetNote,
)
from tenants.plans.spreadsheets.reading.date_parser import Timeline, parse_date, parse_timeline
from tenants.plans.spreadsheets.reading.measure_parser import parse_measure, parse_measures
from tenants.plans.spreadsheets.reading.party_parser import Parties, distinct_names, parse_vacant_since
from tenants.plans.spreadsheets.reading.progress_note_parser import PERIOD_PATTERN, parse_progress_notes
from tenants.plans.spreadsheets.reading.status_parser import ONGOING_STATUS, parse_stage, parse_status
from tenants.plans.spreadsheets.text import collapse_whitespace, is_empty_marker, parse_list

EXACT_DATE = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)(?: \((?P<precision>year|quarter|month|day)\))?")
MAX_NAME_LENGTH, MAX_STATUS_LENGTH, MAX_CODE_LENGTH = 160, 80, 40  # of the plan's columns


@dataclass(slots=True)
class ActionDraft:
    """An action while its rows are read: the cells of each role, in the order read.

    `standalone_names` are the keys of names that are alone in a cell of any sheet (see `party_parser.find_standalone_names`).
    """

    action: Action
    header: Header
    cells: dict[str, list[tuple[Cell, Column]]] = field(default_factory=dict)
    parties: Parties = field(default_factory=Parties)
    standalone_names: set[str] = field(default_factory=set)

    def text(self, role: str) -> str:
        """The texts of a role's cells, each on lines of its own."""
        return "\n".join(cell.text for cell, _column in self.cells.get(role, []))

    def column(self, role: str) -> str:
        """The letter of a role's first column, "" without one."""
        cells = self.cells.get(role)
        if cells:
            return cells[0][0].letter
        column = self.header.column_of(role)
        return column.letter if column else ""


@dataclass(slots=True)
class FieldParser:
    """Fills the action of a draft. `warn` takes kind, row, column letter, value and text."""

    date_conventions: DateConventions
    warn: Callable[[str, int, str, str, str], None]

    def finish(self, draft: ActionDraft) -> None:
        """Fill the fields of an action from its texts, with a warning for each that a person should check."""
        action = draft.action
        self._finish_plain(draft)
        self._finish_measures(draft)
        self._finish_status(draft)
        self._finish_parties(draft)
        self._finish_timeline(draft)
        self._finish_progress(draft)
        for cell, column in draft.cells.get("note", []):
            action.notes.append(SheetNote(column.label, cell.text))

    def _finish_plain(self, draft: ActionDraft) -> None:
        action = draft.action
        number = collapse_whitespace(draft.text("number"))
        if len(number) > MAX_CODE_LENGTH:
            action.notes.append(SheetNote(_("Number"), number))
        elif number:
            action.number = number
        action.code = collapse_whitespace(draft.text("code"))[:MAX_CODE_LENGTH] or action.code
        details = draft.text("details")
        if details:
            action.details = f"{action.details}\n\n{details}" if action.details else details
        for role in ("resources", "changes"):
            setattr(action, role, draft.text(role) or None)
        action.implementation_plan = parse_list(draft.text("implementation_plan"))
        stage = draft.text("stage")
        if stage:
            action.stage = parse_stage(stage)
            if action.stage is None and not is_empty_marker(stage):
                action.notes.append(SheetNote(_("Stage"), stage))
                self.warn(
                    "unknown_stage",
                    action.row or 0,
                    draft.column("stage"),
                    stage,
                    _(
                        "“%(value)s” is not a strategy (normalize, organize, operationalize). It was saved as a "
                        "note; choose the strategy after the import."
                    )
                    % {"value": stage},
                )

    def _finish_measures(self, draft: ActionDraft) -> None:
        action = draft.action
        measures: list[tuple[str, str | None]] = []
        for role in ("measures", "measures_how_much", "measures_how_well", "measures_better_off"):
            for cell, _column in draft.cells.get(role, []):
                if role == "measures":
                    measures += self._parse_measures(cell.text, is_export=draft.header.is_export)
                else:
                    measures += [
                        (text, role.removeprefix("measures_")) for text, _kind in parse_measures(cell.text)
                    ]
        action.measures = [text for text, _kind in measures]
        action.measure_kinds = [kind for _text, kind in measures]
        if not measures:
            self.warn(
                "no_measure",
                action.row or 0,
                draft.column("measures"),
                draft.text("measures"),
                _("No measure. Add one that shows whether anyone is better off."),
            )

    @staticmethod
    def _parse_measures(text: str, *, is_export: bool) -> list[tuple[str, str | None]]:
        if is_export:  # one measure on each line, with its kind in front
            return [parse_measure(line, is_export=True) for line in text.split("\n") if line.strip()]
        return parse_measures(text)

    def _finish_status(self, draft: ActionDraft) -> None:
        action = draft.action
        cells = draft.cells.get("status", [])
        raw = draft.text("status")
        wording = draft.text("status_wording")
        is_portal_text = draft.header.is_export and raw.endswith(PORTAL_TEXT_MARKER)
        raw = raw.strip()
        if not raw or not cells:
            action.status_raw = wording or None
            return
        action.status = None if is_empty_marker(raw) else parse_status(raw)
        if draft.header.is_export and is_portal_text:
            action.status_raw = wording or None
        else:
            action.status_raw = raw if len(raw) <= MAX_STATUS_LENGTH else raw[: MAX_STATUS_LENGTH - 1] + "…"
            if len(raw) > MAX_STATUS_LENGTH:
                action.notes.append(SheetNote(_("Status"), raw))
        if action.status is None and not is_empty_marker(raw):
            self.warn(
                "unknown_status",
                action.row or 0,
                draft.column("status"),
                raw,
                _("We don’t know the status “%(value)s”. The text is kept; choose one of: %(list)s.")
                % {"value": raw[:MAX_STATUS_LENGTH], "list": ", ".join(ACTION_STATUSES.values())},
            )

    def _finish_parties(self, draft: ActionDraft) -> None:
        action = draft.action
        raw = draft.text("accountable")
        is_portal_text = draft.header.is_export and raw.endswith(PORTAL_TEXT_MARKER)
        action.accountability_raw = "" if is_portal_text else raw
        parties = draft.parties
        action.accountable = distinct_names(parties.leads, draft.standalone_names)
        action.support = distinct_names(parties.supports, draft.standalone_names)
        too_long = [name for name in action.accountable + action.support if len(name) > MAX_NAME_LENGTH]
        for name in too_long:
            action.notes.append(SheetNote(_("Accountability"), name))
        action.accountable = [name for name in action.accountable if name not in too_long]
        action.support = [name for name in action.support if name not in too_long]
        row, column, value = action.row or 0, draft.column("accountable"), draft.text("accountable")
        if parties.vacant is not None and not action.accountable:
            action.owner_vacant_since = parse_vacant_since(parties.vacant, self.date_conventions)
            self.warn("no_party", row, column, value, _("The lead position is vacant. Assign this action."))
        elif not action.accountable:
            self.warn(
                "no_party",
                row,
                column,
                value,
                _("No owner. Assign one department or person."),
            )
        elif len(action.accountable) > 1:
            self.warn(
                "several_parties",
                row,
                column,
                value,
                (
                    _("%(count)s departments listed. We made %(first)s the lead and the other a partner.")
                    if len(action.accountable) == 2
                    else _(
                        "%(count)s departments listed. We made %(first)s the lead and the others partners."
                    )
                )
                % {"count": len(action.accountable), "first": action.accountable[0]},
            )

    def _finish_timeline(self, draft: ActionDraft) -> None:
        action = draft.action
        raw = draft.text("timeline")
        is_portal_text = draft.header.is_export and raw.endswith(PORTAL_TEXT_MARKER)
        raw = raw.removesuffix(PORTAL_TEXT_MARKER)
        action.timeline_raw = "" if is_portal_text else raw
        timeline = parse_timeline(raw, self.date_conventions)
        start_text = draft.text("start")
        if start_text:
            start = parse_timeline(start_text, self.date_conventions)
            first = start.start or min((date for date, _precision in start.dues), default=None)
            span_start = self._first_day(start_text) or first
            if span_start and not (timeline.due and span_start > timeline.due):
                timeline.start, timeline.start_precision = (
                    span_start,
                    (start.start_precision or (start.dues[0][1] if start.dues else "day")),
                )
            timeline.ambiguous += start.ambiguous
            if not span_start and not is_empty_marker(start_text):
                action.notes.append(SheetNote(_("Start"), start_text))
        action.continuous = timeline.continuous or bool(ONGOING_STATUS.match(draft.text("status").strip()))
        action.start = timeline.start.isoformat() if timeline.start else None
        action.start_precision = timeline.start_precision
        action.due = timeline.due.isoformat() if timeline.due else None
        action.due_precision = timeline.precision
        milestones = timeline.milestones
        are_paired = len(milestones) == len(action.measures)
        action.milestones = [
            Milestone(due=date.isoformat(), measure=index if are_paired else None, precision=precision)
            for index, (date, precision) in enumerate(milestones)
        ]
        self._apply_exact_dates(draft)
        self._check_timeline(draft, raw, timeline)

    def _first_day(self, text: str) -> dt.date | None:
        span = parse_date(text, self.date_conventions)
        return span.first if span else None

    def _apply_exact_dates(self, draft: ActionDraft) -> None:
        """Take the dates of the columns that our export adds where the wording no longer matches the dates."""
        action = draft.action
        start, due = draft.text("exact_start").strip(), draft.text("exact_due").strip()
        milestones = draft.text("exact_milestones").strip()
        if start:
            action.start, action.start_precision = _parse_exact_date(start, self.date_conventions)
        if due:
            action.continuous = due.startswith("ongoing")
            action.due, action.due_precision = _parse_exact_date(
                due.removeprefix("ongoing"), self.date_conventions
            )
            action.due_precision = action.due_precision or action.start_precision
        if milestones:
            parsed = [_parse_exact_milestone(line, self.date_conventions) for line in milestones.split("\n")]
            action.milestones = [milestone for milestone in parsed if milestone is not None]

    def _check_timeline(self, draft: ActionDraft, raw: str, timeline: Timeline) -> None:
        action = draft.action
        row, column = action.row or 0, draft.column("timeline")
        for date_text in dict.fromkeys(timeline.ambiguous):
            date = action.due or action.start or ""
            self.warn(
                "ambiguous_date",
                row,
                column,
                date_text,
                _(
                    "“%(value)s” can be read two ways. With the setting %(order)s it is %(date)s; write "
                    "the month as a word to be sure."
                )
                % {"value": date_text, "order": self.date_conventions.date_order, "date": date},
            )
        if timeline.is_reversed:
            self.warn(
                "dates_reversed",
                row,
                column,
                raw,
                _("“%(value)s” starts after it ends. Only the end was imported; correct the start.")
                % {"value": raw},
            )
        for line in timeline.unread:
            self.warn(
                "unread_date",
                row,
                column,
                line,
                _(
                    "No date was found in “%(value)s”. The text is kept; write a date such as “June "
                    "2026” if there is one."
                )
                % {"value": line},
            )
        if action.due or action.continuous or action.milestones:
            return
        if not raw.strip():
            text = _("No due date. Add one, or write “Ongoing”.")
        elif action.start:
            text = _("“%(value)s” has a start but no end. Add a due date, or write “Ongoing”.") % {
                "value": raw
            }
        else:
            text = _(
                "“%(value)s” is not a date. The text is kept; write a date such as “June 2026”, “FY27 "
                "Q2” or “2026-2028”, or “Ongoing”."
            ) % {"value": raw}
        self.warn("no_date", row, column, raw, text)

    def _finish_progress(self, draft: ActionDraft) -> None:
        for cell, column in draft.cells.get("progress", []):
            notes = parse_progress_notes(cell.text, is_export=draft.header.is_export)
            period = PERIOD_PATTERN.search(column.label)
            for note in notes:
                if not note.label and (period or len(draft.header.columns_of("progress")) > 1):
                    note.label = period[0] if period else column.label
            draft.action.progress_notes += notes


def _parse_exact_date(text: str, date_conventions: DateConventions) -> tuple[str | None, str | None]:
    """Date and precision: "2026-06-30 (month)" is ("2026-06-30", "month"); other texts are parsed as a date."""
    match = EXACT_DATE.fullmatch(text.strip())
    if match:
        return match["date"], match["precision"] or "day"
    span = parse_date(text, date_conventions)
    return (span.last.isoformat(), span.precision) if span else (None, None)


def _parse_exact_milestone(line: str, date_conventions: DateConventions) -> Milestone | None:
    """A milestone from "2026-06-30 (month) measure 1", of the first measure; None without a date."""
    match = re.fullmatch(r"(?P<date>.*?)(?: measure (?P<measure>\d+))?", line.strip())
    date, precision = _parse_exact_date(match["date"] if match else line, date_conventions)
    if date is None:
        return None
    measure = int(match["measure"]) - 1 if match and match["measure"] else None
    return Milestone(due=date, measure=measure, precision=precision)
