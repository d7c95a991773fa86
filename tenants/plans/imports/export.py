"""The plan as a spreadsheet in the layout cities share, with an id column that leads it back."""

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
from tenants.plans.imports.services import date_conventions_of
from tenants.plans.models import Export, Plan
from tenants.plans.plan_tree import read_tree

MAX_SNAPSHOTS = 20  # how many exports are remembered for the day their sheet comes back changed


def export_tree(plan: Plan) -> list[spreadsheets.Goal]:
    """The plan without retired parts, each part with its uuid: what an import of the export must find again."""
    return read_tree(plan)


@transaction.atomic
def export_sheet(plan: Plan, target: str | Path | IO[bytes], *, by: User | None) -> None:
    """Write the plan as XLSX and remember what it said. Raises ValidationError if a text does not fit a cell."""
    tree = export_tree(plan)
    if not tree:
        raise ValidationError(_("The plan is empty. Add a goal or import a sheet, then download it."))
    try:
        spreadsheets.write_xlsx(
            tree, target, title=plan.title, date_conventions=date_conventions_of(connection.tenant)
        )
    except spreadsheets.SheetError as error:
        raise ValidationError(str(error)) from error
    plain = [dataclasses.asdict(goal) for goal in tree]
    last = Export.objects.order_by("-created_at").first()
    if last is None or last.tree != plain:
        Export.objects.create(tree=plain, created_by=by, updated_by=by)
        old = Export.objects.order_by("-created_at").values_list("pk", flat=True)[MAX_SNAPSHOTS:]
        Export.objects.filter(pk__in=list(old)).delete()


def export_as_bytes(plan: Plan, *, by: User | None) -> bytes:
    """The XLSX file as bytes; see `export_sheet`."""
    buffer = io.BytesIO()
    export_sheet(plan, buffer, by=by)
    return buffer.getvalue()
