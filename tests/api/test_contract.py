"""Responses match the OpenAPI description; schemathesis sends valid and invalid requests."""

from __future__ import annotations

import pytest
import schemathesis
from django.conf import settings as portal
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture import engine
from rest_framework import serializers
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from cohort.api import PlanSerializer
from tests.full import gate_or_full
from tests.resources.factories import LibraryItemFactory

EXAMPLES = gate_or_full(3, 40)  # valid and invalid requests for each address
KEYS = {
    "jurisdictions": "slug", "plans": "id", "goals": "id", "outcomes": "id", "actions": "id", "library": "key",
    "topics": "slug",
}  # fmt: skip
BY_SLUG = [(name, key) for name, key in KEYS.items() if key != "id"]


@pytest.fixture
def contract(riverton, ashford, publish, library):
    """The OpenAPI description of an API with cities and a library."""
    publish(riverton, ["completed", None, "on_track", "off_track"])
    publish(ashford, ["at_risk"], visibility="cohort")
    LibraryItemFactory(members=True)
    portal_app = get_wsgi_application()

    def app(environ, start_response):
        environ["HTTP_HOST"] = portal.ALLIANCE_HOST
        return portal_app(environ, start_response)

    for signal in (request_started, request_finished):  # the requests share the test's transaction
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", app)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def call(contract, path, *, query=None, **path_parameters):
    """Return the response to a GET request, after all checks of schemathesis."""
    return contract[path]["GET"].Case(query=query or {}, path_parameters=path_parameters).call_and_validate()


def test_every_response_is_as_described(contract, monkeypatch):
    # Failed attempts after which an address counts as having no invalid request. All others get one at once.
    # Hypothesis has no setting for it.
    monkeypatch.setattr(engine, "INVALID_THRESHOLD_BASE", 30)
    operations = [result.ok() for result in contract.get_all_operations()]
    assert len(operations) == 3 * len(contract.raw_schema["paths"]) > 40
    without_invalid_requests = []
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode == GenerationMode.NEGATIVE and operation.method != "get":
                continue

            @seed(2027)
            @settings(
                max_examples=EXAMPLES if operation.method == "get" else 1,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case):
                case.call_and_validate()

            try:
                check()
            except Unsatisfiable:
                without_invalid_requests.append(operation.path)
    assert without_invalid_requests == ["/api/v1", *(f"/api/v1/{name}/{{{key}}}" for name, key in BY_SLUG)]


def test_real_rows_are_as_described(contract):
    for name, key in KEYS.items():
        path = f"/api/v1/{name}"
        rows = call(contract, path, query={"page_size": 100}).json()["results"]
        assert rows, name
        for row in rows[:20]:
            response = call(contract, f"{path}/{{{key}}}", **{key: row[key]})
            assert response.status_code == 200
            assert {name: response.json()[name] for name in row} == row
    for query in ("library fines", "fair", "housng"):
        assert call(contract, "/api/v1/search", query={"q": query}).json()["total"] > 0


def test_a_response_that_is_not_as_described_is_noticed(contract, monkeypatch):
    fields = PlanSerializer.get_fields
    goals = {"goals": serializers.CharField(source="title")}
    monkeypatch.setattr(PlanSerializer, "get_fields", lambda self: fields(self) | goals)
    with pytest.raises(FailureGroup, match="not of type"):
        call(contract, "/api/v1/plans")
