"""Read a city's plan sheet into goals, outcomes and actions, and account for every cell of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from .fields import FieldReader
from .files import open_grids
from .grid import Grid
from .labels import tidy
from .layout import Layout, apply_mapping, find_layout, likely_header_row
from .model import Assumptions, Result, SheetError
from .page import Page, Reading, seen
from .parties import names_alone, read_parties
from .words import gettext as _


def read(
    source: str | Path | bytes | IO[bytes],
    *,
    filename: str,
    assumptions: Assumptions | None = None,
    mapping: Mapping[Any, Any] | None = None,
) -> Result:
    """Read an XLSX or CSV file.

    `mapping` corrects the guessed columns: {"C": "action", 4: "timeline"} for all sheets, or by sheet name
    {"Plan": {"header_row": 3, "columns": {"C": "action"}}}; roles are those of `model.ROLES`.
    Raises SheetError where the file cannot be read or holds no plan; single cells never stop it.
    """
    assumptions = assumptions or Assumptions()
    grids, encoding = open_grids(source, filename=filename)
    reading = Reading(filename, assumptions)
    pages = []
    for grid in grids:
        layout = Layout() if grid.is_hidden else find_layout(grid, assumptions)
        if mapping:
            layout = apply_mapping(grid, layout, mapping, assumptions)
        pages.append(Page(grid, layout, reading))
    plans = [page for page in pages if page.layout.headers]
    if not plans:
        for page in pages:
            if not page.grid.is_hidden:
                page.layout = find_layout(page.grid, assumptions, needs_action=False)
        plans = [page for page in pages if page.layout.headers]
    if not plans:
        raise SheetError(_no_header(filename, grids), sheets=[seen(grid, assumptions) for grid in grids])
    if encoding in ("cp1252", "latin-1"):
        reading.warn(
            "encoding",
            None,
            1,
            "",
            "",
            _(
                "The file is not UTF-8; it was read as Western European text. Check accented letters and "
                "dashes, or export it as “CSV UTF-8”."
            ),
        )
    for page in plans:
        page.build(is_one_of_many=len(plans) > 1)
    _settle_names(plans)
    for page in plans:
        fields = FieldReader(assumptions, page.warn)
        for draft in page.drafts:
            fields.finish(draft)
    for page in pages:
        page.account_for_rest()
    result = reading.result
    result.goals = [goal for page in plans for goal in page.goals]
    result.sheets = [page.info() for page in pages]
    place = {grid.name: index for index, grid in enumerate(grids)}
    result.messages.sort(key=lambda message: (place.get(message.sheet, 0), message.row or 0))
    result.cells.sort(key=lambda cell: (place.get(cell.sheet, 0), cell.row))
    return result


def _no_header(filename: str, grids: list[Grid]) -> str:
    filled = [grid for grid in grids if grid.cells]
    if not filled:
        return _("“%(file)s” has no filled cell. Choose the file that holds the plan.") % {"file": filename}
    grid = filled[0]
    row = likely_header_row(grid)
    said = " | ".join(tidy(cell.text)[:30] for cell in grid.row(row)[:6])
    return _(
        "No sheet of “%(file)s” has a header row that names a column for actions and one for who, when "
        "or how it is measured. Row %(row)s says: %(said)s. Add a header row such as “Actions, Lead, "
        "Timeline, "
        "Measures”, or say which column is which."
    ) % {"file": filename, "row": row, "said": said}


def _settle_names(pages: list[Page]) -> None:
    """Read who answers in all sheets first: whether "A and B" is two depends on who stands alone
    elsewhere.
    """
    drafts = [draft for page in pages for draft in page.drafts]
    for draft in drafts:
        draft.parties = read_parties(draft.text("accountable"))
        helpers = read_parties(draft.text("support"), are_support=True)
        draft.parties.supports += helpers.leads + helpers.supports
    alone = names_alone(draft.parties for draft in drafts)
    for draft in drafts:
        draft.alone = alone
