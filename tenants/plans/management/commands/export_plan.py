from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_tenants.utils import tenant_context

from tenants.plans import imports, selectors
from tenants.plans.management.commands.import_plan import get_jurisdiction


class Command(BaseCommand):
    help = "Write a jurisdiction's plan as a spreadsheet that import_plan reads back without a change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the jurisdiction, like marrow-bend")
        parser.add_argument("file", type=Path, help="the .xlsx file to write")

    def handle(self, *, slug: str, file: Path, **_options: Any) -> None:
        if file.suffix.lower() != ".xlsx":
            raise CommandError(f"{str(file)!r} does not end in .xlsx. Give the file a name like plan.xlsx.")
        jurisdiction = get_jurisdiction(slug)
        with tenant_context(jurisdiction):
            plan = selectors.current_plan()
            if plan is None:
                raise CommandError(f"{jurisdiction.name} has no plan yet.")
            try:
                content = imports.export_as_bytes(plan, by=None)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
            count = selectors.actions_of(plan).count()
        try:
            file.write_bytes(content)
        except OSError as error:
            raise CommandError(f"Cannot write {str(file)!r}: {error.strerror}. Check the path.") from error
        self.stdout.write(f"Wrote {count} actions of {jurisdiction.name} to {file}.")
