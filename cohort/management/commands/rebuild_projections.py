from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django_tenants.utils import tenant_context
from tqdm import tqdm

from cohort import projections
from tenants.models import Jurisdiction


class Command(BaseCommand):
    help = "Write the public copy of every city's plan again, or with --check say where it differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="only these jurisdictions")
        parser.add_argument("--check", action="store_true", help="change nothing; fail if something differs")

    def handle(self, *, slugs: list[str], check: bool, **options: Any) -> None:
        places = Jurisdiction.objects.places().order_by("slug")
        if slugs:
            known = set(places.values_list("slug", flat=True))
            if missing := sorted(set(slugs) - known):
                raise CommandError(
                    f"No jurisdiction {missing[0]!r}. Known: {', '.join(sorted(known)) or 'none yet'}."
                )
            places = places.filter(slug__in=slugs)
        seen = differing = 0
        for place in tqdm(places, unit="jurisdiction", disable=None):
            with tenant_context(place), transaction.atomic():
                found = projections.differences(place)
                if found and not check:
                    projections.refresh(place)
            seen += 1
            differing += bool(found)
            for line in found:
                self.stdout.write(f"{place.slug}: {line}")
        if check and differing:
            raise CommandError(
                f"{differing} of {seen} jurisdictions differ from their public copy. "
                "Repair them with `manage.py rebuild_projections`."
            )
        self.stdout.write(f"Compared {seen} jurisdictions; {differing} {'differ' if check else 'repaired'}.")
