"""From the texts found for an action to its fields, and to what a person should look at."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tenants.plans.spreadsheets.grid import Cell
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import ACTION_STATUSES, Action, DateConventions, Milestone, SheetNote
from tenants.plans.spreadsheets.reading.date_parser import Timeline, parse_date, parse_timeline
from tenants.plans.spreadsheets.reading.header_detection import Column, Header
from tenants.plans.spreadsheets.reading.label_parser import (
    ONGOING_STATUS,
    collapse_whitespace,
    is_empty_marker,
    parse_list,
    parse_stage,
    parse_status,
)
from tenants.plans.spreadsheets.reading.measure_parser import parse_measure, parse_measures
from tenants.plans.spreadsheets.reading.party_parser import Parties, distinct_names, parse_vacant_since

PERIOD = (
    r"(?:(?:FY|CY|Fiscal Year)\s?'?\d{2}(?:\d\d)?(?:[-/]\d{2,4})?[ ,/-]*)?(?:Q(?:uarter)?\s?[1-4]|"
    r"[1-4](?:st|nd|rd|th) Quarter|H[12])(?:[ ,/-]*(?:of )?(?:FY|CY)?\s?'?(?:20)?\d\d)?"
    r"|(?:FY|CY|Fiscal Year)\s?'?\d{2}(?:\d\d)?(?:[-/]\d{2,4})?(?:\s?H[12])?|20\d\d(?:[ ,/-]*Q[1-4]|"
    r"[-/](?:20)?\d\d)?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?\s(?:\d\d?(?:st|nd|rd|"
    r"th)?,?\s)?(?:20)\d\d"
    r"|\d\d?/\d\d?/(?:20)?\d\d|20\d\d-\d\d(?:-\d\d)?|\d\d?/20\d\d"
    r"|(?:Spring|Summer|Fall|Autumn|Winter|Mid-?year|Year[- ]end|End of year)(?: (?:of )?20\d\d)?|"
    r"Year \d{1,2}|(?:January|February|March|April|June|July|August|September|October|November|December)"
)
NOTE_START = re.compile(
    rf"(?P<label>{PERIOD})(?:\s+(?:update|report|progress|status))?\s*(?::|"
    rf"\s[\u2013\u2014-]\s)\s*(?P<text>.*)",
    re.IGNORECASE,
)
EXACT_DATE = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)(?: \((?P<precision>year|quarter|month|day)\))?")
BRACKETED_NOTE = re.compile(r"\[(?P<label>[^\]\n]{0,40})\]:\s?(?P<text>.*)")
HEADER_PERIOD = re.compile(rf"(?:{PERIOD})", re.IGNORECASE)
PORTAL_TEXT_MARKER = (
    "\u00a0"  # our export ends a status with it where the word is the portal's, not the sheet's
)


@dataclass(slots=True)
class ActionDraft:
    """An action while its rows are read: the texts of each role in the order found."""

    action: Action
    header: Header
    texts: dict[str, list[tuple[Cell, Column]]] = field(default_factory=dict)
    parties: Parties = field(default_factory=Parties)
    alone: set[str] = field(default_factory=set)

    def text(self, role: str) -> str:
        return "\n".join(cell.text for cell, _column in self.texts.get(role, []))

    def column(self, role: str) -> str:
        places = self.texts.get(role)
        if places:
            return places[0][0].letter
        column = self.header.first(role)
        return column.letter if column else ""


@dataclass(slots=True)
class FieldParser:
    """Fills drafts. `warn` takes kind, row, column letter, value and text."""

    date_conventions: DateConventions
    warn: Callable[[str, int, str, str, str], None]

    def finish(self, draft: ActionDraft) -> None:
        """Fill the fields of an action from its texts and say what a person should look at."""
        action = draft.action
        self._finish_plain(draft)
        self._finish_measures(draft)
        self._finish_status(draft)
        self._finish_parties(draft)
        self._finish_timeline(draft)
        self._finish_progress(draft)
        for cell, column in draft.texts.get("note", []):
            action.notes.append(SheetNote(column.label, cell.text))

    def _finish_plain(self, draft: ActionDraft) -> None:
        action = draft.action
        number = collapse_whitespace(draft.text("number"))
        if len(number) > 40:
            action.notes.append(SheetNote(_("Number"), number))
        elif number:
            action.number = number
        action.code = collapse_whitespace(draft.text("code"))[:40] or action.code
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
                        "“%(value)s” is none of Normalize, Organize, Operationalize. It was kept as a "
                        "note; choose the stage after the import."
                    )
                    % {"value": stage},
                )

    def _finish_measures(self, draft: ActionDraft) -> None:
        action = draft.action
        found: list[tuple[str, str | None]] = []
        for role in ("measures", "measures_how_much", "measures_how_well", "measures_better_off"):
            for cell, _column in draft.texts.get(role, []):
                if role == "measures":
                    found += self._measures(cell.text, is_export=draft.header.is_export)
                else:
                    found += [
                        (text, role.removeprefix("measures_")) for text, _kind in parse_measures(cell.text)
                    ]
        action.measures = [text for text, _kind in found]
        action.measure_kinds = [kind for _text, kind in found]
        if not found:
            self.warn(
                "no_measure",
                action.row or 0,
                draft.column("measures"),
                draft.text("measures"),
                _("No measure. Add one that tells whether anyone is better off."),
            )

    @staticmethod
    def _measures(text: str, *, is_export: bool) -> list[tuple[str, str | None]]:
        if is_export:  # written by us: one measure a line, with its kind in front
            return [parse_measure(line, is_export=True) for line in text.split("\n") if line.strip()]
        return parse_measures(text)

    def _finish_status(self, draft: ActionDraft) -> None:
        action = draft.action
        cells = draft.texts.get("status", [])
        raw = draft.text("status")
        wording = draft.text("status_wording")
        is_portal_word = draft.header.is_export and raw.endswith(PORTAL_TEXT_MARKER)
        raw = raw.strip()
        if not raw or not cells:
            action.status_raw = wording or None
            return
        action.status = None if is_empty_marker(raw) else parse_status(raw)
        if draft.header.is_export and is_portal_word:
            action.status_raw = wording or None
        else:
            action.status_raw = raw if len(raw) <= 80 else raw[:79] + "…"
            if len(raw) > 80:
                action.notes.append(SheetNote(_("Status"), raw))
        if action.status is None and not is_empty_marker(raw):
            self.warn(
                "unknown_status",
                action.row or 0,
                draft.column("status"),
                raw,
                _("The status “%(value)s” is not known. Its words are kept; choose one of: %(list)s.")
                % {"value": raw[:80], "list": ", ".join(ACTION_STATUSES.values())},
            )

    def _finish_parties(self, draft: ActionDraft) -> None:
        action = draft.action
        raw = draft.text("accountable")
        is_portal_word = draft.header.is_export and raw.endswith(PORTAL_TEXT_MARKER)
        action.accountability_raw = "" if is_portal_word else raw
        parties = draft.parties
        action.accountable = distinct_names(parties.leads, draft.alone)
        action.support = distinct_names(parties.supports, draft.alone)
        too_long = [name for name in action.accountable + action.support if len(name) > 160]
        for name in too_long:
            action.notes.append(SheetNote(_("Accountability"), name))
        action.accountable = [name for name in action.accountable if name not in too_long]
        action.support = [name for name in action.support if name not in too_long]
        row, column, value = action.row or 0, draft.column("accountable"), draft.text("accountable")
        if parties.vacant is not None and not action.accountable:
            action.owner_vacant_since = parse_vacant_since(parties.vacant, self.date_conventions)
            self.warn(
                "no_party", row, column, value, _("The lead is vacant. Name who answers for this action.")
            )
        elif not action.accountable:
            self.warn(
                "no_party",
                row,
                column,
                value,
                _("Nobody answers for this action. Name one department or person."),
            )
        elif len(action.accountable) > 1:
            self.warn(
                "several_parties",
                row,
                column,
                value,
                _(
                    "%(count)s parties are named. %(first)s, the first, is taken as the one who answers; "
                    "the others are responsible too. Choose another if that is wrong."
                )
                % {"count": len(action.accountable), "first": action.accountable[0]},
            )

    def _finish_timeline(self, draft: ActionDraft) -> None:
        action = draft.action
        raw = draft.text("timeline")
        is_portal_word = draft.header.is_export and raw.endswith(PORTAL_TEXT_MARKER)
        raw = raw.removesuffix(PORTAL_TEXT_MARKER)
        action.timeline_raw = "" if is_portal_word else raw
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
            Milestone(due=date.isoformat(), measure=place if are_paired else None, precision=precision)
            for place, (date, precision) in enumerate(milestones)
        ]
        self._apply_exact_dates(draft)
        self._check_timeline(draft, raw, timeline)

    def _first_day(self, text: str) -> dt.date | None:
        span = parse_date(text, self.date_conventions)
        return span.first if span else None

    def _apply_exact_dates(self, draft: ActionDraft) -> None:
        """Columns that our export adds where dates were changed in the portal and the wording is no longer true."""
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
            found = [_parse_exact_milestone(line, self.date_conventions) for line in milestones.split("\n")]
            action.milestones = [item for item in found if item is not None]

    def _check_timeline(self, draft: ActionDraft, raw: str, timeline: Timeline) -> None:
        action = draft.action
        row, column = action.row or 0, draft.column("timeline")
        for written in dict.fromkeys(timeline.ambiguous):
            span_due = action.due or action.start or ""
            self.warn(
                "ambiguous_date",
                row,
                column,
                written,
                _(
                    "“%(value)s” can be read two ways. With the setting %(order)s it is %(date)s; write "
                    "the month as a word to be sure."
                )
                % {"value": written, "order": self.date_conventions.date_order, "date": span_due},
            )
        if timeline.is_reversed:
            self.warn(
                "dates_reversed",
                row,
                column,
                raw,
                _("“%(value)s” starts after it ends. Only the end was taken; correct the start.")
                % {"value": raw},
            )
        for line in timeline.unread:
            self.warn(
                "unread_date",
                row,
                column,
                line,
                _(
                    "No date was found in “%(value)s”. The words are kept; write a date such as “June "
                    "2026” if there is one."
                )
                % {"value": line},
            )
        if action.due or action.continuous or action.milestones:
            return
        if not raw.strip():
            text = _("No date. Say by when, or write “Ongoing”.")
        elif action.start:
            text = _("“%(value)s” has a start but no end. Say by when, or write “Ongoing”.") % {"value": raw}
        else:
            text = _(
                "“%(value)s” is not a date. The words are kept; write a date such as “June 2026”, “FY27 "
                "Q2” or “2026-2028”, or “Ongoing”."
            ) % {"value": raw}
        self.warn("no_date", row, column, raw, text)

    def _finish_progress(self, draft: ActionDraft) -> None:
        for cell, column in draft.texts.get("progress", []):
            notes = parse_progress_notes(cell.text, is_export=draft.header.is_export)
            period = HEADER_PERIOD.search(column.label)
            for note in notes:
                if not note.label and (period or len(draft.header.all("progress")) > 1):
                    note.label = period[0] if period else column.label
            draft.action.progress_notes += notes


def _parse_exact_date(text: str, date_conventions: DateConventions) -> tuple[str | None, str | None]:
    """ "2026-06-30 (month)" as ("2026-06-30", "month"); what a person wrote instead is read as a date."""
    match = EXACT_DATE.fullmatch(text.strip())
    if match:
        return match["date"], match["precision"] or "day"
    span = parse_date(text, date_conventions)
    return (span.last.isoformat(), span.precision) if span else (None, None)


def _parse_exact_milestone(line: str, date_conventions: DateConventions) -> Milestone | None:
    """ "2026-06-30 (month) measure 1" belongs to the first measure."""
    match = re.fullmatch(r"(?P<date>.*?)(?: measure (?P<measure>\d+))?", line.strip())
    date, precision = _parse_exact_date(match["date"] if match else line, date_conventions)
    if date is None:
        return None
    measure = int(match["measure"]) - 1 if match and match["measure"] else None
    return Milestone(due=date, measure=measure, precision=precision)


def format_vacant_since(since: str) -> str:
    """ "2026-03" in words that `parties.vacant_since` reads back: "VACANT since 2026-03"."""
    return f"VACANT since {since}"


def parse_progress_notes(text: str, *, is_export: bool = False) -> list[SheetNote]:
    """Progress notes of a cell: a line that begins with a period ("Q1:", "FY26 Q2:") opens a note."""
    notes: list[SheetNote] = []
    for line in text.split("\n"):
        opened = (BRACKETED_NOTE.fullmatch(line) if is_export else None) or NOTE_START.fullmatch(
            line.lstrip(" \t")
        )
        if opened:
            notes.append(SheetNote(collapse_whitespace(opened["label"]), opened["text"].strip(" ")))
        elif notes:
            notes[-1].text += f"\n{line}"
        elif line.strip():
            notes.append(SheetNote("", line))
    for note in notes:
        note.text = "\n".join(line.strip() for line in note.text.split("\n")).strip()
    return [note for note in notes if note.text and (is_export or not is_empty_marker(note.text))]
