"""`manage.py sync_roles`: derive group memberships from affiliations again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from tenants.models import Jurisdiction
from tenants.people import permission_groups


class Command(BaseCommand):
    help = "Update people’s permission groups from their roles: at one jurisdiction, or at all and at the alliance."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="only this jurisdiction, like marrow-bend")

    def handle(self, *, slug: str | None, **options: Any) -> None:
        permission_groups.create_groups()
        jurisdictions = Jurisdiction.objects.tenants().order_by("slug")
        if slug:
            jurisdictions = jurisdictions.filter(slug=slug)
            if not jurisdictions:
                raise CommandError(f"No jurisdiction {slug!r}. `manage.py open_jurisdiction` adds one.")
        chosen = (
            [*jurisdictions] if slug else [Jurisdiction.objects.get(schema_name="public"), *jurisdictions]
        )
        people = sum(
            permission_groups.resync(jurisdiction)
            for jurisdiction in tqdm(chosen, unit="jurisdiction", disable=None)
        )
        self.stdout.write(f"Updated the permission groups of {people} people at {len(chosen)} jurisdictions.")
