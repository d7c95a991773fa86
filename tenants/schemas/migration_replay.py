"""What a migration did in one schema, as SQL, and the same again in another that stands where the first one stood.

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

LOCK_TIMEOUT = (
    "5s"  # a table that somebody keeps locked makes its city fail, not wait and keep others waiting
)

_KNOWN = ("django.db.migrations.operations.", "django.contrib.postgres.operations")
# Defaults that are the same whoever asks, at least within one run.
_SAME_FOR_ALL = {bool, bytes, dict, float, int, list, set, str, tuple, timezone.now, dt.date.today}
_ENDS_TRANSACTION = {"ABORT", "BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"}


@dataclass
class RecordedMigration:
    """One migration: the statements Django wrote for it, and the rows that record it."""

    node: MigrationKey
    rows: list[MigrationKey]
    slow: str = ""  # why these statements are not enough elsewhere, as the end of a sentence
    statements: list[str] = field(default_factory=list)


@dataclass
class Recording:
    """What was done in one schema to bring it up to date."""

    before: set[MigrationKey]  # what was recorded there when it began
    steps: list[RecordedMigration] = field(default_factory=list)
    backwards: bool = False

    def begin(self, migration: Migration, *, fake: bool, backwards: bool) -> None:
        """From here on statements belong to this migration."""
        node = (migration.app_label, migration.name)
        self.backwards = backwards
        self.steps.append(
            RecordedMigration(
                node,
                rows=list(migration.replaces) or [node],
                slow="" if fake else reason_not_replayable(migration),
            )
        )

    def close(self, *, after: set[MigrationKey], links: Iterable[tuple[str, str]]) -> Recording | None:
        """The script itself, or None if it cannot be replayed, as migrations were taken back.

        `after` is what is recorded now; `links` are those that were cut, as (table, constraint).
        """
        if self.backwards:
            return None
        recorded = {row for step in self.steps for row in step.rows}
        cut = [
            f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{constraint}"' for table, constraint in links
        ]
        # Django also records a squashed migration when the last of those that it replaces has run.
        self.steps.append(
            RecordedMigration(("", ""), rows=sorted(after - self.before - recorded), statements=cut)
        )
        return self

    def parts(self) -> Iterator[tuple[bool, list[RecordedMigration]]]:
        """The steps in their order: runs of such as only Django can do (True), and of others (False)."""
        for slow, steps in groupby(self.steps, key=lambda step: bool(step.slow)):
            yield slow, list(steps)


@contextmanager
def record_statements(script: Recording | None) -> Iterator[None]:
    """Note every statement of Django's schema editor in the script's last step."""
    if script is None:
        yield
        return

    steps = script.steps

    class Editor(connection.SchemaEditorClass):  # type: ignore[name-defined, misc]
        def execute(self, sql: Any, params: Any = ()) -> None:
            text = str(sql) if params is None else _composed(str(sql), params)
            super().execute(sql, params)
            steps[-1].statements.append(text)

    connection.SchemaEditorClass = Editor
    try:
        yield
    finally:
        del connection.SchemaEditorClass


def replay(schema: str, steps: Iterable[RecordedMigration]) -> None:
    """Run these steps in a schema and record them there, in one transaction. Raises DatabaseError as PostgreSQL does."""
    parts: list[str] = []
    for step in steps:
        if parts and step.statements:
            # As at the end of a transaction: what was put off is looked at, so that the next step may alter the table.
            parts.append("SET CONSTRAINTS ALL IMMEDIATE")
            parts.append("SET CONSTRAINTS ALL DEFERRED")
        parts += step.statements
        parts += [
            _composed(
                f"INSERT INTO {validate_schema_name(schema)}.django_migrations (app, name, applied) "
                "VALUES (%s, %s, clock_timestamp())",
                row,
            )
            for row in step.rows
        ]
    if not parts:
        return
    settle = [
        f"SET LOCAL search_path = {validate_schema_name(schema)}, public",
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'",
        "SET LOCAL synchronous_commit = off",  # flush() waits for the disk, once for all
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            # A statement may end with a comment, so the semicolon stands on a line of its own.
            cursor.execute("\n;\n".join([*settle, *parts]))
        finally:
            # The backend believes its own search path still stands; SET LOCAL outlives an inner transaction.
            connection.search_path_set_schemas = None


def _composed(sql: str, params: Any) -> str:
    """The statement with its parameters in it."""
    return connection.ops.compose_sql(sql, params)  # type: ignore[attr-defined]  # PostgreSQL's has it


def flush_commits() -> None:
    """Wait until all that was replayed is on the disk."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_current()")  # a commit of its own, with those before it


