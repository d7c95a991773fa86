"""Renames the content type of a renamed model, also of a model whose tables are in the cities alone."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.contenttypes.management import RenameContentType
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation


class RenamePublicContentType(RenameContentType):
    """Rename a content type whether or not its app has tables in the active schema."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        from_state.clear_delayed_apps_cache()
        self.rename_forward(from_state.apps, schema_editor)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        from_state.clear_delayed_apps_cache()
        self.rename_backward(from_state.apps, schema_editor)


def rename_in_public(migration: Migration) -> None:
    """Let a migration that is about to run in the public schema rename all its content types there.

    Django adds a RenameContentType after each RenameModel where the content types are: in the public schema. There it
    skips the operations of an app whose tables are in the cities alone. The content type would keep its old name, and
    the rows that refer to it would be lost to the renamed model. In the cities Django adds nothing, so that a renamed
    model can be replayed.
    """
    operations = cast(list[Operation], migration.operations)
    operations[:] = [
        RenamePublicContentType(operation.app_label, operation.old_model, operation.new_model)
        if isinstance(operation, RenameContentType)
        else operation
        for operation in operations
    ]
