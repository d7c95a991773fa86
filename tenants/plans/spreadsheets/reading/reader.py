"""Read a city's plan sheet into goals, outcomes and actions, and account for every cell of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tenants.plans.spreadsheets.grid import Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import DateConventions, ParseResult, SheetError
from tenants.plans.spreadsheets.reading.field_parser import FieldParser
from tenants.plans.spreadsheets.reading.files import open_grids
from tenants.plans.spreadsheets.reading.header_detection import (
    Layout,
    apply_column_mapping,
    detect_layout,
    guess_header_row,
)
from tenants.plans.spreadsheets.reading.label_parser import collapse_whitespace
from tenants.plans.spreadsheets.reading.party_parser import parse_parties, standalone_names
from tenants.plans.spreadsheets.reading.sheet_reader import ParseContext, SheetParser, describe_unparsed


def read(
    source: str | Path | bytes | IO[bytes],
    *,
    filename: str,
    date_conventions: DateConventions | None = None,
    mapping: Mapping[Any, Any] | None = None,
) -> ParseResult:
    """Read an XLSX or CSV file.

    `mapping` corrects the guessed columns: {"C": "action", 4: "timeline"} for all sheets, or by sheet name
    {"Plan": {"header_row": 3, "columns": {"C": "action"}}}; roles are those of `model.ROLES`.
    Raises SheetError where the file cannot be read or holds no plan; single cells never stop it.
    """
    date_conventions = date_conventions or DateConventions()
    grids, encoding = open_grids(source, filename=filename)
    reading = ParseContext(filename, date_conventions)
    pages = []
    for grid in grids:
        layout = Layout() if grid.is_hidden else detect_layout(grid, date_conventions)
        if mapping:
            layout = apply_column_mapping(grid, layout, mapping, date_conventions)
        pages.append(SheetParser(grid, layout, reading))
    plans = [page for page in pages if page.layout.headers]
    if not plans:
        for page in pages:
            if not page.grid.is_hidden:
                page.layout = detect_layout(page.grid, date_conventions, needs_action=False)
        plans = [page for page in pages if page.layout.headers]
    if not plans:
        raise SheetError(
            _no_header_message(filename, grids),
            sheets=[describe_unparsed(grid, date_conventions) for grid in grids],
        )
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
    _resolve_party_names(plans)
    for page in plans:
        fields = FieldParser(date_conventions, page.warn)
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


def _no_header_message(filename: str, grids: list[Grid]) -> str:
    filled = [grid for grid in grids if grid.cells]
    if not filled:
        return _("“%(file)s” has no filled cell. Choose the file that holds the plan.") % {"file": filename}
    grid = filled[0]
    row = guess_header_row(grid)
    said = " | ".join(collapse_whitespace(cell.text)[:30] for cell in grid.row(row)[:6])
    return _(
        "No sheet of “%(file)s” has a header row that names a column for actions and one for who, when "
        "or how it is measured. Row %(row)s says: %(said)s. Add a header row such as “Actions, Lead, "
        "Timeline, "
        "Measures”, or say which column is which."
    ) % {"file": filename, "row": row, "said": said}


def _resolve_party_names(pages: list[SheetParser]) -> None:
    """Read who answers in all sheets first: whether "A and B" is two depends on who stands alone
    elsewhere.
    """
    drafts = [draft for page in pages for draft in page.drafts]
    for draft in drafts:
        draft.parties = parse_parties(draft.text("accountable"))
        helpers = parse_parties(draft.text("support"), are_support=True)
        draft.parties.supports += helpers.leads + helpers.supports
    alone = standalone_names(draft.parties for draft in drafts)
    for draft in drafts:
        draft.alone = alone
