from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from cms.scheduling import publish_due
from tenants.models import Jurisdiction


class Command(BaseCommand):
    help = "Publish and withdraw what is due by now, at the alliance and in every jurisdiction."

    def handle(self, **options: Any) -> None:
        alliance = Jurisdiction.objects.filter(schema_name="public")
        places = [*alliance, *Jurisdiction.objects.places().order_by("schema_name")]
        done = sum(publish_due(place) for place in tqdm(places, unit="site", disable=None))
        self.stdout.write(f"Published or withdrew {done} pages and items of {len(places)} sites.")
