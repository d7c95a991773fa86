"""An engine's index that is brought in step with the table before every question: for tests of what is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from search.backends.engine.backend import EngineBackend
from search.backends.engine.client import EngineUrl
from search.backends.engine.opensearch import OpenSearch
from search.indexing import bulk, indexes, tasks
from search.models import Document


def rows():
    """What changes whenever a row of the table does; asked so that nobody counts it among a search's queries."""
    with connection.connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(id || ' ' || xmin || ' ' || ctid ORDER BY id) FROM public.search_document"
        )
        return cursor.fetchone()[0] or []


class Indexed(EngineBackend):
    def __init__(self, transport, name):
        super().__init__(transport, name)
        self.asked = []  # the requests of searches and suggestions
        self._known = None

    def search(self, query):
        self.catch_up()
        return super().search(query)

    def suggest(self, prefix, **kwargs):
        self.catch_up()
        return super().suggest(prefix, **kwargs)

    def catch_up(self):
        if (now := rows()) == self._known:
            return
        self._transport.request("DELETE", f"/{self._alias}", params={"ignore_unavailable": "true"})
        self._transport.request("PUT", f"/{self._alias}", indexes.index_definition())
        operations = map(
            tasks.index_operation, Document.objects.order_by("pk").defer(*tasks.UNINDEXED_FIELDS)
        )
        outcomes = list(bulk.send(self._transport, self._alias, operations, is_alias=False, refresh=True))
        assert not [outcome for outcome in outcomes if outcome.error or outcome.superseded]
        self._known = now

    def _ask(self, body):
        self.asked.append(body)
        return super()._ask(body)


@contextmanager
def indexed(url: str, name: str) -> Iterator[Indexed]:
    transport = OpenSearch(EngineUrl.parse(url))
    yield Indexed(transport, name)
    transport.request("DELETE", f"/{name}", params={"ignore_unavailable": "true"})
