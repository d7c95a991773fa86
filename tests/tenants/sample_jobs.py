"""Tasks for the tests of jobs."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path

from django.db import connection
from django.utils import timezone, translation
from django_tasks import task
from taggit.models import Tag

from tenants.jobs.backend import PermanentJobError
from tenants.jobs.schedule import periodic_task


@task()
def describe_context() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        search_path = cursor.fetchone()[0]
    return [
        connection.schema_name,
        search_path,
        timezone.get_current_timezone_name(),
        translation.get_language(),
    ]


@task(takes_context=True)
def with_context(context, word: str) -> str:
    return f"{word} {context.task_result.id}"


@task()
def write_and_fail(name: str) -> None:
    Tag.objects.create(name=name, slug=name)
    raise RuntimeError("after writing")


@task()
def fail_permanently() -> None:
    raise PermanentJobError("no use")


@task()
def write(name: str) -> None:
    Tag.objects.create(name=name, slug=name)


@task()
def write_slowly(name: str, flag: str, seconds: float) -> None:
    """Writes a tag and its process number into the file `flag`; the first one to do so waits before it ends."""
    Tag.objects.create(name=name, slug=name)
    is_first = not Path(flag).exists()
    with open(flag, "a") as file:
        file.write(f"{os.getpid()}\n")
    if is_first:
        time.sleep(seconds)


@periodic_task(every=dt.timedelta(hours=1), at_each_site=True)
@task()
def hourly() -> str:
    return connection.schema_name
