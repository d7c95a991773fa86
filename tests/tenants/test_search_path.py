"""The search path is set when it has to be, and only then."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import tenant_context

from tests.tenants.conftest import committed  # noqa: F401  (a fixture)


def path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return cursor.fetchone()[0]


@pytest.fixture
def two(committed):  # noqa: F811
    from tenants.models import Jurisdiction

    yield Jurisdiction.objects.get(slug="riverton"), Jurisdiction.objects.get(slug="ashford")
    connection.set_schema_to_public()


def test_it_follows_every_change_of_schema(two):
    riverton, ashford = two
    for jurisdiction in (riverton, ashford, riverton, riverton, ashford):
        connection.set_tenant(jurisdiction)
        assert path() == f"{jurisdiction.schema_name}, public"
        connection.set_schema_to_public()
    assert path() == "public"
    connection.set_schema("c_riverton", include_public=False)
    assert path() == "c_riverton"


def test_it_is_set_once_for_requests_of_one_schema(two):
    riverton, _ashford = two
    with CaptureQueriesContext(connection) as queries:
        for _request in range(3):
            connection.set_schema_to_public()
            connection.set_tenant(riverton)
            path()
    assert sum("SET search_path" in query["sql"] for query in queries) == 1
    assert len(queries) == 4


def test_a_rollback_takes_back_what_was_set_in_it(two):
    riverton, ashford = two
    connection.set_tenant(riverton)
    path()
    with transaction.atomic():
        connection.set_tenant(ashford)
        path()
        transaction.set_rollback(True)
    assert path() == "c_ashford, public"
    connection.set_tenant(riverton)
    assert path() == "c_riverton, public"


def test_a_rolled_back_savepoint_does_too(two):
    riverton, ashford = two
    with transaction.atomic():
        connection.set_tenant(riverton)
        path()
        with transaction.atomic():
            with tenant_context(ashford):
                path()
            transaction.set_rollback(True)
        assert path() == "c_riverton, public"
        with tenant_context(ashford):
            assert path() == "c_ashford, public"


def test_a_failed_statement_leaves_no_wrong_path(two):
    riverton, ashford = two
    connection.set_tenant(riverton)
    path()

    def fail() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            connection.set_tenant(ashford)
            path()
            cursor.execute("SELECT 1/0")

    with pytest.raises(DatabaseError):
        fail()
    assert path() == "c_ashford, public"
    connection.set_tenant(riverton)
    assert path() == "c_riverton, public"


def test_a_new_connection_starts_from_nothing(two):
    riverton, _ashford = two
    connection.set_tenant(riverton)
    path()
    connection.close()
    assert path() == "c_riverton, public"
