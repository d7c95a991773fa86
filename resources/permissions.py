"""Who may edit the library: nobody outside the public schema, whatever they may do elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from wagtail.permission_policies import ModelPermissionPolicy


def is_public_schema() -> bool:
    return connection.schema_name == "public"


class PublicSchemaPolicy(ModelPermissionPolicy):
    """Wagtail's usual rules in the public schema; elsewhere it refuses everybody, the operator too.

    The tables stand in public alone. A city's editor would find them through the search path and tie
    their rows to revisions of the city's own schema.
    """

    def user_has_permission(self, user: Any, action: str) -> bool:
        return is_public_schema() and super().user_has_permission(user, action)

    def user_has_any_permission(self, user: Any, actions: Iterable[str]) -> bool:
        return is_public_schema() and super().user_has_any_permission(user, actions)

    def users_with_any_permission(self, actions: Iterable[str]) -> Any:
        if not is_public_schema():
            return get_user_model().objects.none()
        return super().users_with_any_permission(actions)
