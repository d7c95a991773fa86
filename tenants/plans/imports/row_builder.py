"""Build rows of the plan from the values of a sheet: columns, parties, measures, milestones, progress notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.text import Truncator

from accounts.models import User
from tenants.plans import spreadsheets
from tenants.plans.models import (
    Action,
    ActionParty,
    Department,
    Goal,
    Milestone,
    Outcome,
    PerformanceMeasure,
    ProgressNote,
)
from tenants.plans.plan_tree import parse_vacancy
from tenants.plans.spreadsheets import three_way_merge
from tenants.plans.spreadsheets.reading.date_parser import parse_date
from tenants.plans.spreadsheets.row_matching import SIMILARITY_THRESHOLD, share_of_words

BATCH_SIZE = 500
TEXT_COLUMNS = frozenset(
    {"title", "details", "resources", "changes", "indicator_text", "stage", "story"}
)  # stored as the sheet has them
MAX_LABEL_LENGTH = 40  # characters of a label, a number and a note's period
MAX_LENGTHS = {"label": MAX_LABEL_LENGTH, "number": MAX_LABEL_LENGTH, "department": 160}  # of short columns


class RowBuilder:
    """Sets columns and builds unsaved rows. Call `load_departments` first, with every name that will be needed."""

    def __init__(self, *, by: User | None, date_conventions: spreadsheets.DateConventions) -> None:
        self.by, self.date_conventions = by, date_conventions
        self._departments: dict[str, Department] = {}  # by case-folded name
        self._period_days: dict[str, dt.date | None] = {}  # by the label of a progress note

    def load_departments(self, names: Iterable[str]) -> list[int]:
        """Load all departments and create those that are missing. Returns the ids of the new ones; two queries."""
        self._departments = {row.name.casefold(): row for row in Department.objects.all()}
        missing: dict[str, Department] = {}
        for name in names:
            if name.casefold() not in self._departments:
                missing.setdefault(
                    name.casefold(), Department(name=name, created_by=self.by, updated_by=self.by)
                )
        created = Department.objects.bulk_create(missing.values(), batch_size=BATCH_SIZE)
        self._departments |= missing
        return [row.pk for row in created]

    # ---- Columns -------------------------------------------------------------------------------------
    def set_value(self, row: Goal | Outcome | Action, name: str, value: Any) -> None:
        """Set the columns that hold a sheet's value `name`; a value of related rows sets nothing."""
        if name in TEXT_COLUMNS:
            setattr(row, name, value)
        elif name in MAX_LENGTHS:
            self._set_short(row, name, value)
        elif name == "notes":
            full_texts = [note for each in MAX_LENGTHS for note in _full_texts(row, each)]
            notes = [{"label": label, "text": text} for label, text in value]
            row.extra_columns = [note for note in notes if note not in full_texts] + full_texts
        elif isinstance(row, Action):
            self._set_action_value(row, name, value)

    def _set_action_value(self, row: Action, name: str, value: Any) -> None:
        if name == "implementation_plan":
            row.implementation_plan = list(value)
        elif name == "status":
            self._set_status(row, value)
        elif name == "timeline":
            row.timeline_raw = value["raw"]
            row.start_date, row.start_precision = _parse_day(value["start"]), value["start_precision"]
            row.due_date, row.due_precision = _parse_day(value["due"]), value["due_precision"]
            row.is_continuous = value["continuous"]
        elif name == "accountability":
            row.accountability_raw = value["raw"]
            first = value["accountable"][0] if value["accountable"] else ""
            row.accountable = self._departments.get(first.casefold())
            row.owner_vacant_since = parse_vacancy(value["vacant_since"])
            if row.owner_vacant_since:
                row.owner = None

    def _set_short(self, row: Any, name: str, value: str) -> None:
        """Set a short column; a text that it has no room for is also stored whole in `extra_columns`."""
        outdated = _full_texts(row, name)
        row.extra_columns = [note for note in row.extra_columns if note not in outdated]
        setattr(row, name, Truncator(value).chars(MAX_LENGTHS[name]))
        if len(value) > MAX_LENGTHS[name]:
            row.extra_columns.append({"label": _column_label(row, name), "text": value})

    def _set_status(self, row: Action, value: Mapping[str, Any]) -> None:
        status = value["status"] or None
        if status != row.status:
            row.status_since = None
            if status not in Action.NEEDS_REASON:
                row.reason = ""
        if status != Action.Status.MERGED:
            row.merged_into = None
        row.status, row.status_raw = status, value["raw"]

    # ---- Related rows of an action -------------------------------------------------------------------
    def parties(self, row: Action, value: Mapping[str, Any]) -> list[ActionParty]:
        parties: dict[tuple[int, str], ActionParty] = {}
        for role, names in (
            (ActionParty.Role.RESPONSIBLE, value["accountable"][1:]),
            (ActionParty.Role.SUPPORT, value["support"]),
        ):
            for index, name in enumerate(names):
                department = self._departments[name.casefold()]
                if role == ActionParty.Role.RESPONSIBLE and department.pk == row.accountable_id:
                    continue
                parties.setdefault(
                    (department.pk, role),
                    ActionParty(action=row, department=department, role=role, position=index),
                )
        return list(parties.values())

    def measures(
        self, row: Action, value: Iterable[Any], existing: list[PerformanceMeasure]
    ) -> list[PerformanceMeasure]:
        """The measures in the sheet's order; an existing one, also if it is reworded, keeps its baseline and target."""
        texts = list(value)
        known = _known_measures(texts, existing)
        measures = []
        for index, (text, kind) in enumerate(texts):
            measure = known.get(index) or PerformanceMeasure(action=row, created_by=self.by)
            measure.text, measure.kind, measure.position, measure.updated_by = text, kind, index, self.by
            measures.append(measure)
        return measures

    def milestones(self, row: Action, value: Iterable[Any], existing: list[Milestone]) -> list[Milestone]:
        """The milestones in the sheet's order; an existing one of the same day keeps its title and `done_date`.

        One that is not done keeps its title where the sheet has only moved dates.
        """
        dates = [(dt.date.fromisoformat(due), precision, measure) for due, precision, measure in value]
        known = _known_milestones([day for day, _precision, _measure in dates], existing)
        milestones = []
        for index, (day, precision, measure) in enumerate(dates):
            milestone = known.get(index) or Milestone(action=row, created_by=self.by)
            milestone.due_date, milestone.due_precision = day, precision or "day"
            milestone.measure_position = measure
            milestone.position, milestone.updated_by = index, self.by
            milestones.append(milestone)
        return milestones

    def progress_notes(self, row: Action, value: Iterable[Any], *, first_position: int) -> list[ProgressNote]:
        """New progress notes from `first_position` on; moves `last_update_on` of the action forward, if they are newer."""
        notes = []
        for index, (label, text) in enumerate(value):
            day = self.period_day(label)
            if day and (row.last_update_on is None or day > row.last_update_on):
                row.last_update_on = day
            notes.append(
                ProgressNote(
                    action=row,
                    label=Truncator(label).chars(MAX_LABEL_LENGTH),
                    text=text,
                    noted_on=day,
                    position=first_position + index,
                    is_imported=True,
                    created_by=self.by,
                    updated_by=self.by,
                )
            )
        return notes

    def period_day(self, label: str) -> dt.date | None:
        """Last day of the period that a note is about, today if it is not over; None if it has not begun or has no date."""
        if label not in self._period_days:
            span = parse_date(label, self.date_conventions) if label else None
            today = timezone.localdate()
            self._period_days[label] = min(span.last, today) if span and span.first <= today else None
        return self._period_days[label]


