from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django_tenants.utils import tenant_context
from tqdm import tqdm

from cohort.projections import refresh
from tenants.models import Jurisdiction


class Command(BaseCommand):
    help = "Update the public copy of every jurisdiction’s plan; with --check, only report the differences."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="only these jurisdictions")
        parser.add_argument("--check", action="store_true", help="change nothing; fail if something differs")

    def handle(self, *, slugs: list[str], check: bool, **options: Any) -> None:
        jurisdictions = Jurisdiction.objects.tenants().order_by("slug")
        if slugs:
            existing = set(jurisdictions.values_list("slug", flat=True))
            if missing := sorted(set(slugs) - existing):
                raise CommandError(
                    f"No jurisdiction {missing[0]!r}. Known: {', '.join(sorted(existing)) or 'none yet'}."
                )
            jurisdictions = jurisdictions.filter(slug__in=slugs)
        compared = differing = 0
        for jurisdiction in tqdm(jurisdictions, unit="jurisdiction", disable=None):
            with tenant_context(jurisdiction), transaction.atomic():
                differences = refresh.differences(jurisdiction)
                if differences and not check:
                    refresh.refresh(jurisdiction)
            compared += 1
            differing += bool(differences)
            for difference in differences:
                self.stdout.write(f"{jurisdiction.slug}: {difference}")
        if check and differing:
            raise CommandError(
                f"{differing} of {compared} jurisdictions differ from their public copy. "
                "Repair them with `manage.py rebuild_projections`."
            )
        self.stdout.write(
            f"Compared {compared} jurisdictions; {differing} {'differ' if check else 'repaired'}."
        )
