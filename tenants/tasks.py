"""What the worker does from time to time, without being asked."""

from __future__ import annotations

import datetime as dt

from django.contrib.sessions.models import Session
from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from tenants.jobs import runner
from tenants.models import PeriodicRun, SignInCode
from tenants.people import invitations

DAY = dt.timedelta(days=1)


@runner.periodic_task(DAY)
@task()
def expire_invitations() -> int:
    """An invitation that was not accepted in time is marked so; its link is dead already. Returns how many."""
    return invitations.expire_overdue()


@runner.periodic_task(DAY)
@task()
def purge_finished_jobs() -> int:
    """Remove used codes, jobs that went well two weeks ago and those that failed a year ago. Returns how many."""
    now = timezone.now()
    done = [
        SignInCode.objects.filter(expires_at__lt=now - DAY),
        DBTaskResult.objects.successful().filter(finished_at__lt=now - 14 * DAY),
        DBTaskResult.objects.failed().filter(finished_at__lt=now - 365 * DAY),
        PeriodicRun.objects.filter(period__lt=now - 60 * DAY),
    ]
    return sum(rows.delete()[0] for rows in done)


@runner.periodic_task(DAY, at_each_site=True)
@task()
def clear_expired_sessions() -> int:
    """Remove the sessions of this site that have ended. Returns how many."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]
