"""The search path is set when it changes, and only then."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import tenant_context

from tests.tenants.conftest import committed  # noqa: F401  (a fixture)


def current_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return cursor.fetchone()[0]


@pytest.fixture
def two_cities(committed):  # noqa: F811
    from tenants.models import Jurisdiction

    yield Jurisdiction.objects.get(slug="riverton"), Jurisdiction.objects.get(slug="ashford")
    connection.set_schema_to_public()


def test_the_path_follows_every_change_of_schema(two_cities):
    riverton, ashford = two_cities
    for jurisdiction in (riverton, ashford, riverton, riverton, ashford):
        connection.set_tenant(jurisdiction)
        assert current_path() == f"{jurisdiction.schema_name}, public"
        connection.set_schema_to_public()
    assert current_path() == "public"
    connection.set_schema("c_riverton", include_public=False)
    assert current_path() == "c_riverton"


def test_the_path_is_set_once_for_requests_of_one_schema(two_cities):
    riverton, _ashford = two_cities
    with CaptureQueriesContext(connection) as queries:
        for _request in range(3):
            connection.set_schema_to_public()
            connection.set_tenant(riverton)
            current_path()
    assert sum("SET search_path" in query["sql"] for query in queries) == 1
    assert len(queries) == 4


def test_a_rollback_reverts_a_path_that_was_set_in_it(two_cities):
    riverton, ashford = two_cities
    connection.set_tenant(riverton)
    current_path()
    with transaction.atomic():
        connection.set_tenant(ashford)
        current_path()
        transaction.set_rollback(True)
    assert current_path() == "c_ashford, public"
    connection.set_tenant(riverton)
    assert current_path() == "c_riverton, public"


def test_a_rolled_back_savepoint_reverts_it_too(two_cities):
    riverton, ashford = two_cities
    with transaction.atomic():
        connection.set_tenant(riverton)
        current_path()
        with transaction.atomic():
            with tenant_context(ashford):
                current_path()
            transaction.set_rollback(True)
        assert current_path() == "c_riverton, public"
        with tenant_context(ashford):
            assert current_path() == "c_ashford, public"


def test_a_failed_statement_leaves_no_wrong_path(two_cities):
    riverton, ashford = two_cities
    connection.set_tenant(riverton)
    current_path()

    def fail() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            connection.set_tenant(ashford)
            current_path()
            cursor.execute("SELECT 1/0")

    with pytest.raises(DatabaseError):
        fail()
    assert current_path() == "c_ashford, public"
    connection.set_tenant(riverton)
    assert current_path() == "c_riverton, public"


def test_a_new_connection_starts_from_nothing(two_cities):
    riverton, _ashford = two_cities
    connection.set_tenant(riverton)
    current_path()
    connection.close()
    assert current_path() == "c_riverton, public"
