"""Jobs and periodic runs that an earlier version wrote go on under the present names."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils.module_loading import import_string
from django_tasks import task_backends
from django_tasks.base import Task
from django_tasks.exceptions import TaskResultDoesNotExist
from django_tasks_db.models import DBTaskResult
from django_tenants.utils import tenant_context

from tenants.jobs import former_paths, runner, schedule
from tenants.jobs.backend import PermanentJobError
from tenants.models import PeriodicRun
from tests.tenants import sample_jobs

NOON = dt.datetime(2026, 3, 4, 12, 20, tzinfo=dt.UTC)
FORMER_PATH = "earlier.sample.hourly"


@pytest.fixture
def empty_queue(db):
    DBTaskResult.objects.all().delete()


@pytest.fixture
def renamed(empty_queue, monkeypatch):
    """As if the task `hourly` had had another path."""
    present = sample_jobs.hourly.module_path
    monkeypatch.setattr(schedule, "PERIODIC_TASKS", {present: schedule.PERIODIC_TASKS[present]})
    monkeypatch.setitem(former_paths.TASKS, FORMER_PATH, present)
    monkeypatch.setitem(former_paths._FORMER_TASKS, present, FORMER_PATH)


@pytest.mark.parametrize(("former", "present"), former_paths.TASKS.items())
def test_every_former_path_of_a_task_leads_to_one(former, present):
    with pytest.raises(ImportError):
        import_string(former)
    task = import_string(present)
    assert isinstance(task, Task)
    assert task.module_path == present


@pytest.mark.parametrize(("former", "present"), former_paths.EXCEPTIONS.items())
def test_every_former_path_of_an_exception_leads_to_one(former, present):
    with pytest.raises(ImportError):
        import_string(former)
    exception = import_string(present)
    assert issubclass(exception, Exception)
    assert f"{exception.__module__}.{exception.__qualname__}" == present


def test_no_task_has_two_former_paths():
    """A periodic run is recorded under the only one."""
    assert len(former_paths._FORMER_TASKS) == len(former_paths.TASKS)


def test_a_job_of_an_earlier_version_runs(renamed, riverton):
    with tenant_context(riverton):
        sample_jobs.hourly.enqueue()
    DBTaskResult.objects.update(task_path=FORMER_PATH)
    runner.run_due_jobs()
    job = DBTaskResult.objects.get()
    assert (job.status, job.return_value) == ("SUCCESSFUL", "c_riverton")


def test_an_email_that_an_earlier_version_queued_is_sent(empty_queue, mailoutbox):
    from tenants.notifications import mail

    mail.send_mail_task.enqueue(to="ada@city.example", subject="Hello", body="World")
    DBTaskResult.objects.update(task_path="tenants.mail.deliver")
    runner.run_due_jobs()
    assert [email.to for email in mailoutbox] == [["ada@city.example"]]


def test_a_task_is_not_queued_twice_in_the_period_of_the_upgrade(renamed):
    start = NOON.replace(minute=0)
    for schema in ("public", "c_ashford", "c_millbrook"):
        PeriodicRun.objects.create(name=FORMER_PATH, schema_name=schema, period=start)
    assert schedule.enqueue_due(NOON) == 1
    assert DBTaskResult.objects.get().args_kwargs["schema"] == "c_riverton"
    assert DBTaskResult.objects.get().task_path == sample_jobs.hourly.module_path
    assert schedule.enqueue_due(NOON) == 0
    assert schedule.enqueue_due(NOON + dt.timedelta(hours=1)) == 4


def test_the_error_of_a_failed_job_of_an_earlier_version_is_loaded(empty_queue):
    sample_jobs.fail_permanently.enqueue()
    runner.run_due_jobs()
    DBTaskResult.objects.update(task_path="tenants.mail.deliver", exception_class_path="tenants.jobs.GiveUp")
    result = task_backends["default"].get_result(str(DBTaskResult.objects.get().pk))
    assert result.task.module_path == "tenants.notifications.mail.send_mail_task"
    assert [error.exception_class for error in result.errors] == [PermanentJobError]


@pytest.mark.parametrize("result_id", ["nothing", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_job_has_no_result(empty_queue, result_id):
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result(result_id)
