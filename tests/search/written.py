"""Documents as the portal writes them, and what an engine's index holds of them."""

from __future__ import annotations

from django.db import connection

from search.indexing import bulk, indexes, store
from search.models import Document
from tests.search.factories import DocumentFactory


def in_index(transport, name=None):
    """What the index holds: {id: version}."""
    name = name or indexes.index_alias()
    transport.request("POST", f"/{name}/_refresh")
    answer = transport.request("POST", f"/{name}/_search", {"size": 1000, "version": True, "_source": False})
    return {hit["_id"]: hit["_version"] for hit in answer["hits"]["hits"]}


def in_table():
    return {f"{kind}:{uuid}": v for kind, uuid, v in Document.objects.values_list("kind", "uuid", "version")}


def add(count=1, **kwargs):
    """Documents as the portal writes them."""
    made = DocumentFactory.build_batch(count, **kwargs)
    store.save(made)
    return list(Document.objects.filter(uuid__in=[one.uuid for one in made]))


def change(document, **values):
    fresh = Document.objects.get(pk=document.pk)
    for name, value in values.items():
        setattr(fresh, name, value)
    store.save([fresh])
    return Document.objects.get(pk=document.pk)


def in_another_transaction():
    """Forget that this test's one transaction has queued a job already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('portal.feeds_search', '', true)")


def drop(*documents):
    store.remove(Document.objects.filter(pk__in=[one.pk for one in documents]))


def put(transport, *operations):
    """Send these to the index; what became of each."""
    return list(bulk.send(transport, indexes.index_alias(), operations, is_alias=True, refresh=True))
