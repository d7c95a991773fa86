"""Which person is in which role's group here. Rows are derived from affiliations; never edit them by hand.

The tables stand in every schema, so `user.groups` answers for the city whose host is being served.
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
    """Kept because Django's permission look-up asks for it; the portal grants by role alone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_constraint=False, related_name="+")
    permission = models.ForeignKey("auth.Permission", models.CASCADE, db_constraint=False, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "permission"], name="one_grant_per_permission")
        ]

    def __str__(self) -> str:
        return f"{self.permission} for {self.user}"
