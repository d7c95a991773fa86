"""Worker processes, some of which are killed."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time

import pytest
from django.core.management import call_command
from django.db import connection
from django_tasks_db.models import DBTaskResult
from django_tenants.utils import tenant_context
from taggit.models import Tag

from tenants.models import Jurisdiction, Worker
from tests import databases
from tests.forks import forked_process, kill, pipe
from tests.tenants import sample_jobs

OPTIONS = ("worker", "--interval", "0.1", "--lease", "1")


@pytest.fixture
def start(committed):
    """start() runs a worker as a process of its own."""
    with contextlib.ExitStack() as running:
        yield lambda: running.enter_context(forked_process(call_command, *OPTIONS))


def wait_for(condition, *, seconds: float = 60):
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.05)
    return result


def test_the_job_of_a_killed_worker_is_done_by_another_once(start, tmp_path):
    DBTaskResult.objects.all().delete()
    flag = tmp_path / "flag"
    riverton = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(riverton):
        result = sample_jobs.write_slowly.enqueue("killed", str(flag), 600)
    first = start()
    wait_for(flag.exists)
    kill(first)
    job = DBTaskResult.objects.get(pk=result.id)
    assert job.status == "RUNNING"  # and would stay so for ever

    second = start()
    wait_for(lambda: DBTaskResult.objects.filter(pk=result.id, status="SUCCESSFUL").exists())

    pids = [int(line) for line in flag.read_text().split()]
    assert pids == [first.pid, second.pid]
    with tenant_context(riverton):
        assert Tag.objects.filter(name="killed").count() == 1
    assert not Tag.objects.filter(name="killed").exists()  # nothing in public
    assert Worker.objects.filter(pid=second.pid).exists()

    os.kill(second.pid, signal.SIGTERM)
    second.join(20)
    assert second.exitcode == 0
    job.refresh_from_db()
    assert len(job.worker_ids) == 2


def run_and_send_log(pipe_end):
    class SendToPipe(logging.Handler):
        def emit(self, record):
            pipe_end.send(record.getMessage())

    logging.getLogger("tenants.jobs").addHandler(SendToPipe())
    call_command(*OPTIONS)


def test_a_worker_waits_for_a_database_that_comes_up_after_it(committed):
    name, (receiver, sender) = connection.settings_dict["NAME"], pipe()
    with databases.admin_cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            with forked_process(run_and_send_log, sender) as worker:
                assert receiver.poll(30)
                assert "The database is not available" in receiver.recv()
                cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
                wait_for(Worker.objects.filter(pid=worker.pid).exists)
        finally:
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_a_batch_ends_when_no_job_is_left(committed):
    DBTaskResult.objects.all().delete()
    for slug in ("riverton", "ashford"):
        with tenant_context(Jurisdiction.objects.get(slug=slug)):
            sample_jobs.describe_context.enqueue()
    with forked_process(call_command, *OPTIONS, "--batch") as worker:
        worker.join(60)
        assert worker.exitcode == 0
    done = DBTaskResult.objects.successful().filter(task_path=sample_jobs.describe_context.module_path)
    assert sorted(job.return_value[0] for job in done) == ["c_ashford", "c_riverton"]
