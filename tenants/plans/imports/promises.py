"""Whether a checked import changes what an adopted plan promises: then its page asks for a reason.

This is for the page and for a dry run. What is refused without a reason is decided by `build_change_entry`, from the rows
themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tenants.plans.commitments import commitments_in
from tenants.plans.imports.writer import PARENT_FIELDS
from tenants.plans.spreadsheets.three_way_merge import PARENT_FIELD

# The columns that a timeline of a sheet sets.
TIMELINE_COLUMNS = {
    "start": "start_date",
    "start_precision": "start_precision",
    "due": "due_date",
    "due_precision": "due_precision",
    "continuous": "is_continuous",
}


def verdicts_on_promises(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The verdicts on those differences that change a commitment: "sheet", "conflict", both or none.

    `rows` are those of a check, as ImportJob.result has them.
    """
    return {
        field["verdict"]
        for row in rows
        if row["state"] in ("changed", "conflict")
        for name, field in row["fields"].items()
        if field["verdict"] != "plan"
        and commitments_in(row["kind"], dict.fromkeys(_changed_columns(row["kind"], name, field)))
    }


def _changed_columns(kind: str, name: str, field: Mapping[str, Any]) -> Iterator[str]:
    """The columns that change where the plan's value of a sheet's field gives way to the sheet's."""
    plan, sheet = field["plan"], field["sheet"]
    if name == PARENT_FIELD:
        yield PARENT_FIELDS[kind]
    elif name == "timeline":
        yield from (column for part, column in TIMELINE_COLUMNS.items() if plan[part] != sheet[part])
    elif name == "accountability":
        if _first_department(plan) != _first_department(sheet):
            yield "accountable"
        if plan["vacant_since"] != sheet["vacant_since"]:
            yield "owner_vacant_since"
    else:
        yield name


def _first_department(accountability: Mapping[str, Any]) -> str:
    """Departments are the same whatever the case of their letters."""
    return accountability["accountable"][0].casefold() if accountability["accountable"] else ""
