"""An engine backend whose index is updated from the table before every search: for tests of the results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from search.backends.engine.backend import EngineBackend
from search.backends.engine.client import EngineUrl
from search.backends.engine.opensearch import OpenSearch
from search.indexing import bulk, indexes, serializer
from search.models import Document


def row_versions():
    """A value that differs after any change of the table; queried so that it does not count among Django's queries."""
    with connection.connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(id || ' ' || xmin || ' ' || ctid ORDER BY id) FROM public.search_document"
        )
        return cursor.fetchone()[0] or []


class IndexedBackend(EngineBackend):
    def __init__(self, client, name):
        super().__init__(client, name)
        self.requests = []  # the bodies of searches and suggestions
        self._indexed_versions = None

    def execute(self, query, parsed):
        self.update_index()
        return super().execute(query, parsed)

    def suggest(self, prefix, **kwargs):
        self.update_index()
        return super().suggest(prefix, **kwargs)

    def update_index(self):
        if (versions := row_versions()) == self._indexed_versions:
            return
        self._client.request("DELETE", f"/{self._alias}", params={"ignore_unavailable": "true"})
        self._client.request("PUT", f"/{self._alias}", indexes.index_definition())
        documents = Document.objects.order_by("pk").defer(*serializer.UNINDEXED_FIELDS)
        operations = map(serializer.index_operation, documents)
        outcomes = list(bulk.send(self._client, self._alias, operations, is_alias=False, refresh=True))
        assert not [outcome for outcome in outcomes if outcome.error or outcome.superseded]
        self._indexed_versions = versions

    def _search(self, body):
        self.requests.append(body)
        return super()._search(body)


@contextmanager
def indexed_backend(url: str, name: str) -> Iterator[IndexedBackend]:
    client = OpenSearch(EngineUrl.parse(url))
    yield IndexedBackend(client, name)
    client.request("DELETE", f"/{name}", params={"ignore_unavailable": "true"})
