"""`manage.py migrate`: the alliance's schema first, then the template of new cities, then every city."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser, no_translations
from django.core.management.commands.makemigrations import Command as MakeMigrations
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tenants import cloning, fleet, services


class Command(DjangoMigrate):
    help = "Brings every schema up to the code: public, the template of new cities, then each city."
    # `makemigrations` decides how models are compared; both commands must compare alike.
    autodetector = MakeMigrations.autodetector

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-s", "--schema", help="Only this schema.")
        parser.add_argument("--shared", action="store_true", help="Only the alliance's schema.")
        parser.add_argument("--tenant", action="store_true", help="Only the template and the cities.")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        self.talk = options["verbosity"] >= 1
        if options["check_unapplied"] or options["plan"]:
            return self.show(options)
        connection.set_schema_to_public()
        with fleet.being_migrated():
            self.run(options)
        return None

    def run(self, options: dict[str, Any]) -> None:
        """Migrate what lags behind. Raises CommandError with the cities that failed, after all were tried."""
        if not (options["schema"] or options["tenant"]):
            self.one("public", "the alliance", options)
            services.set_up_alliance()
        if options["shared"] or options["schema"] == "public":
            return
        template = settings.TEMPLATE_SCHEMA
        if options["schema"] in (None, template):
            cloning.make_empty(template)
            self.one(template, "the template of new cities", options)
        cities = fleet.city_schemas()
        if options["schema"]:
            cities = [city for city in cities if city == options["schema"]]
            if not cities and options["schema"] != template:
                raise CommandError(
                    f"No jurisdiction has the schema {options['schema']!r}. "
                    "A schema is named after the address: marrow-bend lives in c_marrow_bend."
                )
        self.several(cities, options)

    def several(self, cities: list[str], options: dict[str, Any]) -> None:
        """Migrate these cities one after the other; one that fails does not keep the others waiting."""
        todo = self.todo(cities, options)
        if self.talk:
            up_to_date = len(cities) - len(todo)
            self.stdout.write(f"Cities: {len(cities)}, of them up to date: {up_to_date}.")
        failed: dict[str, Exception] = {}
        for number, city in enumerate(todo, start=1):
            try:
                if not fleet.is_there(city):
                    raise CommandError("the schema is not there; restore it from the backup")
                self.one(city, f"[{number}/{len(todo)}] {city}", options, known_to_lag=True)
            except Exception as error:  # noqa: BLE001 - whatever broke one city, the others are still migrated
                connection.close_if_unusable_or_obsolete()
                connection.set_schema_to_public()
                failed[city] = error
                self.stderr.write(self.style.ERROR(f"[{number}/{len(todo)}] {city} failed: {error}"))
        if failed:
            names = ", ".join(failed)
            raise CommandError(
                f"{len(failed)} of {len(cities)} cities could not be migrated: {names}. The others are done. "
                "Remove the cause named above and run `manage.py migrate` again: it takes up only these."
            ) from next(iter(failed.values()))

    def todo(self, schemas: list[str], options: dict[str, Any]) -> list[str]:
        """The schemas that need work: all of them when a certain app or state is asked for."""
        if options["app_label"] or options["run_syncdb"] or options["prune"]:
            return schemas
        behind = fleet.schemas_behind(schemas)
        return [schema for schema in schemas if schema in behind]

    def one(self, schema: str, title: str, options: dict[str, Any], *, known_to_lag: bool = False) -> None:
        """Migrate one schema and cut its links to the public one."""
        if not known_to_lag and not self.todo([schema], options):
            return
        started = time.monotonic()
        self.title, self.applied, self.told = title, 0, started
        connection.set_schema(schema, include_public=False)
        try:
            # Without its own table a city would find the public one, and in it every migration as done.
            MigrationRecorder(connection).ensure_schema()
            connection.set_schema(schema)
            inner = options | {"verbosity": 2 if options["verbosity"] > 1 else 0}
            super().handle(**inner)
        finally:
            connection.set_schema_to_public()
        if schema != "public":
            cloning.drop_links_to_public(schema)
        if self.talk:
            self.stdout.write(f"{title}: {self.applied} migrations in {time.monotonic() - started:.1f} s")

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action in ("apply_success", "unapply_success"):
            self.applied += 1
            if self.talk and time.monotonic() - self.told > 2:
                self.told = time.monotonic()
                self.stdout.write(f"{self.title}: {self.applied} migrations so far")
                self.stdout.flush()
        super().migration_progress_callback(action, migration, fake)

    def show(self, options: dict[str, Any]) -> None:
        """--check and --plan: what would be done. Ends with 1 when something would and --check is given."""
        connection.set_schema_to_public()
        registered = fleet.fleet() if MigrationRecorder(connection).has_table() else ["public"]
        schemas = [schema for schema in registered if options["schema"] in (None, schema)]
        behind = fleet.schemas_behind(schemas)
        for schema, count in behind.items():
            if self.talk:
                self.stdout.write(f"{schema}: {count} migrations to apply")
        if options["plan"] and behind and fleet.is_there(next(iter(behind))):
            connection.set_schema(next(iter(behind)))
            try:
                super().handle(**options | {"check_unapplied": False})
            finally:
                connection.set_schema_to_public()
        if options["check_unapplied"] and behind:
            raise SystemExit(1)
