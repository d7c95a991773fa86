"""The life of an engine's index, on a real engine: fed, compared, repaired, built anew, and never behind for long."""

from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from search import queries, store
from search.index import bulk, compare, fallback, feed, indexes, life
from search.index.opensearch import OpenSearch
from search.index.transports import Address, Rejected, Unavailable, current
from search.models import Document, Unsent
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
    transport.request("DELETE", f"/{indexes.alias()}/_doc/{key}", params={"refresh": "true"})


def damage_extra(transport):
    (document,) = add()
    put(transport, feed.writing(document))
    Document.objects.filter(pk=document.pk).delete()  # as a cascade does: nothing is noted


def damage_made_anew(transport):
    document = Document.objects.first()
    drop(document)
    document.pk = None
    store._save([document])


def damage_stranger(transport):
    transport.request("PUT", f"/{indexes.alias()}/_doc/x", {"kind": "plan"}, {"refresh": "true"})


def damage_ahead(transport):
    """As after a backup of the database was brought back: the engine has versions that the table never gave."""
    one = feed.writing(Document.objects.first())
    put(transport, bulk.Operation(one.id, one.version + 10_000, one.source | {"check": 5}))


def damage_emptied(transport):
    transport.request(
        "POST", f"/{indexes.alias()}/_delete_by_query", {"query": {"match_all": {}}}, {"refresh": "true"}
    )


def damage_no_index(transport):
    transport.request("DELETE", f"/{indexes.current(transport)}")


def damage_taken_name(transport):
    """As when something writes to the alias while there is none: the engine makes an index of that name."""
    damage_no_index(transport)
    transport.request("PUT", f"/{indexes.alias()}")


