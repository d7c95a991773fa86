"""A database of their own for tests that commit: races, killed processes, workers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import _admin, _point_at, fingerprint


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """What these tests write is committed; gives the environment with which other processes see the same."""
    from django.conf import settings
    from django.db import connection

    before = settings.DATABASES["default"]["NAME"]
    name = f"committed_{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock():
        admin = _admin()
        cursor = admin.cursor()
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "template_{fingerprint()}"')
        _point_at(name)
        address, _slash, _name = os.environ["DATABASE_URL"].rpartition("/")
        env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": f"{address}/{name}",
        }
        try:
            yield env
        finally:
            connection.close()
            _point_at(before)
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            admin.close()
