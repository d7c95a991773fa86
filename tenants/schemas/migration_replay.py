"""Records the SQL of migrations in one schema, and replays it in other schemas that are equally far.

Two schemas with the same rows in django_migrations have the same tables, so Django would write the same statements
for both. It takes Django half a second to work them out and PostgreSQL a few milliseconds to run them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import sqlparse
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, router, transaction
from django.db.migrations import Migration, operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils import timezone

from tenants.schemas.clone import validate_schema_name
from tenants.schemas.inventory import MigrationKey

LOCK_TIMEOUT = "5s"  # then a city with a locked table fails, instead of waiting and making others wait

_REPLAYABLE_MODULES = ("django.db.migrations.operations.", "django.contrib.postgres.operations")
# Callable defaults with the same value in every city, at least within one run.
_UNIFORM_DEFAULTS = {bool, bytes, dict, float, int, list, set, str, tuple, timezone.now, dt.date.today}
_TRANSACTION_COMMANDS = {"ABORT", "BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"}
_MAX_CACHED_STATES = 4


@dataclass
class RecordedMigration:
    """One migration: the statements Django wrote for it, and the rows that record it."""

    key: MigrationKey
    rows: list[MigrationKey]
    not_replayable: str = ""  # why Django has to run it in each city, as the end of a sentence
    statements: list[str] = field(default_factory=list)


@dataclass
class Recording:
    """The migrations that brought one schema up to date."""

    applied_before: set[MigrationKey]
    migrations: list[RecordedMigration] = field(default_factory=list)
    is_backwards: bool = False

    def start(self, migration: Migration, *, fake: bool, backwards: bool) -> None:
        """Start a migration: the statements from here on belong to it."""
        key = (migration.app_label, migration.name)
        self.is_backwards = backwards
        self.migrations.append(
            RecordedMigration(
                key,
                rows=list(migration.replaces) or [key],
                not_replayable="" if fake else reason_not_replayable(migration),
            )
        )

    def finish(
        self, *, applied_after: set[MigrationKey], dropped_foreign_keys: Iterable[tuple[str, str]]
    ) -> Recording | None:
        """Return the recording, or None if it cannot be replayed, as migrations were unapplied.

        `dropped_foreign_keys` are (table, constraint).
        """
        if self.is_backwards:
            return None
        recorded = {row for migration in self.migrations for row in migration.rows}
        drops = [
            f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{constraint}"'
            for table, constraint in dropped_foreign_keys
        ]
        # Django also records a squashed migration when the last of those that it replaces has run.
        rows = sorted(applied_after - self.applied_before - recorded)
        self.migrations.append(RecordedMigration(("", ""), rows=rows, statements=drops))
        return self

    def batches(self) -> Iterator[tuple[bool, list[RecordedMigration]]]:
        """The migrations in their order, in batches that need Django (True) or can be replayed (False)."""
        for needs_django, migrations in groupby(self.migrations, key=lambda each: bool(each.not_replayable)):
            yield needs_django, list(migrations)


@contextmanager
def record_statements(recording: Recording | None) -> Iterator[None]:
    """Add every statement of Django's schema editor to the last migration of the recording."""
    if recording is None:
        yield
        return

    migrations = recording.migrations

    class Editor(connection.SchemaEditorClass):  # type: ignore[name-defined, misc]
        def execute(self, sql: Any, params: Any = ()) -> None:
            text = str(sql) if params is None else _compose(str(sql), params)
            super().execute(sql, params)
            migrations[-1].statements.append(text)

    connection.SchemaEditorClass = Editor
    try:
        yield
    finally:
        del connection.SchemaEditorClass


