"""Read a city's plan file into goals, outcomes and actions, and account for every cell of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tenants.plans.spreadsheets.grid import Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import DateConventions, Layout, ParseResult, SheetError
from tenants.plans.spreadsheets.reading.cell_ledger import ParseContext
from tenants.plans.spreadsheets.reading.column_mapping import apply_column_mapping
from tenants.plans.spreadsheets.reading.field_parser import FieldParser
from tenants.plans.spreadsheets.reading.files import open_grids
from tenants.plans.spreadsheets.reading.header_detection import detect_layout, guess_header_row
from tenants.plans.spreadsheets.reading.party_parser import find_standalone_names, parse_parties
from tenants.plans.spreadsheets.reading.sheet_description import describe_unparsed
from tenants.plans.spreadsheets.reading.sheet_reader import SheetParser
from tenants.plans.spreadsheets.text import collapse_whitespace


def read(
    source: str | Path | bytes | IO[bytes],
    *,
    filename: str,
    date_conventions: DateConventions | None = None,
    mapping: Mapping[Any, Any] | None = None,
) -> ParseResult:
    """Read an XLSX or CSV file.

    `mapping` corrects the guessed columns: {"C": "action", 4: "timeline"} for all sheets, or by sheet name
    {"Plan": {"header_row": 3, "columns": {"C": "action"}}}; roles are those of `model.COLUMN_ROLES`.
    Raises SheetError where the file cannot be read or has no plan; single cells never raise.
    """
    date_conventions = date_conventions or DateConventions()
    grids, encoding = open_grids(source, filename=filename)
    context = ParseContext(filename, date_conventions)
    parsers = []
    for grid in grids:
        layout = Layout() if grid.is_hidden else detect_layout(grid, date_conventions)
        if mapping:
            layout = apply_column_mapping(grid, layout, mapping, date_conventions)
        parsers.append(SheetParser(grid, layout, context))
    plans = [parser for parser in parsers if parser.layout.headers]
    if not plans:
        for parser in parsers:
            if not parser.grid.is_hidden:
                parser.layout = detect_layout(parser.grid, date_conventions, needs_action=False)
        plans = [parser for parser in parsers if parser.layout.headers]
    if not plans:
        raise SheetError(
            _no_header_message(filename, grids),
            sheets=[describe_unparsed(grid) for grid in grids],
        )
    if encoding in ("cp1252", "latin-1"):
        context.warn(
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
    for plan in plans:
        plan.build(is_one_of_many=len(plans) > 1)
    _resolve_party_names(plans)
    for plan in plans:
        fields = FieldParser(date_conventions, plan.ledger.warn)
        for draft in plan.drafts:
            fields.finish(draft)
    for parser in parsers:
        parser.close()
    result = context.result
    result.goals = [goal for plan in plans for goal in plan.goals]
    result.sheets = [parser.describe() for parser in parsers]
    position = {grid.name: index for index, grid in enumerate(grids)}
    result.messages.sort(key=lambda message: (position.get(message.sheet, 0), message.row or 0))
    result.cells.sort(key=lambda cell: (position.get(cell.sheet, 0), cell.row))
    return result


def _no_header_message(filename: str, grids: list[Grid]) -> str:
    filled_grids = [grid for grid in grids if grid.cells]
    if not filled_grids:
        return _("“%(file)s” has no filled cell. Choose the file that holds the plan.") % {"file": filename}
    grid = filled_grids[0]
    row = guess_header_row(grid)
    header_text = " | ".join(collapse_whitespace(cell.text)[:30] for cell in grid.row(row)[:6])
    return _(
        "No sheet of “%(file)s” has a header row that names a column for actions and one for who, when "
        "or how it is measured. Row %(row)s has: %(said)s. Add a header row such as “Actions, Lead, "
        "Timeline, "
        "Measures”, or match the columns yourself."
    ) % {"file": filename, "row": row, "said": header_text}


def _resolve_party_names(plans: list[SheetParser]) -> None:
    """Parse the parties of all sheets: whether "A and B" is two depends on the names alone in other cells."""
    drafts = [draft for plan in plans for draft in plan.drafts]
    for draft in drafts:
        draft.parties = parse_parties(draft.text("accountable"))
        supporters = parse_parties(draft.text("support"), are_support=True)
        draft.parties.supports += supporters.leads + supporters.supports
    standalone_names = find_standalone_names(draft.parties for draft in drafts)
    for draft in drafts:
        draft.standalone_names = standalone_names
