"""Documents written as the portal writes them, and the versions that the table and an index have."""

from __future__ import annotations

from django.db import connection

from search.backends.engine.client import index_alias
from search.indexing import bulk, store
from search.models import Document
from tests.search.factories import DocumentFactory


def index_versions(client, name=None):
    """The documents of the index: {id: version}."""
    name = name or index_alias()
    client.request("POST", f"/{name}/_refresh")
    response = client.request("POST", f"/{name}/_search", {"size": 1000, "version": True, "_source": False})
    return {hit["_id"]: hit["_version"] for hit in response["hits"]["hits"]}


def table_versions():
    """The documents of the table: {id: version}."""
    rows = Document.objects.values_list("kind", "uuid", "version")
    return {f"{kind}:{uuid}": version for kind, uuid, version in rows}


def add_documents(count=1, **kwargs):
    documents = DocumentFactory.build_batch(count, **kwargs)
    store.save(documents)
    return list(Document.objects.filter(uuid__in=[document.uuid for document in documents]))


def change_document(document, **values):
    stored = Document.objects.get(pk=document.pk)
    for name, value in values.items():
        setattr(stored, name, value)
    store.save([stored])
    return Document.objects.get(pk=document.pk)


def remove_documents(*documents):
    store.remove(Document.objects.filter(pk__in=[document.pk for document in documents]))


def begin_new_transaction():
    """Let the test's transaction count as a new one, for which no job is enqueued yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('portal.feeds_search', '', true)")


def send_operations(client, *operations):
    """Send these to the index and return the outcomes."""
    return list(bulk.send(client, index_alias(), operations, is_alias=True, refresh=True))