def replay(schema: str, migrations: Iterable[RecordedMigration]) -> None:
    """Run these migrations in a schema and record them there, in one transaction. Raises DatabaseError."""
    statements: list[str] = []
    for migration in migrations:
        if statements and migration.statements:
            # As at the end of a transaction: deferred constraints are checked, so that the tables may be altered again.
            statements.append("SET CONSTRAINTS ALL IMMEDIATE")
            statements.append("SET CONSTRAINTS ALL DEFERRED")
        statements += migration.statements
        statements += [
            _compose(
                f"INSERT INTO {validate_schema_name(schema)}.django_migrations (app, name, applied) "
                "VALUES (%s, %s, clock_timestamp())",
                row,
            )
            for row in migration.rows
        ]
    if not statements:
        return
    settings_of_transaction = [
        f"SET LOCAL search_path = {validate_schema_name(schema)}, public",
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'",
        "SET LOCAL synchronous_commit = off",  # flush_commits() waits for the disk, once for all
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            # A statement may end with a comment, so the semicolon is on a line of its own.
            cursor.execute("\n;\n".join([*settings_of_transaction, *statements]))
        finally:
            # The backend does not know of this change, and SET LOCAL outlives an inner transaction.
            connection.search_path_set_schemas = None


def _compose(sql: str, params: Any) -> str:
    """Return the statement with its parameters filled in."""
    return connection.ops.compose_sql(sql, params)  # type: ignore[attr-defined]  # of PostgreSQL


def flush_commits() -> None:
    """Wait until everything that was replayed is on disk."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_current()")  # a commit of its own, with those before it


_states: dict[frozenset[type[Migration]], ProjectState] = {}  # by the applied migrations


def applied_project_state(executor: MigrationExecutor) -> ProjectState:
    """A copy of the models' state after the applied migrations.

    Django builds it again for every schema, which takes longer than most migrations. The last ones are cached, as
    schemas that are equally far have the same.
    """
    loader = executor.loader
    applied = frozenset(
        type(migration) for key, migration in loader.graph.nodes.items() if key in loader.applied_migrations
    )
    if applied not in _states:
        # What `migrate()` calls itself; there is no public way to a state that leaves unapplied migrations out.
        state = executor._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined]
        while len(_states) >= _MAX_CACHED_STATES:
            del _states[next(iter(_states))]
        _states[applied] = state
    _ = _states[applied].apps  # a lazy property, which clones take over
    return _states[applied].clone()


def run_with_django(migrations: Iterable[RecordedMigration], *, progress: Any = None) -> None:
    """Run these migrations in the active schema as Django does: those with Python or more than one transaction."""
    executor = MigrationExecutor(connection, progress)
    plan = [
        (executor.loader.graph.nodes[recorded.key], False)
        for recorded in migrations
        if recorded.key not in executor.loader.applied_migrations
    ]
    executor.migrate(
        [migration for migration, _backwards in plan], plan=plan, state=applied_project_state(executor)
    )


def reason_not_replayable(migration: Migration) -> str:
    """Why a migration cannot be replayed as the SQL that Django wrote for another city; empty if it can."""
    if not all(_is_replayable(operation) for operation in _database_operations(migration.operations)):
        return "uses an operation that is not Django's own"
    if _has_no_tables_in_cities(migration):
        return ""
    if not migration.atomic:
        return "is not one transaction"
    return next(filter(None, map(_reason_not_replayable, _database_operations(migration.operations))), "")


def _reason_not_replayable(operation: Operation) -> str:
    match operation:
        case operations.RunPython(code=code) if code is not operations.RunPython.noop:
            return "runs Python"
        case operations.RunSQL(sql=sql):
            commands = {statement.split(None, 1)[0].upper() for statement in _split_sql(_join_sql(sql))}
            if commands & _TRANSACTION_COMMANDS:
                return "begins or ends a transaction of its own"
        case operations.AddField(field=new_field) | operations.AlterField(field=new_field):
            if (
                callable(new_field.default)
                and new_field.has_default()
                and new_field.default not in _UNIFORM_DEFAULTS
            ):
                return "has a default that may differ between jurisdictions"
    return ""


def reason_forbidden(migration: Migration, *, schemas: Iterable[str]) -> str:
    """Why a migration must not run in cities at all, as the end of a sentence; empty if it may.

    SQL that names a city would run once for each city, and always change that one. SQL that changes the search path
    would make Django record the migration in another schema.
    """
    if _has_no_tables_in_cities(migration):
        return ""
    tenant_schemas = set(schemas) - {"public"}
    for operation in _database_operations(migration.operations):
        if isinstance(operation, operations.RunSQL):
            sql = _join_sql(operation.sql).lower()
            if named := sorted(tenant_schemas & set(re.findall(r"\w+", sql))):
                return f"names the schema {named[0]}, though it runs in each jurisdiction's own: leave the name out"
            if re.search(r"\bsearch_path\b|\bset\s+schema\b", sql):
                return "changes the search path, by which each jurisdiction's own tables are found: leave that out"
    return ""


def _has_no_tables_in_cities(migration: Migration) -> bool:
    """True if the migration's app has no tables in cities, where it is only recorded."""
    active_tenant = connection.tenant
    connection.set_schema(settings.TEMPLATE_SCHEMA)
    try:
        return not router.allow_migrate(DEFAULT_DB_ALIAS, migration.app_label)
    finally:
        connection.set_tenant(active_tenant)


def _database_operations(all_operations: Iterable[Operation]) -> Iterator[Operation]:
    """The operations that reach the database, also those inside SeparateDatabaseAndState."""
    for operation in all_operations:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from _database_operations(operation.database_operations)
        else:
            yield operation


def _is_replayable(operation: Operation) -> bool:
    return type(operation).__module__.startswith(_REPLAYABLE_MODULES)


def _join_sql(sql: Any) -> str:
    """The statements of a RunSQL as one text; it has one text, or a list of texts and of (text, parameters)."""
    if isinstance(sql, str):
        return sql
    return ";\n".join(each if isinstance(each, str) else each[0] for each in sql)


def _split_sql(sql: str) -> list[str]:
    without_comments = sqlparse.format(sql, strip_comments=True)
    return [statement for statement in sqlparse.split(without_comments) if statement.strip(" ;\n")]
