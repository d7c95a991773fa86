"""What the worker does for pages and library items without being asked."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django_tasks import task

from cms.scheduled_publishing import publish_due
from tenants.jobs.schedule import periodic_task


@periodic_task(every=dt.timedelta(hours=1), at_each_site=True)
@task()
def publish_scheduled() -> int:
    """Publish and withdraw what is due at this site; returns how many it was."""
    return publish_due(connection.tenant)
