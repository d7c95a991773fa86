"""The index of a real engine: updated, compared, repaired, and rebuilt."""

from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from search import service
from search.backends import fallback
from search.backends.engine.client import EngineUrl, Rejected, Unavailable, get_client, index_alias
from search.backends.engine.opensearch import OpenSearch
from search.indexing import bulk, indexes, rebuild, reconcile, serializer, store, tasks
from search.models import Document, PendingIndexUpdate
from tests.search.fault_proxy import fault_proxy
from tests.search.index_helpers import (
    add_documents,
    change_document,
    index_versions,
    remove_documents,
    send_operations,
    table_versions,
)

pytestmark = pytest.mark.django_db


# --- Comparing and repairing -------------------------------------------------------------------------------------


def damage_lost_write(client):
    change_document(Document.objects.first(), title="Never sent")


def damage_lost_removal(client):
    remove_documents(Document.objects.first())


def damage_missing(client):
    key = next(iter(index_versions(client)))
    client.request("DELETE", f"/{index_alias()}/_doc/{key}", params={"refresh": "true"})


def damage_extra(client):
    (document,) = add_documents()
    send_operations(client, serializer.index_operation(document))
    Document.objects.filter(pk=document.pk).delete()  # like a cascade, which records nothing in the outbox


def damage_written_again(client):
    document = Document.objects.first()
    remove_documents(document)
    document.pk = None
    store.save([document])


def damage_unknown_document(client):
    client.request("PUT", f"/{index_alias()}/_doc/x", {"kind": "plan"}, {"refresh": "true"})


def damage_ahead(client):
    """As after restoring a backup of the database: the engine has versions that the table never assigned."""
    operation = serializer.index_operation(Document.objects.first())
    send_operations(
        client, bulk.Operation(operation.id, operation.version + 10_000, operation.source | {"check": 5})
    )


def damage_emptied(client):
    client.request(
        "POST",
        f"/{index_alias()}/_delete_by_query",
        {"query": {"match_all": {}}},
        {"refresh": "true"},
    )


def damage_no_index(client):
    client.request("DELETE", f"/{indexes.current_index(client)}")


def damage_taken_name(client):
    """As when something writes to the alias while there is none: the engine creates an index of that name."""
    damage_no_index(client)
    client.request("PUT", f"/{index_alias()}")


