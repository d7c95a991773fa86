"""`manage.py worker`: runs queued jobs, requeues those of killed workers, and queues periodic tasks."""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands import db_worker

from tenants.jobs import recovery, runner, schedule

log = logging.getLogger("tenants.jobs.worker")


class TenantWorker(db_worker.Worker):
    """django-tasks' worker, which runs each job in its own schema and records heartbeats."""

    def __init__(self, *, lease: float, **options: Any) -> None:
        super().__init__(**options)
        self.lease = dt.timedelta(seconds=lease)
        self.stopped = threading.Event()

    def run(self) -> None:
        heartbeats = threading.Thread(target=self.send_heartbeats, name="heartbeats", daemon=True)
        try:
            while True:
                try:
                    self.heartbeat()  # before a job is claimed: a worker without a heartbeat counts as killed
                    if not heartbeats.ident:
                        heartbeats.start()
                    return super().run()
                except (OperationalError, InterfaceError) as error:  # no connection, or one that was cut
                    log.warning("The database is not available; trying again in 2 s: %s", error)
                    connection.close()
                    if self.stopped.wait(2):
                        return None
        finally:
            self.stopped.set()
            if heartbeats.ident:
                heartbeats.join(5)

    def heartbeat(self) -> None:
        recovery.heartbeat(self.worker_id, host=socket.gethostname(), pid=os.getpid())

    def send_heartbeats(self) -> None:
        """In a thread of its own, so that a long job does not look like a killed worker."""
        queued_periods: dict[str, dt.datetime] = {}
        while True:
            try:
                close_old_connections()
                self.heartbeat()
                recovery.requeue_orphans(lease=self.lease)
                schedule.enqueue_due(queued_periods=queued_periods)
            except Exception:
                log.exception("The worker missed a heartbeat.")
                connection.close()
            if self.stopped.wait(self.lease.total_seconds() / 6):
                connection.close()
                return

    def run_task(self, job: Any) -> None:
        self.running_task = True
        try:
            runner.run_job(job)
        finally:
            self.running_task = False
            self._run_tasks += 1


class Command(BaseCommand):
    help = "Run queued jobs, requeue those of killed workers, and queue periodic tasks. Start as many as you like."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", action="store_true", help="End when no job is left.")
        parser.add_argument(
            "--interval",
            type=float,
            default=1,
            help="Seconds between two polls of an empty queue; %(default)s.",
        )
        parser.add_argument(
            "--lease",
            type=float,
            default=30,
            help="Seconds without a heartbeat after which a worker counts as killed; the same for all; %(default)s.",
        )
        parser.add_argument("--max-jobs", type=int, help="End after this many jobs.")

    def handle(
        self, *, batch: bool, interval: float, lease: float, max_jobs: int | None, **options: Any
    ) -> None:
        schedule.autodiscover()
        worker = TenantWorker(
            lease=lease,
            queue_names=["*"],
            excluded_queue_names=[],
            interval=interval,
            batch=batch,
            backend_name="default",
            startup_delay=False,
            max_tasks=max_jobs,
            worker_id=get_random_string(32),
        )
        worker.configure_signals()
        worker.run()
