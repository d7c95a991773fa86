"""Periodic tasks of pages and library items."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django_tasks import task

from cms.scheduled_publishing import publish_due
from tenants.jobs.schedule import periodic_task


@periodic_task(every=dt.timedelta(hours=1), at_each_site=True)
@task()
def publish_scheduled() -> int:
    """Publish and withdraw what is due at this site; return the number of changes."""
    return publish_due(connection.tenant)