DAMAGES = [value for name, value in list(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_reconciliation_repairs_any_damage(indexed_engine, damage):
    damage(indexed_engine)
    PendingIndexUpdate.objects.all().delete()  # only the comparison can repair it

    rebuild.reconcile_index()

    assert index_versions(indexed_engine) == table_versions()
    assert indexes.orphaned_indexes(indexed_engine) == []
    assert rebuild.reconcile_index() == "The search index agrees with the table."


def test_a_document_with_another_text_is_written_again(indexed_engine):
    document = change_document(Document.objects.first(), title="Other words")
    PendingIndexUpdate.objects.all().delete()

    assert reconcile.diff(indexed_engine, index_alias()).to_write == [document.pk]
    assert reconcile.repair(indexed_engine, index_alias(), is_alias=True).written == 1
    response = indexed_engine.request("GET", f"/{index_alias()}/_doc/{document.kind}:{document.uuid}")
    assert response["_source"]["title"] == {"en": "Other words"}


def test_the_comparison_needs_as_many_requests_for_many_documents_as_for_few(indexed_engine, settings):
    with fault_proxy(settings.SEARCH_URL) as server:

        def count_requests():
            server.requests.clear()
            assert not reconcile.diff(proxied_client, index_alias())
            return len(server.requests)

        proxied_client = OpenSearch(EngineUrl.parse(server.url))
        requests_for_few = count_requests()
        add_documents(600)
        tasks.send_pending(indexed_engine)
        assert count_requests() == requests_for_few


def test_another_version_of_the_portal_rebuilds_the_index(indexed_engine, monkeypatch):
    before = indexes.current_index(indexed_engine)
    rebuild.reconcile_index()
    assert indexes.current_index(indexed_engine) == before

    definition = indexes.index_definition()
    monkeypatch.setitem(indexes.CONSISTENCY_FIELDS, "added", {"type": "keyword"})
    assert indexes.index_definition() != definition
    rebuild.reconcile_index()

    assert indexes.current_index(indexed_engine) > before
    assert index_versions(indexed_engine) == table_versions()


def test_checksums_are_the_same_in_python_and_in_the_database(indexed_engine):
    index_sums, _unknown_documents = reconcile._index_checksums(indexed_engine, index_alias(), 500)
    documents = list(Document.objects.all())

    assert reconcile._table_checksums(500) == index_sums
    assert sum(total for _count, total in index_sums.values()) == sum(
        serializer.checksum(d.pk, d.version) for d in documents
    )


# --- Rebuilding ----------------------------------------------------------------------------------------------------


def test_during_a_rebuild_every_search_finds_one_complete_index(indexed_engine, monkeypatch):
    results, is_over = set(), threading.Event()
    alias = index_alias()

    def search_repeatedly():
        while not is_over.is_set():
            try:
                response = indexed_engine.request(
                    "POST", f"/{alias}/_search", {"size": 0, "track_total_hits": True}
                )
                results.add((response["hits"]["total"]["value"], response["_shards"]["failed"]))
            except (Unavailable, Rejected) as error:
                results.add(str(error))

    monkeypatch.setattr(rebuild, "MAX_SEARCH_SECONDS", 0.3)
    reader = threading.Thread(target=search_repeatedly)
    reader.start()
    for _time in range(3):
        rebuild.rebuild_index(indexed_engine)
    is_over.set()
    reader.join()

    assert results == {(5, 0)}


def test_changes_during_a_rebuild_are_not_lost(indexed_engine, monkeypatch):
    first, second = Document.objects.order_by("pk")[:2]
    pause_index_updates = tasks.pause_index_updates

    def write(title):
        change_document(first, title=title)
        remove_documents(*Document.objects.exclude(pk=first.pk)[:1])
        add_documents()
        tasks.send_pending(indexed_engine)  # to the old index

    def write_after_filling(documents, _count):
        yield from documents
        write("While it was filled")

    def write_before_the_swap():
        write("Right before the swap")
        pause_index_updates()

    monkeypatch.setattr(tasks, "pause_index_updates", write_before_the_swap)
    rebuild.rebuild_index(indexed_engine, progress=write_after_filling)
    monkeypatch.undo()

    assert index_versions(indexed_engine) == table_versions()
    assert second.pk not in Document.objects.values_list("pk", flat=True)


def test_a_failed_rebuild_leaves_the_old_index_and_deletes_its_own(indexed_engine):
    before = indexes.current_index(indexed_engine)

    def interrupt_after_first(documents, _count):
        yield next(documents)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        rebuild.rebuild_index(indexed_engine, progress=interrupt_after_first)

    assert indexes.current_index(indexed_engine) == before
    assert indexes.orphaned_indexes(indexed_engine) == []


def test_the_index_of_a_killed_rebuild_is_deleted_by_the_next_one(indexed_engine):
    unfinished = indexes.create(indexed_engine)
    assert indexes.orphaned_indexes(indexed_engine) == [unfinished]
    assert index_versions(indexed_engine) == table_versions()

    rebuild.rebuild_index(indexed_engine)

    assert indexes.orphaned_indexes(indexed_engine) == []
    assert indexes.current_index(indexed_engine) != unfinished


def test_rebuilding_and_sending_need_as_many_queries_for_many_documents_as_for_few(indexed_engine):
    def count_queries(function):
        with CaptureQueriesContext(connection) as queries:
            function(indexed_engine)
        return len(queries)

    queries_to_rebuild = count_queries(rebuild.rebuild_index)
    add_documents(2)
    queries_to_send = count_queries(tasks.send_pending)
    add_documents(60)

    assert count_queries(tasks.send_pending) == queries_to_send
    assert count_queries(rebuild.rebuild_index) == queries_to_rebuild


def test_other_indexes_are_not_deleted(indexed_engine):
    other = f"{index_alias()}-of-another-program"
    indexed_engine.request("PUT", f"/{other}")

    rebuild.rebuild_index(indexed_engine)
    rebuild.reconcile_index()

    assert indexed_engine.request("GET", f"/{other}")
    assert indexes.orphaned_indexes(indexed_engine) == []


def test_the_command_builds_the_index_after_synchronizing_the_table(engine):
    add_documents(3)  # nothing in the portal shows them, so the command removes them from the table first
    out = StringIO()
    with pytest.raises(CommandError, match=r"3 should not be there.*no search index"):
        call_command("rebuild_search", "--check", stdout=StringIO())

    call_command("rebuild_search", stdout=out)

    assert "removed 3." in out.getvalue()
    assert "index has 0 documents" in out.getvalue()
    assert index_versions(engine) == table_versions() == {}
    call_command("rebuild_search", "--check", stdout=StringIO())


def test_the_check_finds_differences_of_the_index(engine):
    call_command("rebuild_search", stdout=StringIO())
    (document,) = add_documents()
    send_operations(engine, serializer.index_operation(document))
    Document.objects.all().delete()

    with pytest.raises(
        CommandError, match="index: 0 documents are missing or out of date, and 1 should not be there"
    ):
        call_command("rebuild_search", "--check", stdout=StringIO())


def test_the_command_repairs_the_table_even_if_the_engine_fails(settings):
    with fault_proxy() as server:
        settings.SEARCH_URL = server.url
    add_documents(1)

    with pytest.raises(CommandError, match=r"is not available.*use the database"):
        call_command("rebuild_search", stdout=StringIO())

    assert not Document.objects.exists()


def run_lifecycle(client):
    """Take an index through all its changes; it agrees with the table in the end."""
    documents = add_documents(4)
    rebuild.reconcile_index()
    change_document(documents[0], title="Changed")
    remove_documents(documents[1])
    assert tasks.send_pending(client) == 4
    assert index_versions(client) == table_versions()

    late = serializer.index_operation(documents[1])
    assert [outcome.superseded for outcome in send_operations(client, late)] == [True]
    damage_lost_write(client)
    damage_extra(client)
    PendingIndexUpdate.objects.all().delete()
    assert rebuild.reconcile_index() == "The search index was repaired: 1 written, 1 removed."
    damage_ahead(client)
    assert "could not be repaired" in rebuild.reconcile_index()
    assert index_versions(client) == table_versions()


def test_the_lifecycle_is_the_same_with_every_version_of_the_engine(
    db, search_server, search_prefix, settings, monkeypatch
):
    settings.SEARCH_URL, settings.SEARCH_PREFIX = search_server, f"{search_prefix}every"
    monkeypatch.setattr(rebuild, "MAX_SEARCH_SECONDS", 0)

    run_lifecycle(client := get_client())

    indexes.delete(client, [indexes.current_index(client)])


def test_the_lifecycle_is_the_same_with_the_client_of_elasticsearch(engine, settings, monkeypatch):
    """Its requests are those for a real Elasticsearch; here OpenSearch answers them."""
    monkeypatch.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 20)  # this machine may be busy
    with fault_proxy(settings.SEARCH_URL) as server:
        server.fault = "as elasticsearch"
        settings.SEARCH_URL, settings.SEARCH_FAMILY = server.url, "elasticsearch"

        run_lifecycle(get_client())

        add_documents(title="Overdue fines")
        tasks.send_pending(get_client())
        results = service.search("fines", audience="public")
        assert [hit.title for hit in results.hits] == [[("Overdue ", False), ("fines", True)]]
        assert results.notice == ""
        assert all("compatible-with=8" in request.headers["accept"] for request in server.requests)
