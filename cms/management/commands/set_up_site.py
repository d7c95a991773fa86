from typing import Any

from django.core.management.base import BaseCommand

from cms.site_setup import set_up_alliance_site


class Command(BaseCommand):
    help = "Give the alliance its home page and the pages every site starts with; safe to repeat."

    def handle(self, **options: Any) -> None:
        home = set_up_alliance_site()
        self.stdout.write(
            f"The alliance’s site is set up: “{home.title}” and {home.get_children().count()} pages."
        )
