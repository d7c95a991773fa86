"""`manage.py open_jurisdiction`: open a jurisdiction with its schema, site, starter plan and invitation."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from tenants.jurisdictions import services
from tenants.models import Invitation, Jurisdiction

CHOICES = {
    "kind": Jurisdiction.Kind,
    "population_band": Jurisdiction.PopulationBand,
    "staff_band": Jurisdiction.StaffBand,
    "entry_stage": Jurisdiction.MembershipStage,
}
HELP_TEXTS = {
    "short_name": "Name where space is short; made from the name by default.",
    "state": "Two letters, like MN.",
    "geoid": "The Census GEOID: 2 to 12 digits.",
    "timezone": "Like America/Chicago.",
    "tagline": "One line in its own words.",
    "brand_color": "Like #2a2f66.",
    "accent_color": "Like #f2b632.",
    "pattern": "A pattern of static/img/patterns, without .svg.",
}


class Command(BaseCommand):
    help = "Add a jurisdiction with its site. One that exists already does not change."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="The official name, like “City of Marrow Bend”.")
        parser.add_argument(
            "--slug", required=True, help="The address, like marrow-bend. It can’t be changed later."
        )
        parser.add_argument(
            "--coordinator", default="", metavar="EMAIL", help="Who is invited to run the site."
        )
        for field, choices in CHOICES.items():
            parser.add_argument(option_name(field), choices=choices.values, metavar="|".join(choices.values))
        for field, text in HELP_TEXTS.items():
            parser.add_argument(option_name(field), help=text)
        parser.add_argument(
            "--languages", type=lambda text: text.replace(",", " ").split(), help="Like en,es."
        )
        parser.add_argument("--fiscal-year-start-month", type=int, help="1 to 12.")
        parser.add_argument("--is-sample", action="store_true", default=None, help="Mark every page SAMPLE.")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="Give a registered jurisdiction that lost its data a new, empty schema.",
        )

    def handle(self, *, name: str, slug: str, coordinator: str, repair: bool, **options: Any) -> None:
        fields = {
            field: options[field] for field in services.EDITABLE_FIELDS if options.get(field) is not None
        }
        existed = Jurisdiction.objects.filter(slug=slug).exists()
        try:
            jurisdiction = services.open_jurisdiction(
                name=name, slug=slug, by=None, coordinator=coordinator, repair=repair, **fields
            )
        except ValidationError as error:
            raise CommandError("\n".join(error_lines(error))) from None
        if existed:
            self.stdout.write(
                f"{jurisdiction.name} exists already, at {jurisdiction.base_url}/ . Its description was not changed."
            )
        else:
            self.stdout.write(
                f"{jurisdiction.name} has been set up at {jurisdiction.base_url}/ , in schema {jurisdiction.schema_name}."
            )
        invited = Invitation.objects.filter(jurisdiction=jurisdiction, state__in=Invitation.OPEN_STATES)
        for email in invited.order_by("sent_at").values_list("email", flat=True):
            self.stdout.write(f"An invitation is on its way to {email}.")


def option_name(field: str) -> str:
    """Command-line option of a field, like "--short-name"."""
    return "--" + field.replace("_", "-")


def error_lines(error: ValidationError) -> list[str]:
    """One line for each error, with the option to change."""
    if not hasattr(error, "error_dict"):
        return error.messages
    return [
        text if field == "__all__" else f"{option_name(field)}: {text}"
        for field, texts in error.message_dict.items()
        for text in texts
    ]
