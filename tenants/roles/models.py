"""Group memberships in a jurisdiction's schema, derived from affiliations; never edit them by hand.

The tables exist in every schema, so that `user.groups` are those at the jurisdiction of the current host.
"""

from django.conf import settings
from django.db import models


class GroupMembership(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False, related_name="+")
    group = models.ForeignKey("auth.Group", models.CASCADE, db_constraint=False, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="one_membership_per_group")]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"


class UserPermission(models.Model):
    """Needed by Django's permission checks, and always empty: the portal grants permissions by role only."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False, related_name="+")
    permission = models.ForeignKey("auth.Permission", models.CASCADE, db_constraint=False, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "permission"], name="one_grant_per_permission")
        ]

    def __str__(self) -> str:
        return f"{self.permission} for {self.user}"
