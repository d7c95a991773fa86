#!/usr/bin/env python
"""Django's command line; finds or starts the embedded PostgreSQL when no DATABASE_URL is set."""

import os
import sys

from config import environment

# Commands that never touch the database; a server is not started for them.
WITHOUT_DATABASE = {
    "makemigrations",
    "check",
    "help",
    "version",
    "--help",
    "-h",
    "--version",
    "collectstatic",
    "makemessages",
    "compilemessages",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    environment.load(with_database=command not in WITHOUT_DATABASE)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