DAMAGES = [value for name, value in list(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_whatever_went_wrong_the_comparison_puts_it_right(built, damage):
    damage(built)
    Unsent.objects.all().delete()  # nothing but the comparison shall help

    life.reconcile()

    assert in_index(built) == in_table()
    assert indexes.leftovers(built) == []
    assert life.reconcile() == "The search index agrees with the table."


def test_a_document_in_which_words_differ_is_written_again(built):
    document = change(Document.objects.first(), title="Other words")
    Unsent.objects.all().delete()

    assert compare.difference(built, indexes.alias()).to_write == [document.pk]
    assert compare.repair(built, indexes.alias(), is_alias=True).written == 1
    found = built.request("GET", f"/{indexes.alias()}/_doc/{document.kind}:{document.uuid}")
    assert found["_source"]["title"] == {"en": "Other words"}


def test_the_comparison_asks_as_often_for_many_as_for_few(built, settings):
    with breakable(settings.SEARCH_URL) as server:

        def asked():
            server.seen.clear()
            assert not compare.difference(through, indexes.alias())
            return len(server.seen)

        through = OpenSearch(Address.parse(server.url))
        few = asked()
        add(600)
        feed.send_unsent(built)
        assert asked() == few


def test_another_version_of_the_portal_has_its_index_built_anew(built, monkeypatch):
    before = indexes.current(built)
    life.reconcile()
    assert indexes.current(built) == before

    made = indexes.body()
    monkeypatch.setitem(indexes.OWN, "mark", {"type": "keyword"})
    assert indexes.body() != made
    life.reconcile()

    assert indexes.current(built) > before
    assert in_index(built) == in_table()


def test_sums_are_the_same_here_and_in_the_database(built):
    theirs, _strangers = compare._their_sums(built, indexes.alias(), 500)
    documents = list(Document.objects.all())

    assert compare._our_sums(500) == theirs
    assert sum(total for _count, total in theirs.values()) == sum(
        feed.check(d.pk, d.version) for d in documents
    )


# --- Building anew -----------------------------------------------------------------------------------------------


def test_searches_find_one_whole_index_at_every_moment_of_a_rebuild(built, monkeypatch):
    counts, over = set(), threading.Event()
    alias = indexes.alias()

    def look():
        while not over.is_set():
            try:
                answer = built.request("POST", f"/{alias}/_search", {"size": 0, "track_total_hits": True})
                counts.add((answer["hits"]["total"]["value"], answer["_shards"]["failed"]))
            except (Unavailable, Rejected) as error:
                counts.add(str(error))

    monkeypatch.setattr(life, "LONGEST_SEARCH", 0.3)
    reader = threading.Thread(target=look)
    reader.start()
    for _time in range(3):
        life.rebuild(built)
    over.set()
    reader.join()

    assert counts == {(5, 0)}


def test_what_is_written_during_a_rebuild_is_not_lost(built, monkeypatch):
    first, second = Document.objects.order_by("pk")[:2]
    stand_still = feed.stand_still

    def write(title):
        change(first, title=title)
        drop(*Document.objects.exclude(pk=first.pk)[:1])
        add()
        feed.send_unsent(built)  # to the old index

    def while_it_is_filled(documents, _count):
        yield from documents
        write("While it was filled")

    def right_before_the_swap():
        write("Right before the swap")
        stand_still()

    monkeypatch.setattr(feed, "stand_still", right_before_the_swap)
    life.rebuild(built, progress=while_it_is_filled)
    monkeypatch.undo()

    assert in_index(built) == in_table()
    assert second.pk not in Document.objects.values_list("pk", flat=True)


def test_a_rebuild_that_fails_leaves_the_old_index_and_its_leftovers_go(built):
    before = indexes.current(built)

    def cut_off(documents, _count):
        yield next(documents)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        life.rebuild(built, progress=cut_off)

    assert indexes.current(built) == before
    assert indexes.leftovers(built) == []


def test_a_rebuild_that_was_killed_leaves_what_the_next_one_removes(built):
    killed = indexes.create(built)
    assert indexes.leftovers(built) == [killed]
    assert in_index(built) == in_table()

    life.rebuild(built)

    assert indexes.leftovers(built) == []
    assert indexes.current(built) != killed


def test_a_rebuild_and_a_feed_ask_the_database_as_often_for_many_documents_as_for_few(built):
    def used(work):
        with CaptureQueriesContext(connection) as queries:
            work(built)
        return len(queries)

    few = used(life.rebuild)
    add(2)
    few_fed = used(feed.send_unsent)
    add(60)

    assert used(feed.send_unsent) == few_fed
    assert used(life.rebuild) == few


def test_indexes_of_others_are_left_alone(built):
    other = f"{indexes.alias()}-of-somebody-else"
    built.request("PUT", f"/{other}")

    life.rebuild(built)
    life.reconcile()

    assert built.request("GET", f"/{other}")
    assert indexes.leftovers(built) == []


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
    put(engine, feed.writing(document))
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
    life.reconcile()
    change(documents[0], title="Changed")
    drop(documents[1])
    assert feed.send_unsent(transport) == 4
    assert in_index(transport) == in_table()

    late = feed.writing(documents[1])
    assert [outcome.overtaken for outcome in put(transport, late)] == [True]
    damage_lost_write(transport)
    damage_extra(transport)
    Unsent.objects.all().delete()
    assert life.reconcile() == "The search index was repaired: 1 written, 1 removed."
    damage_ahead(transport)
    assert "could not be repaired" in life.reconcile()
    assert in_index(transport) == in_table()


def test_every_version_of_the_engine_leads_the_same_life(
    db, search_server, search_prefix, settings, monkeypatch
):
    settings.SEARCH_URL, settings.SEARCH_PREFIX = search_server, f"{search_prefix}every"
    monkeypatch.setattr(life, "LONGEST_SEARCH", 0)

    lead_a_life(transport := current())

    indexes.remove(transport, [indexes.current(transport)])


def test_elasticsearch_s_client_leads_the_same_life(engine, settings, monkeypatch):
    """Its requests are those of the real one; a server of the other family stands in for what they mean."""
    monkeypatch.setattr(fallback, "SECONDS", 20)  # this machine may be busy
    with breakable(settings.SEARCH_URL) as server:
        server.way = "as elasticsearch"
        settings.SEARCH_URL, settings.SEARCH_FAMILY = server.url, "elasticsearch"

        lead_a_life(current())

        add(title="Overdue fines")
        feed.send_unsent(current())
        answer = queries.find("fines", audience="public")
        assert [hit.title for hit in answer.hits] == [[("Overdue ", False), ("fines", True)]]
        assert answer.notice == ""
        assert all("compatible-with=8" in one.headers["accept"] for one in server.seen)
