from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Creates users, who are identified by their email address, case-insensitively."""

    use_in_migrations = True

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """Create a user with this email address. Without a password, no password works.

        Raises ValueError if the address is empty.
        """
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        """Create an operator, who has every permission everywhere: have few of them."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True} | fields)


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person, with one account for the whole alliance; roles are held at each jurisdiction (`Affiliation`).

    Groups and permissions are rows of `tenants.roles` in the active schema, so that Django's and Wagtail's permission
    checks follow the host. Users are never deleted: deactivate and anonymize them.
    """

    username = None  # type: ignore[assignment]
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("email address"), unique=True)
    session_epoch = models.PositiveIntegerField(
        default=0, help_text=_("Raised to end every session of this person, on every host, at once.")
    )
    groups = models.ManyToManyField(  # type: ignore[assignment,var-annotated]
        "auth.Group",
        through="roles.GroupMembership",
        blank=True,
        related_name="user_set",
        related_query_name="user",
        verbose_name=_("groups"),
    )
    user_permissions = models.ManyToManyField(  # type: ignore[assignment,var-annotated]
        "auth.Permission",
        through="roles.UserPermission",
        blank=True,
        related_name="user_set",
        related_query_name="user",
        verbose_name=_("user permissions"),
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()  # type: ignore[misc,assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(models.functions.Lower("email"), name="one_person_per_address"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email
