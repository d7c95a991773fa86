"""django-tasks' own worker knows no schemas: under its name, too, runs ours."""

from tenants.management.commands.worker import Command

__all__ = ["Command"]
