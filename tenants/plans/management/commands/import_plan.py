from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_tenants.utils import tenant_context

from tenants.models import Jurisdiction
from tenants.plans import imports, spreadsheets

NEEDS_REASON = (
    "The plan is adopted, and this sheet changes its wording, owners, dates or measures. "
    "Add a reason with --reason; it will be published."
)


def get_jurisdiction(slug: str) -> Jurisdiction:
    """The jurisdiction of that slug. Raises CommandError, with the existing slugs, if there is none."""
    jurisdictions = Jurisdiction.objects.tenants()
    jurisdiction = jurisdictions.filter(slug=slug).first()
    if jurisdiction is None:
        slugs = ", ".join(jurisdictions.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"No jurisdiction {slug!r}. Known: {slugs or 'none yet'}.")
    return jurisdiction


class Command(BaseCommand):
    help = (
        "Import a plan spreadsheet (XLSX or CSV) into a jurisdiction's plan: all or nothing, and never twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the jurisdiction, like marrow-bend")
        parser.add_argument("file", type=Path, help="an .xlsx or .csv file")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would change, without changing anything"
        )
        parser.add_argument(
            "--reason",
            default="",
            help="reason for changes to an adopted plan; published with each change, and required if there are any",
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(
        self, *, slug: str, file: Path, dry_run: bool, reason: str, json: bool, **_options: Any
    ) -> None:
        jurisdiction = get_jurisdiction(slug)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise CommandError(f"Cannot read {str(file)!r}: {error.strerror}. Check the path.") from error
        with tenant_context(jurisdiction):
            try:
                result, difference = imports.import_sheet(
                    filename=file.name, content=content, by=None, dry_run=dry_run, reason=reason
                )
            except (spreadsheets.SheetError, ValidationError) as error:
                raise CommandError(f"{_explain(error)} Nothing was imported.") from error
            lacks_reason = dry_run and not reason.strip() and imports.changes_promises(difference)
        text = _as_text(jurisdiction, result, difference, dry_run=dry_run)
        if lacks_reason:
            text = f"{text}\n{NEEDS_REASON}"
        self.stdout.write(_as_json(result) if json else text)


def _explain(error: spreadsheets.SheetError | ValidationError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    if "reason" in getattr(error, "error_dict", {}):
        return NEEDS_REASON
    return " ".join(error.messages)


def _as_json(result: spreadsheets.ParseResult) -> str:
    return json.dumps(spreadsheets.as_json(result), ensure_ascii=False, indent=1)


def _as_text(
    jurisdiction: Jurisdiction, result: spreadsheets.ParseResult, difference: Any, *, dry_run: bool
) -> str:
    lines = []
    for message in result.messages:
        sheet = f"{message.sheet} " if message.sheet else ""
        lines.append(f"{sheet}{message.column}{message.row or ''}: {message.text}")
    counts, cells = difference.counts()["action"], result.cell_counts
    if counts["absent"]:
        lines.append(f"{counts['absent']} actions of the plan are not in the sheet; they do not change.")
    lines.append(
        f"{cells['total']} cells: {cells['imported']} imported, {cells['noted']} saved as notes, "
        f"{cells['refused']} not imported."
    )
    verb = "Would import" if dry_run else "Imported"
    lines.append(
        f"{verb} into {jurisdiction.name}: {counts['new']} actions new, {counts['changed']} changed, "
        f"{counts['same']} the same, {counts['conflict']} in conflict (the portal’s version is kept)."
    )
    return "\n".join(lines)
