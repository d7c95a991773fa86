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
from search.backends.engine.client import EngineError, get_client
from search.indexing import indexes, rebuild, reconcile, store, sync
from search.models import Document
from tenants.models import Jurisdiction

LOCK_TIMEOUT_SECONDS = 10.0  # a comparison that holds the lock ends within this time, a rebuild does not


class Command(BaseCommand):
    help = (
        "Compare the search documents with what plans, stories and the library show, and repair them; then rebuild "
        "the search engine’s index, if there is one. --check only compares."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if something differs")

    def handle(self, *, check: bool, **options: Any) -> None:
        counts = self.sync_cities(check=check) + self.sync_library(check=check)
        if check:
            differs = counts.saved or counts.removed
            differences = [describe_difference(counts.saved, counts.removed)] if differs else []
            if differences := differences + self.check_index():
                raise CommandError(f"{' '.join(differences)} Repair this with `manage.py rebuild_search`.")
            self.stdout.write("Search matches what is shown.")
            return
        store.rebuild_vocabulary()
        self.stdout.write(f"Updated {counts.saved} documents, removed {counts.removed}.")
        if settings.SEARCH_URL:
            self.build_index()

    def check_index(self) -> list[str]:
        """Sentences about differences between the table and the search engine's index."""
        if not settings.SEARCH_URL:
            return []
        client = get_client()
        try:
            name = indexes.current_index(client)
            if name is None:
                return ["There is no search index."]
            if not indexes.is_up_to_date(client, name):
                return ["The search index was made by another version of the portal."]
            diff = reconcile.diff(client, name)
        except EngineError as error:
            return [f"The search engine is not available: {error}."]
        if not diff:
            return []
        return [
            "In the search index: "
            + describe_difference(len(diff.to_write), len(diff.to_remove) + diff.unknown_documents)
        ]

    def build_index(self) -> None:
        try:
            count = rebuild.rebuild_index(get_client(), progress=with_progress_bar, wait=LOCK_TIMEOUT_SECONDS)
        except rebuild.RebuildInProgress as error:
            raise CommandError(f"{error} Wait until that has ended, and try again.") from error
        except EngineError as error:
            raise CommandError(
                f"The search engine is not available: {error}. Searches use the database until it is back. "
                "Then a worker builds the index, or run this again."
            ) from error
        self.stdout.write(f"The search engine’s index has {count} documents.")

    def sync_cities(self, *, check: bool) -> store.WriteCounts:
        """Synchronize all cities, each in a transaction of its own."""
        total = store.WriteCounts()
        jurisdictions = Jurisdiction.objects.tenants().order_by("schema_name")
        for jurisdiction in tqdm(
            jurisdictions.iterator(), total=jurisdictions.count(), unit="jurisdiction", disable=None
        ):
            with tenant_context(jurisdiction), transaction.atomic():
                total += sync.refresh_plan(jurisdiction, check=check)
                total += sync.refresh_pages(jurisdiction, check=check)
        return total

    def sync_library(self, *, check: bool) -> store.WriteCounts:
        with schema_context("public"):
            total = sync.remove_orphans(check=check)
            with tqdm(total=LibraryItem.objects.live().count(), unit="item", disable=None) as bar:
                for batch in sync.library_batches():
                    total += sync.refresh_library(batch, check=check)
                    bar.update(len(batch))
        return total


def with_progress_bar(documents: Iterator[Document], count: int) -> Iterator[Document]:
    """The same documents; shows a progress bar."""
    yield from tqdm(documents, total=count, unit="document", disable=None)


def describe_difference(missing: int, extra: int) -> str:
    return f"{missing} documents are missing or out of date, and {extra} should not be there."
