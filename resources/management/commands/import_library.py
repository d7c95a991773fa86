from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from resources import services


class Command(BaseCommand):
    help = "Publish the library items of a JSON Lines file; an item whose key exists is updated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="one item per line, like resources/demo/items.jsonl")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}. Use a UTF-8 text file.") from None
        try:
            counts = services.import_items(
                lines, by=None, progress=lambda rows: tqdm(rows, unit="item", disable=None)
            )
        except ValidationError as error:
            messages = "\n".join(error.messages)
            count = len(error.messages)
            raise CommandError(f"{messages}\nNothing was imported: {file.name} has {count} errors.") from None
        self.stdout.write(
            f"Imported {file.name}: {counts.added} items added, {counts.changed} changed, "
            f"{counts.unchanged} unchanged."
        )
