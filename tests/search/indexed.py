"""An engine's index that is brought in step with the table before every question: for tests of what is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from search.index import bulk, feed, indexes
from search.index.asking import Remote
from search.index.opensearch import OpenSearch
from search.index.transports import Address
from search.models import Document


class Indexed(Remote):
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
        documents = list(Document.objects.order_by("pk").defer("vector"))
        written = {feed.source.doc_id(d): (d, hash(repr(feed.writing(d).source))) for d in documents}
        if (now := {key: digest for key, (_d, digest) in written.items()}) == self._known:
            return
        self._transport.request("DELETE", f"/{self._alias}", params={"ignore_unavailable": "true"})
        self._transport.request("PUT", f"/{self._alias}", indexes.body())
        operations = [feed.writing(document) for document, _digest in written.values()]
        outcomes = list(bulk.send(self._transport, self._alias, operations, is_alias=False, refresh=True))
        assert not [outcome for outcome in outcomes if outcome.error or outcome.overtaken]
        self._known = now

    def _ask(self, body):
        self.asked.append(body)
        return super()._ask(body)


@contextmanager
def indexed(url: str, name: str) -> Iterator[Indexed]:
    transport = OpenSearch(Address.parse(url))
    yield Indexed(transport, name)
    transport.request("DELETE", f"/{name}", params={"ignore_unavailable": "true"})
