"""Periodic tasks of the registry: expired invitations, finished jobs, old sessions, files of former pictures."""

from __future__ import annotations

import datetime as dt

from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from tenants.jobs.schedule import periodic_task
from tenants.jurisdictions import uploads
from tenants.models import Jurisdiction, PeriodicRun, SignInCode
from tenants.people import invitations

DAY = dt.timedelta(days=1)


@periodic_task(every=DAY)
@task()
def expire_invitations() -> int:
    """Mark invitations that were not accepted in time; their links no longer work already. Returns how many."""
    return invitations.expire_overdue()


@periodic_task(every=DAY)
@task()
def purge_finished_jobs() -> int:
    """Delete expired sign-in codes, jobs that succeeded two weeks ago and jobs that failed a year ago. Returns how many."""
    now = timezone.now()
    expired = [
        SignInCode.objects.filter(expires_at__lt=now - DAY),
        DBTaskResult.objects.successful().filter(finished_at__lt=now - 14 * DAY),
        DBTaskResult.objects.failed().filter(finished_at__lt=now - 365 * DAY),
        PeriodicRun.objects.filter(period__lt=now - 60 * DAY),
    ]
    return sum(rows.delete()[0] for rows in expired)


@periodic_task(every=DAY, at_each_site=True)
@task()
def clear_expired_sessions() -> int:
    """Delete the expired sessions of this site. Returns how many."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]


@periodic_task(every=DAY, at_each_site=True)
@task()
def delete_stray_pictures() -> int:
    """Delete the files of pictures and logos that this site no longer uses. Returns how many.

    A change deletes the former file itself; what is found here was left by an older version, or by a killed process.
    """
    jurisdiction = Jurisdiction.objects.get(schema_name=connection.schema_name)
    return len(uploads.find_stray_files(jurisdiction, delete=True))
