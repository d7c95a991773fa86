"""`manage.py migrate`: the alliance's schema first, then the template of new cities, then every city.

Schemas that are equally far are brought up to date together: Django migrates the first of them, the others get the
SQL it wrote there. See docs/migrations.md.
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
from tenants.schemas import clone, inventory, migration_replay

TITLES = {"public": "the alliance", settings.TEMPLATE_SCHEMA: "the template of new cities"}
# With these Django looks at what it finds in each schema, so that one cannot stand for another.
NOT_REPLAYABLE_OPTIONS = ("run_syncdb", "prune", "fake_initial")
DJANGO_ONLY_OPTIONS = ("app_label", *NOT_REPLAYABLE_OPTIONS)


class Command(DjangoMigrate):
    help = "Brings every schema up to the code: public, the template of new cities, then each city."
    # `makemigrations` decides how models are compared; both commands must compare alike.
    autodetector = MakeMigrations.autodetector
    script: migration_replay.Recording | None = (
        None  # what the schema that is being migrated does, where others follow
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-s", "--schema", help="Only this schema.")
        parser.add_argument("--shared", action="store_true", help="Only the alliance's schema.")
        parser.add_argument("--tenant", action="store_true", help="Only the template and the cities.")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        self.options, self.told = options, time.monotonic()
        self.verbosity = 2 if options["verbosity"] > 1 else 0
        connection.set_schema_to_public()
        if options["check_unapplied"] or options["plan"]:
            return self.show()
        waiting = "Another migration is running. Waiting for its end …"
        with inventory.migration_lock(when_waiting=lambda: self.say(waiting)), lock_timeout():
            self.run()
        return None

    def run(self) -> None:
        """Migrate what lags behind. Raises CommandError with the cities that failed, after all were tried."""
        self.failed: dict[str, Exception] = {}
        self.nodes = inventory.migrations_in_code()
        groups = inventory.group_by_migration_state(self.schemas(), nodes=self.nodes)
        self.refuse(groups)
        if self.takes_out_public(groups):
            if self.has_work(groups[0]):
                self.one("public")
            services.set_up_alliance()
            if self.options["shared"] or self.options["schema"]:
                return
            if not groups[0].schemas and not groups[1:]:  # the registry has only come with it
                groups = inventory.group_by_migration_state(self.schemas(), nodes=self.nodes)
                self.takes_out_public(groups)
        self.count(groups)
        for group in groups:
            if group.schemas and self.has_work(group):
                self.together(group)
        if self.failed:
            raise CommandError(
                f"{len(self.failed)} of {self.cities} cities could not be migrated: {', '.join(self.failed)}. "
                "The others are done. Remove the cause named above and run `manage.py migrate` again: "
                "it takes up only these."
            ) from next(iter(self.failed.values()))

    def schemas(self) -> list[str]:
        """The schemas that were asked for. Raises CommandError for one that is none of ours."""
        there, asked = inventory.all_schemas(), self.options["schema"]
        if asked and asked not in there:
            raise CommandError(
                f"No jurisdiction has the schema {asked!r}. "
                "A schema is named after the address: marrow-bend lives in c_marrow_bend."
            )
        if asked:
            return [asked]
        return there[:1] if self.options["shared"] else there[1:] if self.options["tenant"] else there

    def takes_out_public(self, groups: list[inventory.SchemaGroup]) -> bool:
        """Take the alliance's schema, which goes before all others, out of the first group; True if it was there."""
        there = "public" in groups[0].schemas
        if there:
            groups[0].schemas.remove("public")
        return there

    def has_work(self, group: inventory.SchemaGroup) -> bool:
        """True if these schemas lack something, or if a certain app or state is asked for."""
        return bool(group.missing) or any(self.options[name] for name in ("app_label", "run_syncdb", "prune"))

    def refuse(self, groups: list[inventory.SchemaGroup]) -> None:
        """Raise CommandError, before anything is done, if a migration must not run in cities."""
        missing = frozenset[inventory.MigrationKey]().union(*(group.missing for group in groups))
        if not missing or self.options["fake"]:
            return
        schemas = inventory.all_schemas()
        for app, name in sorted(missing):
            if reason := migration_replay.reason_forbidden(self.nodes[app, name], schemas=schemas):
                raise CommandError(f"Nothing was migrated: {app}.{name} {reason}.")

    def count(self, groups: list[inventory.SchemaGroup]) -> None:
        """Say how many cities there are, and how many need nothing."""
        cities = {id(group): set(group.schemas) - {settings.TEMPLATE_SCHEMA} for group in groups}
        self.cities = sum(map(len, cities.values()))
        self.todo = sum(len(cities[id(group)]) for group in groups if self.has_work(group))
        self.done = 0
        if self.cities or not self.options["schema"]:
            self.say(f"Cities: {self.cities}, of them up to date: {self.cities - self.todo}.")

    def together(self, group: inventory.SchemaGroup) -> None:
        """Migrate schemas that are equally far: one as Django does, the others by the SQL written there.

        A city that fails does not keep the others waiting. Where the template fails, nothing more is done.
        """
        first, *others = group.schemas
        began, script, by_sql = time.monotonic(), None, 0
        missing = inventory.missing_tables(others, like=first) if others and group.started else {}
        for schema in group.schemas:
            try:
                if schema in missing:
                    raise CommandError(f"tables are lost: {missing[schema]}; restore them from the backup")
                if script:
                    by_sql += self.follow(schema, script)
                else:
                    script = self.one(schema, leads=group.started and len(group.schemas) > 1)
            except Exception as error:  # whatever broke one city, the others are still migrated
                if schema == settings.TEMPLATE_SCHEMA:
                    raise
                self.fail(schema, error)
            self.done += schema != settings.TEMPLATE_SCHEMA
            if time.monotonic() - self.told > 2:
                self.say(f"Cities: {self.done} of {self.todo} done")
        if by_sql:
            migration_replay.flush_commits()
            self.say(f"The same SQL in {by_sql} more, all in {time.monotonic() - began:.1f} s")

    def fail(self, schema: str, error: Exception) -> None:
        if not connection.is_usable():
            raise CommandError(
                f"The connection to the database broke while {schema} was being migrated: {error}. "
                "What is done stays done; run `manage.py migrate` again."
            ) from error
        connection.set_schema_to_public()
        self.failed[schema] = error
        self.stderr.write(self.style.ERROR(f"{schema} failed: {str(error).strip()}"))

    def one(self, schema: str, *, leads: bool = False) -> migration_replay.Recording | None:
        """Migrate one schema as Django does and cut its links to the public one.

        What was done there is returned if others are to follow and can.
        """
        began = time.monotonic()
        self.title, self.applied, self.script = TITLES.get(schema, schema), 0, None
        if leads and not any(self.options[name] for name in NOT_REPLAYABLE_OPTIONS):
            self.script = migration_replay.Recording(before=inventory.applied_migrations(schema))
        if schema == settings.TEMPLATE_SCHEMA:
            clone.create_schema(schema)
        elif not inventory.schema_exists(schema):
            raise CommandError("the schema is not there; restore it from the backup")
        clone.drop_invalid_indexes(schema)
        connection.set_schema(schema, include_public=False)
        try:
            # Without its own table a city would find the public one, and in it every migration as done.
            MigrationRecorder(connection).ensure_schema()
            connection.set_schema(schema)
            with migration_replay.record_statements(self.script):
                if any(self.options[name] for name in DJANGO_ONLY_OPTIONS):
                    super().handle(**self.options | {"verbosity": self.verbosity})
                else:
                    self.forwards()
        finally:
            connection.set_schema_to_public()
        links = [] if schema == "public" else clone.drop_cross_schema_foreign_keys(schema)
        self.say(f"{self.title}: {self.applied} migrations in {time.monotonic() - began:.1f} s")
        if not self.script:
            return None
        for step in self.script.steps:
            if step.slow:
                self.say(f"{'.'.join(step.node)} {step.slow}: Django runs it in each city anew.")
        return self.script.close(after=inventory.applied_migrations(schema), links=links)

    def forwards(self) -> None:
        """Apply in the active schema all that it lacks, as Django's command does when nothing special is asked for.

        But who listens to post_migrate gets the models of the code. Django draws them all once more from the
        migrations, which come to the same, and takes half of its time for it.
        """
        progress: Any = self.migration_progress_callback
        executor: Any = MigrationExecutor(connection, progress)
        executor.loader.check_consistent_history(connection)
        if conflicts := executor.loader.detect_conflicts():
            named = "; ".join(f"{', '.join(names)} in {app}" for app, names in conflicts.items())
            raise CommandError(
                f"Several migrations are the last: {named}. Run `manage.py makemigrations --merge`."
            )
        targets = executor.loader.graph.leaf_nodes()
        plan = executor.migration_plan(targets)
        state = migration_replay.applied_project_state(executor)
        signal = (self.verbosity, self.options["interactive"], connection.alias)
        emit_pre_migrate_signal(*signal, stdout=self.stdout, apps=state.apps, plan=plan)
        executor.migrate(targets, plan=plan, state=state, fake=self.options["fake"])
        emit_post_migrate_signal(*signal, stdout=self.stdout, apps=apps, plan=plan)

    def follow(self, schema: str, script: migration_replay.Recording) -> bool:
        """Do in this schema what was done in another; True if by that one's SQL alone."""
        self.title, self.applied, self.script = schema, 0, None
        try:
            for by_django, steps in script.parts():
                if by_django:
                    clone.drop_invalid_indexes(schema)
                    connection.set_schema(schema)
                    try:
                        migration_replay.run_with_django(steps, progress=self.migration_progress_callback)
                    finally:
                        connection.set_schema_to_public()
                else:
                    migration_replay.replay(schema, steps)
        except DatabaseError as error:
            if isinstance(error.__cause__, psycopg2.errors.LockNotAvailable) or not connection.is_usable():
                raise
            self.one(schema)  # by its own way it may be possible; if not, this says why
            return False
        return not any(step.slow for step in script.steps)

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_start":
            # An index that is made concurrently waits for others without keeping anybody waiting.
            set_lock_timeout(migration_replay.LOCK_TIMEOUT if migration.atomic else "0")
        if self.script and action in ("apply_start", "unapply_start"):
            self.script.begin(migration, fake=fake, backwards=action == "unapply_start")
        if action in ("apply_success", "unapply_success"):
            self.applied += 1
            if time.monotonic() - self.told > 2:
                self.say(f"{self.title}: {self.applied} migrations so far")
        super().migration_progress_callback(action, migration, fake)

    def show(self) -> None:
        """--check and --plan: what would be done. Ends with 1 when something would and --check is given."""
        asked = self.options["schema"]
        behind = inventory.count_unapplied_migrations(
            schema for schema in inventory.all_schemas() if asked in (None, schema)
        )
        for schema, count in behind.items():
            self.say(f"{schema}: {count} migrations to apply")
        if self.options["plan"] and behind and inventory.schema_exists(next(iter(behind))):
            connection.set_schema(next(iter(behind)))
            try:
                super().handle(**self.options | {"check_unapplied": False})
            finally:
                connection.set_schema_to_public()
        if self.options["check_unapplied"] and behind:
            raise SystemExit(1)

    def say(self, text: str) -> None:
        if self.options["verbosity"] >= 1:
            self.stdout.write(text)
            self.stdout.flush()
        self.told = time.monotonic()


@contextmanager
def lock_timeout() -> Iterator[None]:
    """No statement in here waits long for a lock that others hold."""
    set_lock_timeout(migration_replay.LOCK_TIMEOUT)
    try:
        yield
    finally:
        if connection.is_usable():
            set_lock_timeout("0")


def set_lock_timeout(timeout: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [timeout])
