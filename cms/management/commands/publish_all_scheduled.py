from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from cms.scheduled_publishing import publish_due
from tenants.models import Jurisdiction


class Command(BaseCommand):
    help = "Publish and unpublish what is due, at the alliance and in every jurisdiction."

    def handle(self, **options: Any) -> None:
        alliance = Jurisdiction.objects.filter(schema_name="public")
        jurisdictions = [*alliance, *Jurisdiction.objects.tenants().order_by("schema_name")]
        changes = sum(
            publish_due(jurisdiction) for jurisdiction in tqdm(jurisdictions, unit="site", disable=None)
        )
        self.stdout.write(
            f"Published or unpublished {changes} pages and items of {len(jurisdictions)} sites."
        )
