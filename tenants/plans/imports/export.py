"""Export the plan as a spreadsheet in the layout cities share, with a column of ids for the next import."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import IO

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import spreadsheets
from tenants.plans.models import ExportSnapshot, Plan
from tenants.plans.plan_tree import read_tree
from tenants.plans.selectors import date_conventions_of

MAX_SNAPSHOTS = 20  # older ones are deleted; a sheet made from one of these can be merged when it is imported


def export_tree(plan: Plan) -> list[spreadsheets.Goal]:
    """The plan without retired items, each item with its uuid: importing it again changes nothing."""
    return read_tree(plan)


@transaction.atomic
def export_sheet(plan: Plan, target: str | Path | IO[bytes], *, by: User | None) -> None:
    """Write the plan as XLSX and store an ExportSnapshot of it. Raises ValidationError if a text does not fit a cell."""
    tree = export_tree(plan)
    if not tree:
        raise ValidationError(_("The plan is empty. Add a goal or import a sheet, then download it."))
    try:
        spreadsheets.write_xlsx(
            tree, target, title=plan.title, date_conventions=date_conventions_of(connection.tenant)
        )
    except spreadsheets.SheetError as error:
        raise ValidationError(str(error)) from error
    tree_data = [dataclasses.asdict(goal) for goal in tree]
    last = ExportSnapshot.objects.order_by("-created_at").first()
    if last is None or last.tree != tree_data:
        ExportSnapshot.objects.create(tree=tree_data, created_by=by, updated_by=by)
        old_pks = ExportSnapshot.objects.order_by("-created_at").values_list("pk", flat=True)[MAX_SNAPSHOTS:]
        ExportSnapshot.objects.filter(pk__in=list(old_pks)).delete()


def export_as_bytes(plan: Plan, *, by: User | None) -> bytes:
    """The XLSX file as bytes; see `export_sheet`."""
    buffer = io.BytesIO()
    export_sheet(plan, buffer, by=by)
    return buffer.getvalue()
