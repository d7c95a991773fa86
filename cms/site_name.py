"""What Wagtail's pages call the site. The settings import this module, so it imports no model."""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from django.utils.functional import lazy


def _name_of_this_site() -> str:
    """The jurisdiction's name on its own host, on the alliance's that of the alliance."""
    jurisdiction = connection.tenant
    return jurisdiction.name if getattr(jurisdiction, "is_tenant", False) else settings.ALLIANCE_NAME


name_of_this_site = lazy(_name_of_this_site, str)()
