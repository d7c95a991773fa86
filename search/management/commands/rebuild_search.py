from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django_tenants.utils import schema_context, tenant_context
from tqdm import tqdm

from resources.models import LibraryItem
from search import sources, store
from search.index import compare, indexes, life
from search.index.transports import EngineError, current
from search.models import Document
from tenants.models import Jurisdiction

PATIENCE = 10.0  # seconds: a comparison that holds the right to build is over by then, a rebuild is not


class Command(BaseCommand):
    help = (
        "Compare what may be found with what cities and the library show, and repair it; then build the search "
        "engine's index anew, if there is one. --check only compares."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if something differs")

    def handle(self, *, check: bool, **options: Any) -> None:
        written = self.cities(check=check) + self.library(check=check)
        if check:
            wrong = [differs(written.saved, written.removed)] if written.saved or written.removed else []
            if wrong := wrong + self.check_index():
                raise CommandError(f"{' '.join(wrong)} Repair this with `manage.py rebuild_search`.")
            self.stdout.write("Search agrees with what is shown.")
            return
        store.tidy_vocabulary()
        self.stdout.write(f"Wrote {written.saved} documents again, removed {written.removed}.")
        if settings.SEARCH_URL:
            self.build_index()

    def check_index(self) -> list[str]:
        """What differs in the search engine, in sentences."""
        if not settings.SEARCH_URL:
            return []
        transport = current()
        try:
            name = indexes.current(transport)
            if name is None:
                return ["There is no search index."]
            if not indexes.is_up_to_date(transport, name):
                return ["The search index was made by another version of the portal."]
            found = compare.difference(transport, name)
        except EngineError as error:
            return [f"The search engine does not answer: {error}."]
        if not found:
            return []
        return [
            "In the search index: " + differs(len(found.to_write), len(found.to_remove) + found.strangers)
        ]

    def build_index(self) -> None:
        try:
            count = life.rebuild(current(), progress=told, wait=PATIENCE)
        except life.Busy as busy:
            raise CommandError(f"{busy} Wait until that has ended, and try again.") from busy
        except EngineError as error:
            raise CommandError(
                f"The search engine does not answer: {error}. PostgreSQL answers in its place. "
                "A worker builds the index when the engine is back; or run this again."
            ) from error
        self.stdout.write(f"There are {count} documents in the search engine's index.")

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


def told(documents: Iterator[Document], count: int) -> Iterator[Document]:
    """The same, with a progress bar."""
    yield from tqdm(documents, total=count, unit="document", disable=None)


def differs(missing: int, extra: int) -> str:
    return f"{missing} documents are missing or old and {extra} should not be there."
