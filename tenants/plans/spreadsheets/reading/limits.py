"""Limits of the files that are read, and the errors where a file exceeds them."""

from __future__ import annotations

from tenants.plans.spreadsheets.grid import Grid
from tenants.plans.spreadsheets.messages import gettext as _
from tenants.plans.spreadsheets.model import SheetError

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_ARCHIVE_MEMBERS = 2_000
MAX_COMPRESSION_RATIO = 150  # of unpacked to packed; a sheet of plain text stays far below
MIN_CHECKED_BYTES = 8 * 1024 * 1024  # smaller workbooks may be compressed more
MAX_ROWS = 20_000  # filled rows of one sheet
MAX_COLUMNS = 300
MAX_CELLS = 400_000
MAX_MERGED_CELLS = 200_000


def too_many_rows_error(filename: str, rows: int) -> SheetError:
    return SheetError(
        _(
            "“%(file)s” has %(rows)s filled rows in one sheet; a plan has at most %(limit)s. Choose the "
            "sheet with the plan, not the data behind it."
        )
        % {"file": filename, "rows": f"{rows:,}", "limit": f"{MAX_ROWS:,}"}
    )


def check_size(grids: list[Grid], filename: str) -> None:
    """Raise SheetError where the sheets have too many rows, columns or cells."""
    for grid in grids:
        if len(grid.rows) > MAX_ROWS:
            raise too_many_rows_error(filename, len(grid.rows))
        if (
            grid.last_column > MAX_COLUMNS
            and len({cell.column for cell in grid.cells.values()}) > MAX_COLUMNS
        ):
            raise SheetError(
                _(
                    "“%(file)s” has more than %(limit)s columns. Remove the columns that are not part of "
                    "the plan and try again."
                )
                % {"file": filename, "limit": MAX_COLUMNS}
            )
    if sum(len(grid.cells) for grid in grids) > MAX_CELLS:
        raise SheetError(
            _(
                "“%(file)s” has more than %(limit)s filled cells. Remove the sheets that are not part of "
                "the plan and try again."
            )
            % {"file": filename, "limit": f"{MAX_CELLS:,}"}
        )
