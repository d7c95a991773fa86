"""`manage.py migrate`: the alliance's schema first, then the template of new cities, then every city.

Schemas with the same applied migrations are brought up to date together: Django migrates the first of them, and the SQL
it wrote there is replayed in the others. See docs/migrations.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.errors  # type: ignore[import-untyped]
from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError, CommandParser, no_translations
from django.core.management.commands.makemigrations import Command as MakeMigrations
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from tenants.jurisdictions import services
from tenants.schemas import clone, content_types, inventory, migration_replay

TITLES = {"public": "the alliance", settings.TEMPLATE_SCHEMA: "the template of new jurisdictions"}
# With these Django inspects each schema, so that the SQL of one does not fit another.
NOT_REPLAYABLE_OPTIONS = ("run_syncdb", "prune", "fake_initial")
DJANGO_ONLY_OPTIONS = ("app_label", *NOT_REPLAYABLE_OPTIONS)


class Command(DjangoMigrate):
    help = "Bring every schema up to date: public, the template of new jurisdictions, then each jurisdiction."
    # `makemigrations` decides how models are compared; both commands must compare alike.
    autodetector = MakeMigrations.autodetector
    recording: migration_replay.Recording | None = None  # of the schema being migrated, if others follow

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-s", "--schema", help="Only this schema.")
        parser.add_argument("--shared", action="store_true", help="Only the alliance's schema.")
        parser.add_argument("--tenant", action="store_true", help="Only the template and the jurisdictions.")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        self.options, self.logged_at = options, time.monotonic()
        self.verbosity = 2 if options["verbosity"] > 1 else 0
        connection.set_schema_to_public()
        if options["check_unapplied"] or options["plan"]:
            return self.show_unapplied()
        waiting = "Another migration is running. Waiting for it to finish …"
        with inventory.migration_lock(when_waiting=lambda: self.log(waiting)), lock_timeout():
            self.run()
        return None

    def run(self) -> None:
        """Migrate the schemas that are behind. Raises CommandError with the cities that failed, after all were tried.

        The run ends at once where the alliance or the template fails, or the connection breaks.
        """
        self.failed: dict[str, Exception] = {}
        self.migrations = inventory.migrations_in_code()
        groups = inventory.group_by_migration_state(self.chosen_schemas(), migrations=self.migrations)
        self.check_allowed(groups)
        if self.pop_public(groups):
            if self.has_work(groups[0]):
                self.migrate_with_django("public")
            services.set_up_alliance()
            if self.options["shared"] or self.options["schema"]:
                return
            if not groups[0].schemas and not groups[1:]:  # the registry did not exist before
                groups = inventory.group_by_migration_state(self.chosen_schemas(), migrations=self.migrations)
                self.pop_public(groups)
        self.count_cities(groups)
        for group in groups:
            if group.schemas and self.has_work(group):
                self.migrate_group(group)
        if self.failed:
            raise CommandError(
                f"{len(self.failed)} of {self.cities} jurisdictions could not be migrated: {', '.join(self.failed)}. "
                "The others are done. Fix the cause named above and run `manage.py migrate` again: "
                "only these are tried again."
            ) from next(iter(self.failed.values()))

    def chosen_schemas(self) -> list[str]:
        """The schemas that the options choose. Raises CommandError for one that is not registered."""
        schemas, chosen = inventory.all_schemas(), self.options["schema"]
        if chosen and chosen not in schemas:
            raise CommandError(
                f"No jurisdiction has the schema {chosen!r}. "
                "A schema is named after the address: marrow-bend has c_marrow_bend."
            )
        if chosen:
            return [chosen]
        return schemas[:1] if self.options["shared"] else schemas[1:] if self.options["tenant"] else schemas

    def pop_public(self, groups: list[inventory.SchemaGroup]) -> bool:
        """Remove the public schema, which is migrated before all others, from the first group; True if it had it."""
        has_public = "public" in groups[0].schemas
        if has_public:
            groups[0].schemas.remove("public")
        return has_public

    def has_work(self, group: inventory.SchemaGroup) -> bool:
        """True if these schemas lack a migration, or if an option asks for more than that."""
        return bool(group.missing) or any(self.options[name] for name in ("app_label", "run_syncdb", "prune"))

    def check_allowed(self, groups: list[inventory.SchemaGroup]) -> None:
        """Raise CommandError, before anything is done, if a migration must not run in cities."""
        missing = frozenset[inventory.MigrationKey]().union(*(group.missing for group in groups))
        if not missing or self.options["fake"]:
            return
        schemas = inventory.all_schemas()
        for app, name in sorted(missing):
            if reason := migration_replay.reason_forbidden(self.migrations[app, name], schemas=schemas):
                raise CommandError(f"Nothing was migrated: {app}.{name} {reason}.")

    def count_cities(self, groups: list[inventory.SchemaGroup]) -> None:
        """Log the number of cities, and of those that are up to date."""
        cities = {id(group): set(group.schemas) - {settings.TEMPLATE_SCHEMA} for group in groups}
        self.cities = sum(map(len, cities.values()))
        self.todo = sum(len(cities[id(group)]) for group in groups if self.has_work(group))
        self.done = 0
        if self.cities or not self.options["schema"]:
            self.log(f"Jurisdictions: {self.cities}, up to date: {self.cities - self.todo}.")

    def migrate_group(self, group: inventory.SchemaGroup) -> None:
        """Migrate schemas with the same applied migrations: one with Django, the others by the SQL written there.

        A city that fails does not stop the others. Where the template fails, nothing more is done.
        """
        first, *others = group.schemas
        start, recording, replayed = time.monotonic(), None, 0
        missing = inventory.missing_tables(others, like=first) if others and group.has_history else {}
        for schema in group.schemas:
            try:
                if schema in missing:
                    raise CommandError(f"tables are lost: {missing[schema]}; restore them from the backup")
                if recording:
                    replayed += self.replay_in(schema, recording)
                else:
                    is_recorded = group.has_history and len(group.schemas) > 1
                    recording = self.migrate_with_django(schema, record=is_recorded)
            except Exception as error:  # whatever broke one city, the others are still migrated
                if schema == settings.TEMPLATE_SCHEMA:
                    raise
                self.add_failure(schema, error)
            self.done += schema != settings.TEMPLATE_SCHEMA
            if time.monotonic() - self.logged_at > 2:
                self.log(f"Jurisdictions: {self.done} of {self.todo} done")
        if replayed:
            migration_replay.flush_commits()
            self.log(f"The same SQL in {replayed} more, all in {time.monotonic() - start:.1f} s")

    def add_failure(self, schema: str, error: Exception) -> None:
        if not connection.is_usable():
            raise CommandError(
                f"The connection to the database broke while {schema} was being migrated: {error}. "
                "What is done stays done; run `manage.py migrate` again."
            ) from error
        connection.set_schema_to_public()
        self.failed[schema] = error
        self.stderr.write(self.style.ERROR(f"{schema} failed: {str(error).strip()}"))

    def migrate_with_django(self, schema: str, *, record: bool = False) -> migration_replay.Recording | None:
        """Migrate one schema with Django and drop its foreign keys to the public one.

        Returns the recording, if there is to be one and it can be replayed.
        """
        start = time.monotonic()
        self.title, self.applied, self.recording = TITLES.get(schema, schema), 0, None
        if record and not any(self.options[name] for name in NOT_REPLAYABLE_OPTIONS):
            applied = inventory.applied_migrations(schema)
            self.recording = migration_replay.Recording(applied_before=applied)
        if schema == settings.TEMPLATE_SCHEMA:
            clone.create_schema(schema)
        elif not inventory.schema_exists(schema):
            raise CommandError("the schema does not exist; restore it from the backup")
        clone.drop_invalid_indexes(schema)
        connection.set_schema(schema, include_public=False)
        try:
            # Without a table of its own a city would use the public one, in which every migration is applied.
            MigrationRecorder(connection).ensure_schema()
            connection.set_schema(schema)
            with migration_replay.record_statements(self.recording):
                if any(self.options[name] for name in DJANGO_ONLY_OPTIONS):
                    super().handle(**self.options | {"verbosity": self.verbosity})
                else:
                    self.apply_all()
        finally:
            connection.set_schema_to_public()
        dropped = [] if schema == "public" else clone.drop_cross_schema_foreign_keys(schema)
        self.log(f"{self.title}: {self.applied} migrations in {time.monotonic() - start:.1f} s")
        if not self.recording:
            return None
        for migration in self.recording.migrations:
            if reason := migration.not_replayable:
                self.log(
                    f"{'.'.join(migration.key)} {reason}: Django runs it in each jurisdiction, one by one."
                )
        applied = inventory.applied_migrations(schema)
        return self.recording.finish(applied_after=applied, dropped_foreign_keys=dropped)

    def apply_all(self) -> None:
        """Apply all that the active schema lacks, as Django's command does without further options.

        One thing differs: receivers of post_migrate get the models of the code. Django builds the same models from the
        migrations once more, which takes half of its time.
        """
        progress: Any = self.migration_progress_callback
        executor: Any = MigrationExecutor(connection, progress)
        executor.loader.check_consistent_history(connection)
        if conflicts := executor.loader.detect_conflicts():
            conflicting = "; ".join(f"{', '.join(names)} in {app}" for app, names in conflicts.items())
            raise CommandError(
                f"Several migrations are the last: {conflicting}. Run `manage.py makemigrations --merge`."
            )
        targets = executor.loader.graph.leaf_nodes()
        plan = executor.migration_plan(targets)
        state = migration_replay.applied_project_state(executor)
        signal_args = (self.verbosity, self.options["interactive"], connection.alias)
        emit_pre_migrate_signal(*signal_args, stdout=self.stdout, apps=state.apps, plan=plan)
        executor.migrate(targets, plan=plan, state=state, fake=self.options["fake"])
        emit_post_migrate_signal(*signal_args, stdout=self.stdout, apps=apps, plan=plan)

    def replay_in(self, schema: str, recording: migration_replay.Recording) -> bool:
        """Repeat in this schema what was recorded in another; True if by SQL alone."""
        self.title, self.applied, self.recording = schema, 0, None
        try:
            for needs_django, migrations in recording.batches():
                if needs_django:
                    clone.drop_invalid_indexes(schema)
                    connection.set_schema(schema)
                    try:
                        migration_replay.run_with_django(
                            migrations, progress=self.migration_progress_callback
                        )
                    finally:
                        connection.set_schema_to_public()
                else:
                    migration_replay.replay(schema, migrations)
        except DatabaseError as error:
            if isinstance(error.__cause__, psycopg2.errors.LockNotAvailable) or not connection.is_usable():
                raise
            self.migrate_with_django(schema)  # this may succeed; if not, its error says why
            return False
        return not any(migration.not_replayable for migration in recording.migrations)

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action in ("apply_start", "unapply_start"):
            content_types.rename_in_public(migration)
        if action == "apply_start":
            # An index that is created concurrently waits for others without blocking them.
            set_lock_timeout(migration_replay.LOCK_TIMEOUT if migration.atomic else "0")
        if self.recording and action in ("apply_start", "unapply_start"):
            self.recording.start(migration, fake=fake, backwards=action == "unapply_start")
        if action in ("apply_success", "unapply_success"):
            self.applied += 1
            if time.monotonic() - self.logged_at > 2:
                self.log(f"{self.title}: {self.applied} migrations so far")
        super().migration_progress_callback(action, migration, fake)

    def show_unapplied(self) -> None:
        """--check and --plan: log what would be done. Exits with 1 if there is something and --check is given."""
        chosen = self.options["schema"]
        unapplied = inventory.count_unapplied_migrations(
            schema for schema in inventory.all_schemas() if chosen in (None, schema)
        )
        for schema, count in unapplied.items():
            self.log(f"{schema}: {count} migrations to apply")
        if self.options["plan"] and unapplied and inventory.schema_exists(next(iter(unapplied))):
            connection.set_schema(next(iter(unapplied)))
            try:
                super().handle(**self.options | {"check_unapplied": False})
            finally:
                connection.set_schema_to_public()
        if self.options["check_unapplied"] and unapplied:
            raise SystemExit(1)

    def log(self, text: str) -> None:
        if self.options["verbosity"] >= 1:
            self.stdout.write(text)
            self.stdout.flush()
        self.logged_at = time.monotonic()


@contextmanager
def lock_timeout() -> Iterator[None]:
    """Let no statement in here wait long for a lock that others hold."""
    set_lock_timeout(migration_replay.LOCK_TIMEOUT)
    try:
        yield
    finally:
        if connection.is_usable():
            set_lock_timeout("0")


def set_lock_timeout(timeout: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [timeout])