_drawn: dict[frozenset[type[Migration]], ProjectState] = {}


def applied_project_state(executor: MigrationExecutor) -> ProjectState:
    """The models as the applied migrations leave them, for the caller to change.

    Django draws them anew for every schema, and takes longer for it than for most migrations. The last ones are kept:
    schemas that are equally far have the same.
    """
    loader = executor.loader
    applied = frozenset(
        type(migration) for node, migration in loader.graph.nodes.items() if node in loader.applied_migrations
    )
    if applied not in _drawn:
        state = executor._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined]
        while len(_drawn) >= 4:
            del _drawn[next(iter(_drawn))]
        _drawn[applied] = state
    _ = _drawn[applied].apps  # drawn when it is first asked for
    return _drawn[applied].clone()


def run_with_django(steps: Iterable[RecordedMigration], *, progress: Any = None) -> None:
    """Run these steps in the active schema as Django does, also those that are Python or more than one transaction."""
    executor = MigrationExecutor(connection, progress)
    plan = [
        (executor.loader.graph.nodes[step.node], False)
        for step in steps
        if step.node not in executor.loader.applied_migrations
    ]
    executor.migrate(
        [migration for migration, _backwards in plan], plan=plan, state=applied_project_state(executor)
    )


def reason_not_replayable(migration: Migration) -> str:
    """Why a migration cannot be replayed as the SQL that Django wrote for another city; empty if it can."""
    if not all(_is_known(operation) for operation in _flat(migration.operations)):
        return "uses an operation that is not Django's own"
    if _does_nothing_in_cities(migration):
        return ""
    if not migration.atomic:
        return "is not one transaction"
    return next(filter(None, map(_why_slow, _flat(migration.operations))), "")


def _why_slow(operation: Operation) -> str:
    match operation:
        case operations.RunPython(code=code) if code is not operations.RunPython.noop:
            return "runs Python"
        case operations.RunSQL(sql=sql):
            text = _text(sql)
            if {words.split(None, 1)[0].upper() for words in _statements(text)} & _ENDS_TRANSACTION:
                return "begins or ends a transaction of its own"
        case operations.AddField(field=new) | operations.AlterField(field=new):
            if callable(new.default) and new.has_default() and new.default not in _SAME_FOR_ALL:
                return "has a default that may differ from city to city"
    return ""


def reason_forbidden(migration: Migration, *, schemas: Iterable[str]) -> str:
    """Why a migration must not run in cities at all, as the end of a sentence; empty if it may.

    SQL that names a city would do the same thing to that one city, once for each of all. SQL that changes the search
    path would make Django record the migration in another schema.
    """
    if _does_nothing_in_cities(migration):
        return ""
    others = set(schemas) - {"public"}
    for operation in _flat(migration.operations):
        if isinstance(operation, operations.RunSQL):
            text = _text(operation.sql).lower()
            if named := sorted(others & set(re.findall(r"\w+", text))):
                return f"names the schema {named[0]}, though it runs in each city's own: leave the name out"
            if re.search(r"\bsearch_path\b|\bset\s+schema\b", text):
                return "changes the search path, by which each city's own tables are found: leave that out"
    return ""


def _does_nothing_in_cities(migration: Migration) -> bool:
    """True if its app has no tables in cities: there it is only recorded. Ask where a city or none is active."""
    before = connection.tenant
    connection.set_schema(settings.TEMPLATE_SCHEMA)
    try:
        return not router.allow_migrate(DEFAULT_DB_ALIAS, migration.app_label)
    finally:
        connection.set_tenant(before)


def _flat(all_of_them: Iterable[Operation]) -> Iterator[Operation]:
    """The operations that reach the database, also those inside others."""
    for operation in all_of_them:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from _flat(operation.database_operations)
        else:
            yield operation


def _is_known(operation: Operation) -> bool:
    return type(operation).__module__.startswith(_KNOWN)


def _text(sql: Any) -> str:
    """What a RunSQL says: one text, or a list of texts and of (text, parameters)."""
    if isinstance(sql, str):
        return sql
    return ";\n".join(part if isinstance(part, str) else part[0] for part in sql)


def _statements(text: str) -> list[str]:
    plain = sqlparse.format(text, strip_comments=True)
    return [statement for statement in sqlparse.split(plain) if statement.strip(" ;\n")]
