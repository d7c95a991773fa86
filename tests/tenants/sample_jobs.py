"""Jobs for the tests of jobs."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path

from django.db import connection
from django.utils import timezone, translation
from django_tasks import task
from taggit.models import Tag

from tenants.jobs import runner


@task()
def where() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        path = cursor.fetchone()[0]
    return [connection.schema_name, path, timezone.get_current_timezone_name(), translation.get_language()]


@task(takes_context=True)
def with_context(context, word: str) -> str:
    return f"{word} {context.task_result.id}"


@task()
def write_and_fail(name: str) -> None:
    Tag.objects.create(name=name, slug=name)
    raise RuntimeError("after writing")


@task()
def hopeless() -> None:
    raise runner.PermanentJobError("no use")


@task()
def write(name: str) -> None:
    Tag.objects.create(name=name, slug=name)


@task()
def write_slowly(name: str, flag: str, seconds: float) -> None:
    """Writes, says so in the file `flag`, waits if it is the first to come here, and ends."""
    Tag.objects.create(name=name, slug=name)
    been = Path(flag).exists()
    with open(flag, "a") as file:
        file.write(f"{os.getpid()}\n")
    if not been:
        time.sleep(seconds)


@runner.periodic_task(dt.timedelta(hours=1), at_each_site=True)
@task()
def hourly() -> str:
    return connection.schema_name
