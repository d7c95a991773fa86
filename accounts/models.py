from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Makes people, who are known by their mail address, whatever its case."""

    use_in_migrations = True

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A person with this address. Without a password nobody can sign in by one yet.

        Raises ValueError without an address.
        """
        if not email:
            raise ValueError("A person needs a mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        """The operator: is let in everywhere, so keep these few."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True} | fields)


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person. One identity for the whole alliance; what they may do is kept per jurisdiction.

    Groups and permissions are rows of `tenants.roles` in the active schema, so Wagtail's and Django's own look-ups
    follow the host. People are never deleted: deactivate and anonymise.
    """

    username = None  # type: ignore[assignment]
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("mail address"), unique=True)
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
