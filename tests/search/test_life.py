"""The life of an engine's index, on a real engine: fed, compared, repaired, built anew, and never behind for long."""

from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from search import service
from search.backends import fallback
from search.backends.engine.client import EngineUrl, Rejected, Unavailable, get_client
from search.backends.engine.opensearch import OpenSearch
from search.indexing import bulk, indexes, rebuild, reconcile, store, tasks
from search.models import Document, PendingIndexUpdate
from tests.search.breaking import breakable
from tests.search.written import add, change, drop, in_index, in_table, put

pytestmark = pytest.mark.django_db


# --- Comparing and repairing -------------------------------------------------------------------------------------


def damage_lost_write(transport):
    change(Document.objects.first(), title="Never sent")


def damage_lost_removal(transport):
    drop(Document.objects.first())


def damage_missing(transport):
    key = next(iter(in_index(transport)))
    transport.request("DELETE", f"/{indexes.index_alias()}/_doc/{key}", params={"refresh": "true"})


def damage_extra(transport):
    (document,) = add()
    put(transport, tasks.index_operation(document))
    Document.objects.filter(pk=document.pk).delete()  # as a cascade does: nothing is noted


def damage_made_anew(transport):
    document = Document.objects.first()
    drop(document)
    document.pk = None
    store.save([document])


def damage_stranger(transport):
    transport.request("PUT", f"/{indexes.index_alias()}/_doc/x", {"kind": "plan"}, {"refresh": "true"})


def damage_ahead(transport):
    """As after a backup of the database was brought back: the engine has versions that the table never gave."""
    one = tasks.index_operation(Document.objects.first())
    put(transport, bulk.Operation(one.id, one.version + 10_000, one.source | {"check": 5}))


def damage_emptied(transport):
    transport.request(
        "POST",
        f"/{indexes.index_alias()}/_delete_by_query",
        {"query": {"match_all": {}}},
        {"refresh": "true"},
    )


def damage_no_index(transport):
    transport.request("DELETE", f"/{indexes.current_index(transport)}")


def damage_taken_name(transport):
    """As when something writes to the alias while there is none: the engine makes an index of that name."""
    damage_no_index(transport)
    transport.request("PUT", f"/{indexes.index_alias()}")


