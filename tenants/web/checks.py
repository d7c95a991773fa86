"""System checks of `manage.py check --deploy`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_security_contact(app_configs: Any, **_kwargs: Any) -> list[CheckMessage]:
    if settings.SECURITY_CONTACT:
        return []
    return [
        Warning(
            "SECURITY_CONTACT is not set: who finds a weakness is not told whom to write to, "
            "and /.well-known/security.txt is 404.",
            hint="Set SECURITY_CONTACT to an address that is read, like mailto:security@example.org.",
            id="tenants.W001",
        )
    ]
