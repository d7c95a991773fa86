"""Databases for tests that commit: races, killed processes, workers."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import databases


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """A database of this module, in which tests commit; the value is the environment for other processes."""
    with django_db_blocker.unblock(), _database("committed") as env:
        yield env


@pytest.fixture
def fresh(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """Like `committed`, but each test starts with three new cities."""
    with django_db_blocker.unblock(), _database("fresh") as env:
        yield env


@contextmanager
def _database(name: str) -> Iterator[dict[str, str]]:
    name = f"{name}_{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with databases.temporary_database(name) as url:
        yield os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test", "DATABASE_URL": url}


MIGRATION = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations import (AddConstraint, AddField, AddIndex, AlterField, AlterModelTable, CreateModel,
    RemoveConstraint, RemoveField, RenameField, RenameModel, RunPython, RunSQL, SeparateDatabaseAndState)
import uuid

class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [{after!r}, ("accounts", "0001_initial")]
    operations = [{operations}]
"""


@pytest.fixture
def plan_migration(
    tmp_path: Path, fresh: dict[str, str], monkeypatch: Any
) -> Iterator[Callable[..., tuple[str, str]]]:
    """plan_migration(operations) adds a migration of `plans` after the last one, in a folder of this test."""
    from django.conf import settings
    from django.db.migrations.loader import MigrationLoader

    from tenants.plans import migrations as plans_migrations

    folder = tmp_path / "plans_and_more"
    folder.mkdir()
    (folder / "__init__.py").write_text(f"__path__ = {[*plans_migrations.__path__, str(folder)]!r}\n")
    keys = [max(key for key in MigrationLoader(None).graph.nodes if key[0] == "plans")]
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(settings, "MIGRATION_MODULES", {"plans": folder.name})

    def plan(operations: str, *, atomic: bool = True) -> tuple[str, str]:
        key = ("plans", f"{9000 + len(keys)}_more")
        text = MIGRATION.format(atomic=atomic, after=keys[-1], operations=textwrap.dedent(operations))
        (folder / f"{key[1]}.py").write_text(text)
        keys.append(key)
        return key

    yield plan
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]
