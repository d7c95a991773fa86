"""Stands before Wagtail's command of this name, which knows nothing of schemas."""

from cms.management.commands.publish_all_scheduled import Command

__all__ = ["Command"]
