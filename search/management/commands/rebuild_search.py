from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django_tenants.utils import schema_context, tenant_context
from tqdm import tqdm

from resources.models import LibraryItem
from search import sources, store
from tenants.models import Jurisdiction


class Command(BaseCommand):
    help = "Compare what may be found with what cities and the library show, and repair it; --check only compares."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if something differs")

    def handle(self, *, check: bool, **options: Any) -> None:
        written = self.cities(check=check) + self.library(check=check)
        if check:
            if written.saved or written.removed:
                raise CommandError(
                    f"{written.saved} documents are missing or old and {written.removed} should not be there. "
                    "Repair them with `manage.py rebuild_search`."
                )
            self.stdout.write("Search agrees with what is shown.")
            return
        store.tidy_vocabulary()
        self.stdout.write(f"Wrote {written.saved} documents again, removed {written.removed}.")

    def cities(self, *, check: bool) -> store.Written:
        """City by city, each in a transaction of its own."""
        total = store.Written()
        places = Jurisdiction.objects.places().order_by("schema_name")
        for place in tqdm(places.iterator(), total=places.count(), unit="jurisdiction", disable=None):
            with tenant_context(place), transaction.atomic():
                total += sources.refresh_plan(place, check=check)
                total += sources.refresh_pages(place, check=check)
        return total

    def library(self, *, check: bool) -> store.Written:
        with schema_context("public"):
            total = sources.remove_orphans(check=check)
            with tqdm(total=LibraryItem.objects.live().count(), unit="item", disable=None) as bar:
                for part in sources.library_in_parts():
                    total += sources.refresh_library(part, check=check)
                    bar.update(len(part))
        return total
