"""Openings of cities at the same time, and one that is killed in the middle."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tenants.jurisdictions import services
from tenants.models import Domain, Jurisdiction
from tenants.schemas import inventory
from tenants.signals import jurisdiction_opened
from tests.forks import forked_process, kill, pipe
from tests.tenants.schema_helpers import wait_for_lock_waiter

pytestmark = pytest.mark.usefixtures("committed")


def open_city(slug: str) -> int:
    try:
        return services.open_jurisdiction(name=f"City of {slug}", slug=slug, by=None).pk
    finally:
        connection.close()


def test_two_openings_of_one_slug_make_one_city():
    barrier = threading.Barrier(4)

    def open_with_others(_number: int) -> int:
        barrier.wait()
        return open_city("twice")

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(open_with_others, range(4)))
    assert len(set(ids)) == 1
    assert Jurisdiction.objects.filter(slug="twice").count() == 1
    assert Domain.objects.filter(domain="twice.localhost").count() == 1
    assert inventory.schema_exists("c_twice")


def test_different_cities_do_not_wait_for_each_other():
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        services.open_jurisdiction(name="Slow", slug="slow", by=None)  # not committed yet
        pool.submit(open_city, "quick").result(timeout=20)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM c_quick.django_migrations")
            assert cursor.fetchone()[0] > 100
    assert inventory.schema_exists("c_slow")


def test_many_cities_at_once():
    slugs = [f"many-{number}" for number in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(open_city, slugs))
    assert all(inventory.schema_exists(services.schema_name_for(slug)) for slug in slugs)


def test_an_opening_waits_for_a_migration():
    with ThreadPoolExecutor(1) as pool:
        with inventory.migration_lock():
            future = pool.submit(open_city, "waiting")
            wait_for_lock_waiter()
            time.sleep(0.2)
            assert not future.done()
        assert future.result(timeout=20)


def open_and_stop_in_the_middle(sender_end) -> None:
    def stop(sender, **kwargs):
        sender_end.send("in the middle")
        time.sleep(600)

    jurisdiction_opened.connect(stop)
    open_city("killed")


def test_an_opening_that_was_killed_leaves_nothing():
    receiver, sender = pipe()
    with forked_process(open_and_stop_in_the_middle, sender) as process:
        assert receiver.poll(20)
        kill(process)

    deadline = time.monotonic() + 20
    while open_transactions() and time.monotonic() < deadline:  # PostgreSQL notices within a moment
        time.sleep(0.05)
    assert not Jurisdiction.objects.filter(slug="killed").exists()
    assert not Domain.objects.filter(domain="killed.localhost").exists()
    assert not inventory.schema_exists("c_killed")
    open_city("killed")
    assert inventory.schema_exists("c_killed")


def open_transactions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
        )
        return cursor.fetchone()[0]
