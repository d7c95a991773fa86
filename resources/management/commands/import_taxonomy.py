import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from resources import services


class Command(BaseCommand):
    help = "Import topics with their sectors from a JSON file, and synonyms from a text file in Solr format."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("topics", type=Path, help="like resources/demo/topics.json")
        parser.add_argument("synonyms", type=Path, nargs="?", help="like resources/demo/synonyms.txt")

    def handle(self, *, topics: Path, synonyms: Path | None, **options: Any) -> None:
        try:
            rows = json.loads(topics.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise CommandError(f"{topics} is not JSON: {error}. Write a list of topics.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{topics} cannot be read: {error}. Use a UTF-8 text file.") from None
        try:
            lines = synonyms.read_text(encoding="utf-8").splitlines() if synonyms else []
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{synonyms} cannot be read: {error}. Use a UTF-8 text file.") from None
        try:
            of_topics, of_groups = services.import_taxonomy(rows, lines)
        except ValidationError as error:
            messages = "\n".join(error.messages)
            raise CommandError(f"{messages}\nNothing was imported: {len(error.messages)} errors.") from None
        self.stdout.write(
            f"Imported {of_topics.added} new topics, {of_topics.changed} changed, {of_topics.unchanged} unchanged; "
            f"{of_groups.added} new groups of synonyms, {of_groups.unchanged} unchanged."
        )