def _known_measures(
    texts: list[tuple[str, str]], existing: list[PerformanceMeasure]
) -> dict[int, PerformanceMeasure]:
    """By the index in the sheet, the existing measure of the same text; else the most similar one of the same kind."""
    known, free = _match_keys(
        [three_way_merge.normalize(text) for text, _kind in texts],
        [(three_way_merge.normalize(measure.text), measure) for measure in existing],
    )
    new = [index for index in range(len(texts)) if index not in known]
    threshold = SIMILARITY_THRESHOLD / 2 if len(new) == len(free) == 1 else SIMILARITY_THRESHOLD
    pairs = [
        (share_of_words(texts[index][0], measure.text), index, measure)
        for index in new
        for measure in free
        if measure.kind == texts[index][1]
    ]
    for similarity, index, measure in sorted(pairs, key=lambda pair: -pair[0]):
        if similarity >= threshold and index not in known and measure not in known.values():
            known[index] = measure
    return known


def _match_keys(keys: list[Any], existing: list[tuple[Any, Any]]) -> tuple[dict[int, Any], list[Any]]:
    """By the index of each key, the first existing row of that key; and the rows that are left, in their order."""
    known: dict[int, Any] = {}
    left = list(existing)
    for index, key in enumerate(keys):
        same = next((pair for pair in left if pair[0] == key), None)
        if same is not None:
            known[index] = same[1]
            left.remove(same)
    return known, [row for _key, row in left]


def _known_milestones(days: list[dt.date], existing: list[Milestone]) -> dict[int, Milestone]:
    """By the index in the sheet, the existing milestone of that day.

    Where as many days are new as have gone, dates were moved: then those that are not done belong together in order.
    """
    by_day = sorted(existing, key=lambda milestone: milestone.due_date)
    known, free = _match_keys(days, [(milestone.due_date, milestone) for milestone in by_day])
    new = sorted((index for index in range(len(days)) if index not in known), key=lambda index: days[index])
    if len(new) == len(free):
        known |= {index: each for index, each in zip(new, free, strict=True) if each.done_date is None}
    return known


def _column_label(row: Any, name: str) -> str:
    return str(row._meta.get_field(name).verbose_name)


def _full_texts(row: Any, name: str) -> list[dict[str, str]]:
    """The extra column that holds the whole text of a short column, if that was cut; one or none."""
    if not hasattr(row, name):
        return []
    return [
        note
        for note in row.extra_columns
        if note["label"] == _column_label(row, name)
        and len(note["text"]) > MAX_LENGTHS[name]
        and Truncator(note["text"]).chars(MAX_LENGTHS[name]) == getattr(row, name)
    ]


def _parse_day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
