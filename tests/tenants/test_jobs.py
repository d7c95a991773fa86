"""Jobs run where they were queued, once each, or fail closed."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from django_tenants.utils import schema_context, tenant_context
from taggit.models import Tag
from wagtail.models import Page, ReferenceIndex

from tenants.jobs import recovery, runner, schedule
from tenants.management.commands import db_worker, worker
from tenants.models import Jurisdiction, PeriodicRun, Worker
from tests.tenants import sample_jobs

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 4, 12, 20, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _no_other_jobs(db):
    DBTaskResult.objects.all().delete()


def latest_job():
    return DBTaskResult.objects.order_by("-enqueued_at").first()


def test_a_job_runs_in_the_city_that_queued_it(riverton, ashford):
    with tenant_context(ashford):
        sample_jobs.describe_context.enqueue()
    assert latest_job().args_kwargs["schema"] == "c_ashford"
    with tenant_context(riverton):
        runner.run_due_jobs()
    assert latest_job().return_value == ["c_ashford", "c_ashford, public", "America/Los_Angeles", "en-us"]


def test_a_job_of_the_alliance_runs_at_the_alliance():
    sample_jobs.describe_context.enqueue()
    runner.run_due_jobs()
    assert latest_job().return_value[:2] == ["public", "public"]
    assert connection.schema_name == "public"


def test_a_job_speaks_the_language_of_its_city(riverton, settings):
    settings.LANGUAGES = [("en-us", "English"), ("es", "Spanish")]
    Jurisdiction.objects.filter(pk=riverton.pk).update(languages=["es"])
    with tenant_context(riverton):
        sample_jobs.describe_context.enqueue()
    runner.run_due_jobs()
    assert latest_job().return_value[3] == "es"


def test_a_task_may_take_its_context():
    result = sample_jobs.with_context.enqueue("job")
    runner.run_due_jobs()
    assert latest_job().return_value == f"job {result.id}"


@pytest.mark.parametrize("schema", [None, "", "c_nowhere", "c_riverton; DROP SCHEMA public", "pg_catalog"])
def test_without_a_registered_schema_a_job_fails_closed(riverton, schema):
    with tenant_context(riverton):
        sample_jobs.write.enqueue("leak")
    job = latest_job()
    job.args_kwargs["schema"] = schema
    if schema is None:
        del job.args_kwargs["schema"]
    job.save()

    runner.run_due_jobs()

    job.refresh_from_db()
    assert job.status == "FAILED"
    assert job.exception_class_path == "tenants.jobs.backend.UnknownTenant"
    for jurisdiction in ("public", "c_riverton"):
        with schema_context(jurisdiction):
            assert not Tag.objects.filter(name="leak").exists()


def test_a_job_is_queued_only_if_its_writer_commits(riverton):
    with tenant_context(riverton), transaction.atomic():
        sample_jobs.describe_context.enqueue()
        transaction.set_rollback(True)
    assert latest_job() is None


def test_what_a_failed_job_wrote_is_rolled_back_and_it_is_retried(riverton, settings):
    settings.JOB_ATTEMPTS = 3
    with tenant_context(riverton):
        sample_jobs.write_and_fail.enqueue("half")
    for attempt in (1, 2):
        before = timezone.now()
        assert runner.run_due_jobs() == 1
        job = latest_job()
        assert (job.status, len(job.worker_ids)) == ("READY", attempt)
        assert job.run_after >= before + runner.RETRY_DELAYS[attempt - 1]
        assert "after writing" in job.traceback
        DBTaskResult.objects.update(run_after=timezone.now())
    runner.run_due_jobs()
    assert latest_job().status == "FAILED"
    assert runner.run_due_jobs() == 0
    with tenant_context(riverton):
        assert not Tag.objects.filter(name="half").exists()


def test_a_job_that_fails_permanently_is_not_retried():
    sample_jobs.fail_permanently.enqueue()
    runner.run_due_jobs()
    assert (latest_job().status, len(latest_job().worker_ids)) == ("FAILED", 1)


def test_a_job_of_code_that_is_gone_fails():
    sample_jobs.describe_context.enqueue()
    DBTaskResult.objects.update(task_path="tests.tenants.sample_jobs.not_there")
    runner.run_due_jobs()
    assert latest_job().status == "FAILED"


def test_a_job_whose_task_is_no_task_fails():
    sample_jobs.describe_context.enqueue()
    DBTaskResult.objects.update(task_path="os.getcwd")
    runner.run_due_jobs()
    assert latest_job().exception_class_path.endswith("SuspiciousOperation")


def test_of_two_workers_on_one_job_the_one_that_lost_its_claim_is_rolled_back(riverton):
    with tenant_context(riverton):
        sample_jobs.write.enqueue("twice")
    job = latest_job()
    job.claim("slow")
    other = DBTaskResult.objects.get(pk=job.pk)
    other.claim("quick")

    assert runner.run_job(job) is False
    with tenant_context(riverton):
        assert not Tag.objects.filter(name="twice").exists()
    assert runner.run_job(other) is True
    with tenant_context(riverton):
        assert Tag.objects.filter(name="twice").count() == 1


class TestKilledWorkers:
    def claim_job(self, worker_id: str, attempts: int = 1):
        sample_jobs.describe_context.enqueue()
        job = latest_job()
        job.worker_ids = ["before"] * (attempts - 1)
        job.claim(worker_id)
        return job

    def add_worker(self, worker_id: str, seconds_ago: float):
        at = timezone.now() - dt.timedelta(seconds=seconds_ago)
        Worker.objects.create(id=worker_id, host="here", pid=1, seen_at=at)

    def test_the_job_of_a_worker_that_is_alive_is_left_alone(self):
        job = self.claim_job("alive")
        self.add_worker("alive", seconds_ago=2)
        assert recovery.requeue_orphans(lease=dt.timedelta(seconds=30)) == 0
        job.refresh_from_db()
        assert job.status == "RUNNING"

    @pytest.mark.parametrize("is_registered", [True, False])
    def test_the_job_of_a_worker_without_heartbeats_is_ready_again(self, is_registered):
        job = self.claim_job("dead")
        self.add_worker("alive", seconds_ago=0)
        if is_registered:
            self.add_worker("dead", seconds_ago=60)
        assert recovery.requeue_orphans(lease=dt.timedelta(seconds=30)) == 1
        runner.run_due_jobs()
        job.refresh_from_db()
        assert job.status == "SUCCESSFUL"

    def test_a_job_that_kills_its_workers_fails_for_good(self, settings):
        job = self.claim_job("dead", attempts=settings.JOB_ATTEMPTS)
        assert recovery.requeue_orphans(lease=dt.timedelta(seconds=30)) == 1
        job.refresh_from_db()
        assert (job.status, job.exception_class_path) == ("FAILED", "tenants.jobs.recovery.WorkerDied")

    def test_a_heartbeat_is_updated(self):
        recovery.heartbeat("one", host="here", pid=1)
        Worker.objects.update(seen_at=timezone.now() - dt.timedelta(hours=1))
        recovery.heartbeat("one", host="here", pid=1)
        assert Worker.objects.get().seen_at > timezone.now() - dt.timedelta(minutes=1)


class TestPeriodic:
    @pytest.fixture(autouse=True)
    def _only_the_sample_task(self, monkeypatch):
        name = sample_jobs.hourly.module_path
        monkeypatch.setattr(schedule, "PERIODIC_TASKS", {name: schedule.PERIODIC_TASKS[name]})

    def test_once_in_a_period_at_each_site(self, riverton, django_assert_num_queries):
        assert schedule.enqueue_due(NOON) == 4  # the alliance and three cities
        assert schedule.enqueue_due(NOON + dt.timedelta(minutes=39)) == 0
        assert schedule.enqueue_due(NOON + dt.timedelta(minutes=40)) == 4
        assert set(PeriodicRun.objects.values_list("period", flat=True)) == {
            dt.datetime(2026, 3, 4, hour, tzinfo=dt.UTC) for hour in (12, 13)
        }
        queued_periods: dict = {}
        assert schedule.enqueue_due(NOON, queued_periods=queued_periods) == 0
        with django_assert_num_queries(0):
            assert schedule.enqueue_due(NOON, queued_periods=queued_periods) == 0
        runner.run_due_jobs()
        schemas = [job.return_value for job in DBTaskResult.objects.successful()]
        assert sorted(schemas) == sorted(2 * ["public", "c_ashford", "c_millbrook", "c_riverton"])


def test_the_portal_s_own_periodic_tasks_run(riverton):
    schedule.autodiscover()
    assert {"tenants.tasks.expire_invitations", "tenants.tasks.purge_finished_jobs"} <= set(
        schedule.PERIODIC_TASKS
    )
    schedule.enqueue_due()
    runner.run_due_jobs()
    assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()


class TestWagtail:
    """Wagtail and modelsearch queue jobs of their own, which know nothing of schemas."""

    def test_its_index_is_written_in_the_page_s_own_city(self, riverton, ashford):
        with tenant_context(riverton):
            home = Page.objects.filter(depth=2).first()
            home.title = "Our river city"
            home.save()
        paths = set(DBTaskResult.objects.values_list("task_path", flat=True))
        assert "modelsearch.tasks.insert_or_update_object_task" in paths
        assert "wagtail.tasks.update_reference_index_task" in paths
        assert {job.args_kwargs["schema"] for job in DBTaskResult.objects.all()} == {"c_riverton"}

        with tenant_context(ashford):
            runner.run_due_jobs()

        assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()
        counts = {}
        for jurisdiction in (riverton, ashford):
            with tenant_context(jurisdiction):
                counts[jurisdiction.slug] = Page.objects.search("river city").count()
        assert counts == {"riverton": 1, "ashford": 0}

    def test_a_page_that_is_gone_needs_no_index(self, riverton):
        with tenant_context(riverton):
            home = Page.objects.filter(depth=2).first()
            home.save()
            ReferenceIndex.objects.all().delete()
            DBTaskResult.objects.update(
                args_kwargs={"args": ["wagtailcore", "page", "99999"], "kwargs": {}, "schema": "c_riverton"}
            )
            DBTaskResult.objects.exclude(task_path__startswith="modelsearch.").delete()
        runner.run_due_jobs()
        assert latest_job().status == "SUCCESSFUL"

    def test_what_is_queued_after_the_commit_keeps_its_city(
        self, riverton, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            with tenant_context(riverton):
                transaction.on_commit(lambda: sample_jobs.describe_context.enqueue())
            assert connection.schema_name == "public"
        assert latest_job().args_kwargs["schema"] == "c_riverton"
        assert connection.schema_name == "public"


class TestCommand:
    def test_failed_jobs_are_listed_and_sent_back(self, capsys, riverton):
        with tenant_context(riverton):
            sample_jobs.fail_permanently.enqueue()
        runner.run_due_jobs()
        call_command("jobs")
        out = capsys.readouterr().out
        assert "1 failed" in out
        assert "sample_jobs.fail_permanently c_riverton: tenants.jobs.backend.PermanentJobError" in out
        call_command("jobs", traceback_of=str(latest_job().pk))
        assert "no use" in capsys.readouterr().out
        call_command("jobs", retry=str(latest_job().pk))
        assert (latest_job().status, latest_job().worker_ids) == ("READY", [])

    def test_a_wrong_id_is_named(self):
        with pytest.raises(CommandError, match="'nothing'"):
            call_command("jobs", retry="nothing")

    def test_the_stock_worker_is_ours(self):
        assert db_worker.Command is worker.Command
