from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from tenants import groups
from tenants.models import Jurisdiction


class Command(BaseCommand):
    help = "Derive everybody's groups from their affiliations again: at one place, or at all and at the alliance."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="only this place, like marrow-bend")

    def handle(self, *, slug: str | None, **options: Any) -> None:
        groups.sync_catalogue()
        places = Jurisdiction.objects.places().order_by("slug")
        if slug:
            places = places.filter(slug=slug)
            if not places:
                raise CommandError(f"No jurisdiction {slug!r}. `manage.py open_jurisdiction` opens one.")
        chosen = [*places] if slug else [Jurisdiction.objects.get(schema_name="public"), *places]
        people = sum(groups.sync(place) for place in tqdm(chosen, unit="place", disable=None))
        self.stdout.write(f"Derived the groups of {people} people at {len(chosen)} places.")