DAMAGES = [value for name, value in list(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_whatever_went_wrong_the_comparison_puts_it_right(built, damage):
    damage(built)
    PendingIndexUpdate.objects.all().delete()  # nothing but the comparison shall help

    rebuild.reconcile_index()

    assert in_index(built) == in_table()
    assert indexes.orphaned_indexes(built) == []
    assert rebuild.reconcile_index() == "The search index agrees with the table."


def test_a_document_in_which_words_differ_is_written_again(built):
    document = change(Document.objects.first(), title="Other words")
    PendingIndexUpdate.objects.all().delete()

    assert reconcile.diff(built, indexes.index_alias()).to_write == [document.pk]
    assert reconcile.repair(built, indexes.index_alias(), is_alias=True).written == 1
    found = built.request("GET", f"/{indexes.index_alias()}/_doc/{document.kind}:{document.uuid}")
    assert found["_source"]["title"] == {"en": "Other words"}


def test_the_comparison_asks_as_often_for_many_as_for_few(built, settings):
    with breakable(settings.SEARCH_URL) as server:

        def asked():
            server.seen.clear()
            assert not reconcile.diff(through, indexes.index_alias())
            return len(server.seen)

        through = OpenSearch(EngineUrl.parse(server.url))
        few = asked()
        add(600)
        tasks.send_pending(built)
        assert asked() == few


def test_another_version_of_the_portal_has_its_index_built_anew(built, monkeypatch):
    before = indexes.current_index(built)
    rebuild.reconcile_index()
    assert indexes.current_index(built) == before

    made = indexes.index_definition()
    monkeypatch.setitem(indexes.CONSISTENCY_FIELDS, "mark", {"type": "keyword"})
    assert indexes.index_definition() != made
    rebuild.reconcile_index()

    assert indexes.current_index(built) > before
    assert in_index(built) == in_table()


def test_sums_are_the_same_here_and_in_the_database(built):
    theirs, _strangers = reconcile._index_checksums(built, indexes.index_alias(), 500)
    documents = list(Document.objects.all())

    assert reconcile._table_checksums(500) == theirs
    assert sum(total for _count, total in theirs.values()) == sum(
        tasks.checksum(d.pk, d.version) for d in documents
    )


# --- Building anew -----------------------------------------------------------------------------------------------


def test_searches_find_one_whole_index_at_every_moment_of_a_rebuild(built, monkeypatch):
    counts, over = set(), threading.Event()
    alias = indexes.index_alias()

    def look():
        while not over.is_set():
            try:
                answer = built.request("POST", f"/{alias}/_search", {"size": 0, "track_total_hits": True})
                counts.add((answer["hits"]["total"]["value"], answer["_shards"]["failed"]))
            except (Unavailable, Rejected) as error:
                counts.add(str(error))

    monkeypatch.setattr(rebuild, "MAX_SEARCH_SECONDS", 0.3)
    reader = threading.Thread(target=look)
    reader.start()
    for _time in range(3):
        rebuild.rebuild_index(built)
    over.set()
    reader.join()

    assert counts == {(5, 0)}


def test_what_is_written_during_a_rebuild_is_not_lost(built, monkeypatch):
    first, second = Document.objects.order_by("pk")[:2]
    pause_feeding = tasks.pause_feeding

    def write(title):
        change(first, title=title)
        drop(*Document.objects.exclude(pk=first.pk)[:1])
        add()
        tasks.send_pending(built)  # to the old index

    def while_it_is_filled(documents, _count):
        yield from documents
        write("While it was filled")

    def right_before_the_swap():
        write("Right before the swap")
        pause_feeding()

    monkeypatch.setattr(tasks, "pause_feeding", right_before_the_swap)
    rebuild.rebuild_index(built, progress=while_it_is_filled)
    monkeypatch.undo()

    assert in_index(built) == in_table()
    assert second.pk not in Document.objects.values_list("pk", flat=True)


def test_a_rebuild_that_fails_leaves_the_old_index_and_its_leftovers_go(built):
    before = indexes.current_index(built)

    def cut_off(documents, _count):
        yield next(documents)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        rebuild.rebuild_index(built, progress=cut_off)

    assert indexes.current_index(built) == before
    assert indexes.orphaned_indexes(built) == []


def test_a_rebuild_that_was_killed_leaves_what_the_next_one_removes(built):
    killed = indexes.create(built)
    assert indexes.orphaned_indexes(built) == [killed]
    assert in_index(built) == in_table()

    rebuild.rebuild_index(built)

    assert indexes.orphaned_indexes(built) == []
    assert indexes.current_index(built) != killed


def test_a_rebuild_and_a_feed_ask_the_database_as_often_for_many_documents_as_for_few(built):
    def used(work):
        with CaptureQueriesContext(connection) as queries:
            work(built)
        return len(queries)

    few = used(rebuild.rebuild_index)
    add(2)
    few_fed = used(tasks.send_pending)
    add(60)

    assert used(tasks.send_pending) == few_fed
    assert used(rebuild.rebuild_index) == few


def test_indexes_of_others_are_left_alone(built):
    other = f"{indexes.index_alias()}-of-somebody-else"
    built.request("PUT", f"/{other}")

    rebuild.rebuild_index(built)
    rebuild.reconcile_index()

    assert built.request("GET", f"/{other}")
    assert indexes.orphaned_indexes(built) == []


def test_the_command_builds_the_index_after_the_table_and_says_so(engine):
    add(3)  # which nothing in the portal shows: the table goes first
    out = StringIO()
    with pytest.raises(CommandError, match=r"3 should not be there.*no search index"):
        call_command("rebuild_search", "--check", stdout=StringIO())

    call_command("rebuild_search", stdout=out)

    assert "removed 3." in out.getvalue()
    assert "0 documents in the search engine's index" in out.getvalue()
    assert in_index(engine) == in_table() == {}
    call_command("rebuild_search", "--check", stdout=StringIO())


def test_the_check_finds_what_differs_in_the_index(engine):
    call_command("rebuild_search", stdout=StringIO())
    (document,) = add()
    put(engine, tasks.index_operation(document))
    Document.objects.all().delete()

    with pytest.raises(CommandError, match="index: 0 documents are missing or old and 1 should not be there"):
        call_command("rebuild_search", "--check", stdout=StringIO())


def test_the_command_repairs_the_table_also_without_an_engine(settings):
    with breakable() as server:
        settings.SEARCH_URL = server.url
    add(1)

    with pytest.raises(CommandError, match=r"does not answer.*PostgreSQL answers"):
        call_command("rebuild_search", stdout=StringIO())

    assert not Document.objects.exists()


def lead_a_life(transport):
    """All that an index goes through; it agrees with the table in the end."""
    documents = add(4)
    rebuild.reconcile_index()
    change(documents[0], title="Changed")
    drop(documents[1])
    assert tasks.send_pending(transport) == 4
    assert in_index(transport) == in_table()

    late = tasks.index_operation(documents[1])
    assert [outcome.superseded for outcome in put(transport, late)] == [True]
    damage_lost_write(transport)
    damage_extra(transport)
    PendingIndexUpdate.objects.all().delete()
    assert rebuild.reconcile_index() == "The search index was repaired: 1 written, 1 removed."
    damage_ahead(transport)
    assert "could not be repaired" in rebuild.reconcile_index()
    assert in_index(transport) == in_table()


def test_every_version_of_the_engine_leads_the_same_life(
    db, search_server, search_prefix, settings, monkeypatch
):
    settings.SEARCH_URL, settings.SEARCH_PREFIX = search_server, f"{search_prefix}every"
    monkeypatch.setattr(rebuild, "MAX_SEARCH_SECONDS", 0)

    lead_a_life(transport := get_client())

    indexes.delete(transport, [indexes.current_index(transport)])


def test_elasticsearch_s_client_leads_the_same_life(engine, settings, monkeypatch):
    """Its requests are those of the real one; a server of the other family stands in for what they mean."""
    monkeypatch.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 20)  # this machine may be busy
    with breakable(settings.SEARCH_URL) as server:
        server.way = "as elasticsearch"
        settings.SEARCH_URL, settings.SEARCH_FAMILY = server.url, "elasticsearch"

        lead_a_life(get_client())

        add(title="Overdue fines")
        tasks.send_pending(get_client())
        answer = service.search("fines", audience="public")
        assert [hit.title for hit in answer.hits] == [[("Overdue ", False), ("fines", True)]]
        assert answer.notice == ""
        assert all("compatible-with=8" in one.headers["accept"] for one in server.seen)
