"""Replaces Wagtail's command of this name, which works in one schema only."""

from cms.management.commands.publish_all_scheduled import Command

__all__ = ["Command"]
