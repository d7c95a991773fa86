"""The plan as a spreadsheet for everybody who may see it: the workspace's layout, without what is internal."""

from __future__ import annotations

import io
from collections.abc import Iterable

from django.db import connection

from tenants.plans import spreadsheets
from tenants.plans.models import Action, Plan
from tenants.plans.plan_tree import read_tree
from tenants.plans.selectors import date_conventions_of

MAX_TEXT = 16_000  # characters of one text; two of them share a cell, which holds 32,767
LINE_START = 30  # at most, of each text in a list: "12) ", "Is anyone better off?: "
MAX_NOTES_TEXT = 30_000  # of the reports of one action, the newest of them


def public_workbook(plan: Plan) -> bytes:
    """The XLSX file as bytes. Reads only: no snapshot is kept, so no later import is merged with this file.

    Left out are the columns that the portal has no field for, the names and cells of the imported sheet, wordings as
    imported, and what the team notes about an outcome. A text that is too long for a cell is cut, and so are the oldest
    reports, steps and measures that do not fit. Raises SheetError if the other texts of one cell are too long together.
    """
    current = Action.objects.current().filter(outcome__goal__plan=plan)
    numbers = {str(uuid): number for uuid, number in current.values_list("uuid", "number")}
    tree = read_tree(plan)
    for goal in tree:
        _hide_source(goal)
        for outcome in goal.outcomes:
            _hide_source(outcome)
            outcome.story = None  # for the team: no page of a plan shows it
            for action in outcome.actions:
                _hide_internals(action, numbers)
    buffer = io.BytesIO()
    spreadsheets.write_xlsx(
        tree, buffer, title=plan.title, date_conventions=date_conventions_of(connection.tenant)
    )
    return buffer.getvalue()


def _hide_source(heading: spreadsheets.Goal | spreadsheets.Outcome) -> None:
    heading.sheet = heading.row = None
    heading.notes = []
    heading.story = _cut(heading.story)


def _hide_internals(action: spreadsheets.Action, numbers: dict[str, str]) -> None:
    action.number, action.code = numbers.get(action.id or "") or None, None
    action.sheet = action.row = action.status_raw = None
    action.accountability_raw = ""
    action.notes = []
    for name in ("title", "details", "indicator_text", "resources", "changes", "timeline_raw"):
        setattr(action, name, _cut(getattr(action, name)))
    action.implementation_plan = _cut_list(action.implementation_plan)
    action.measures = _cut_list(action.measures)
    action.measure_kinds = action.measure_kinds[: len(action.measures)]
    for milestone in action.milestones:
        if milestone.measure is not None and milestone.measure >= len(action.measures):
            milestone.measure = None
    action.progress_notes = list(_newest_that_fit(action.progress_notes))


def _newest_that_fit(notes: list[spreadsheets.SheetNote]) -> Iterable[spreadsheets.SheetNote]:
    """The last notes of the list whose texts fit into one cell, in their order."""
    kept: list[spreadsheets.SheetNote] = []
    for note in reversed(notes):
        used = sum(len(other.label) + len(other.text) + 4 for other in kept)
        if used + len(note.label) + len(note.text) > MAX_NOTES_TEXT:
            break
        kept.append(note)
    return reversed(kept)


def _cut_list(texts: list[str]) -> list[str]:
    """The first of the texts that fit into one cell; the one that no longer does is cut, and ends the list."""
    kept: list[str] = []
    room = MAX_TEXT
    for text in texts:
        if len(text) > room:
            return [*kept, text[:room].rstrip() + "…"]
        kept.append(text)
        room = max(room - len(text) - LINE_START, 0)
    return kept


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_TEXT else text[:MAX_TEXT].rstrip() + "…"
