"""Documents follow what is shown, for each audience, in the transaction that changes it."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.dispatch import Signal
from django.test.utils import CaptureQueriesContext
from wagtail.documents.models import Document as DocumentFile

from cms.models import HomePage, NarrativePage
from resources.models import Attachment, LibraryItem
from resources.services import publish, withdraw
from search import service
from search.indexing import sync
from search.models import Document
from search.presentation import result_row
from tenants import signals
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Action, Plan
from tenants.signals import action_changed, plan_changed, plan_published
from tests.plan_factories import ActionFactory, NoteFactory, OutcomeFactory, PlanFactory
from tests.resources.factories import LibraryItemFactory

pytestmark = pytest.mark.django_db


def titles(audience="public", **kwargs):
    return {hit.title[0][0] for hit in service.search("", audience=audience, size=100, **kwargs).hits}


def launch(jurisdiction, state=Jurisdiction.SiteState.LAUNCHED):
    services.set_site_state(jurisdiction, state=state, by=None)
    jurisdiction.refresh_from_db()


def announce(jurisdiction, plan, signal=plan_published):
    signal.send(Plan, jurisdiction=jurisdiction, plan_id=plan.pk)


@pytest.fixture
def plan(riverton, in_city):
    """A public plan of Riverton with one goal, one outcome and one action; the site is open."""
    launch(riverton)
    with in_city(riverton):
        plan = PlanFactory(title="Fair streets")
        outcome = OutcomeFactory(goal__plan=plan, goal__title="Streets for all", title="Safer crossings")
        ActionFactory(outcome=outcome, title="Paint crosswalks", code="x1", number="1.1")
        announce(riverton, plan)
    return plan


def test_a_published_plan_is_found_with_its_outcomes_and_actions(plan):
    assert titles() == {"Fair streets", "Safer crossings", "Paint crosswalks"}
    (hit,) = service.search("crosswalks", audience="public").hits
    assert (hit.kind, hit.host, hit.path) == ("action", "riverton", "/plan/actions/x1/")
    assert (hit.data["number"], hit.origin, hit.facets["status"]) == ("1.1", "City of Riverton", "on_track")


def test_a_plan_for_the_cohort_is_found_only_by_members(riverton, in_city, plan):
    with in_city(riverton):
        Plan.objects.filter(pk=plan.pk).update(visibility=Visibility.COHORT)
        announce(riverton, plan)

    assert titles("public") == set()
    assert "Fair streets" in titles("members")


@pytest.mark.parametrize("audience", ["public", "members"])
def test_an_internal_plan_is_in_no_document(riverton, in_city, plan, audience):
    with in_city(riverton):
        Plan.objects.filter(pk=plan.pk).update(visibility=Visibility.INTERNAL)
        announce(riverton, plan)

    assert titles(audience) == set()
    assert not Document.objects.exists()


@pytest.mark.parametrize("audience", ["public", "members"])
def test_closing_a_site_removes_its_public_plan_from_search(riverton, plan, audience):
    launch(riverton, Jurisdiction.SiteState.NOT_LAUNCHED)

    assert titles(audience) == set()


def test_an_outdated_registry_row_makes_nothing_public(riverton, in_city, plan):
    stale = Jurisdiction.objects.get(pk=riverton.pk)
    launch(riverton, Jurisdiction.SiteState.NOT_LAUNCHED)

    with in_city(riverton):
        announce(stale, plan)

    assert stale.is_launched
    assert not Document.objects.exists()


def test_a_withdrawal_that_is_rolled_back_changes_no_document(riverton, in_city, plan):
    before = list(Document.objects.order_by("pk").values())

    with in_city(riverton), transaction.atomic():
        Plan.objects.filter(pk=plan.pk).update(visibility=Visibility.INTERNAL)
        announce(riverton, plan)
        assert not Document.objects.exists()
        transaction.set_rollback(True)

    assert list(Document.objects.order_by("pk").values()) == before


def test_a_retired_action_is_removed_and_the_others_stay(riverton, in_city, plan):
    with in_city(riverton):
        action = Action.objects.get(code="x1")
        Action.objects.filter(code="x1").update(retired_at=dt.datetime(2026, 5, 1, tzinfo=dt.UTC))
        action_changed.send(Action, jurisdiction=riverton, action_ids=[action.pk])

    assert titles() == {"Fair streets", "Safer crossings"}


def test_progress_on_an_action_is_found_at_once(riverton, in_city, plan):
    with in_city(riverton):
        action = Action.objects.get(code="x1")
        NoteFactory(action=action, text="The thermoplastic arrived.")
        action_changed.send(Action, jurisdiction=riverton, action_ids=[action.pk])

    assert [hit.kind for hit in service.search("thermoplastic", audience="public").hits] == ["action"]


def test_only_changed_documents_are_written_with_higher_versions(riverton, in_city, plan):
    before = {d.title: d for d in Document.objects.all()}
    with in_city(riverton):
        Action.objects.filter(code="x1").update(title="Paint wide crosswalks")
        announce(riverton, plan, plan_changed)
        announce(riverton, plan, plan_changed)
    after = {d.title: d for d in Document.objects.all()}

    assert after["Safer crossings"].version == before["Safer crossings"].version
    changed = after["Paint wide crosswalks"]
    assert changed.pk == before["Paint crosswalks"].pk
    assert changed.version > max(d.version for d in before.values())
    assert changed.content_hash != before["Paint crosswalks"].content_hash


def test_a_plan_of_many_actions_needs_as_many_queries_as_one_of_few(riverton, in_city, plan):
    def count_queries():
        with CaptureQueriesContext(connection) as queries:
            sync.refresh_plan(riverton)
        return len(queries)

    with in_city(riverton):
        outcome = OutcomeFactory(goal__plan=plan)
        ActionFactory.create_batch(2, outcome=outcome)
        announce(riverton, plan)
        Document.objects.all().delete()
        queries_for_few = count_queries()
        ActionFactory.create_batch(60, outcome=outcome)
        announce(riverton, plan)
        Document.objects.all().delete()
        queries_for_many = count_queries()
        assert Document.objects.filter(kind="action").count() == 63

    assert queries_for_many == queries_for_few


def test_a_library_item_is_added_changed_and_removed(db):
    item = publish(LibraryItemFactory.build(key="no-fines", title="No fines"), by=None)
    assert titles() == {"No fines"}

    item.title = "No more fines"
    publish(item, by=None)
    assert titles() == {"No more fines"}

    withdraw(item, by=None)
    assert titles("members") == set()


def test_an_item_is_found_by_the_titles_of_its_files_without_a_query_for_each_item(db):
    file = DocumentFile.objects.create(title="f", file=ContentFile(b"x", "f.txt"))
    items = [publish(LibraryItemFactory.build(title=f"Item {n}"), by=None) for n in range(4)]
    for item in items:
        item.attachments.add(Attachment(item=item, title="Budget ledger", document=file))
        publish(item, by=None)

    assert service.search("ledger", audience="public").total == 4
    (with_file,) = (
        service.search("", audience="public", filters={"file": ["yes"]}, size=1).facets["file"].items()
    )
    assert with_file == ("yes", 4)
    with CaptureQueriesContext(connection) as queries_for_one:
        sync.refresh_library([items[0].pk])
    with CaptureQueriesContext(connection) as queries_for_four:
        sync.refresh_library([item.pk for item in items])
    assert len(queries_for_four) == len(queries_for_one)


def test_a_deleted_item_is_removed_and_one_for_members_is_found_only_by_them(db):
    deleted = publish(LibraryItemFactory.build(title="Short-lived"), by=None)
    publish(LibraryItemFactory.build(title="Among us", visibility="members"), by=None)
    LibraryItem.objects.get(pk=deleted.pk).delete()

    assert titles("public") == set()
    assert titles("members") == {"Among us"}


def test_a_draft_of_a_live_item_is_not_found_before_it_is_published(db):
    item = publish(LibraryItemFactory.build(title="Known title"), by=None)
    item.title = "Secret draft"
    item.save_revision()

    assert titles("members") == {"Known title"}


@pytest.fixture(params=["connected", "reversed"])
def listener_order(request):
    """The order in which the apps' listeners were connected, then the reverse."""
    if request.param == "connected":
        yield
        return
    all_signals = [value for value in vars(signals).values() if isinstance(value, Signal)]
    for signal in all_signals:
        signal.receivers.reverse()
    yield
    for signal in all_signals:
        signal.receivers.reverse()


def test_documents_are_right_in_any_order_of_listeners(listener_order, riverton, in_city, plan):
    assert titles() == {"Fair streets", "Safer crossings", "Paint crosswalks"}

    with in_city(riverton):
        Action.objects.update(title="Paint wide crosswalks")
        action_changed.send(
            Action, jurisdiction=riverton, action_ids=list(Action.objects.values_list("pk", flat=True))
        )
    assert titles() == {"Fair streets", "Safer crossings", "Paint wide crosswalks"}

    with in_city(riverton):
        Plan.objects.filter(pk=plan.pk).update(title="Fairer streets")
        announce(riverton, plan, plan_changed)
    assert titles() == {"Fairer streets", "Safer crossings", "Paint wide crosswalks"}

    riverton.name = "Riverton on the Sound"
    riverton.save()
    with in_city(riverton):
        signals.jurisdiction_changed.send(Jurisdiction, jurisdiction=riverton)
    assert {hit.origin for hit in service.search("", audience="public").hits} == {"Riverton on the Sound"}

    with in_city(riverton):
        Plan.objects.filter(pk=plan.pk).update(visibility=Visibility.INTERNAL)
        announce(riverton, plan)
    assert not Document.objects.exists()


@pytest.fixture
def narrative(riverton, in_city):
    with in_city(riverton):
        page = NarrativePage.objects.first() or HomePage.objects.get().add_child(
            instance=NarrativePage(title="Our narrative")
        )
        page.headline = "What the river remembers"
        page.lead = "Levees came last to the Flats."
        page.save_revision().publish()
    return page


def test_a_narrative_is_found_once_it_is_live_and_the_site_is_open(riverton, narrative):
    assert titles("members") == set()

    launch(riverton)

    (hit,) = service.search("levees", audience="public").hits
    assert (hit.kind, hit.path, hit.host) == ("narrative", "/narrative/", "riverton")


def test_an_unpublished_narrative_is_removed(riverton, in_city, narrative):
    launch(riverton)
    with in_city(riverton):
        NarrativePage.objects.get(pk=narrative.pk).unpublish()

    assert titles("members") == set()


def test_rebuilding_repairs_missing_outdated_and_extra_documents(riverton, plan):
    publish(LibraryItemFactory.build(title="Unchanged"), by=None)
    withdrawn = publish(LibraryItemFactory.build(title="Left behind"), by=None)
    LibraryItem.objects.filter(pk=withdrawn.pk).update(live=False)
    Document.objects.filter(title="Safer crossings").delete()
    Document.objects.filter(title="Unchanged").update(title="Wrong", content_hash="")

    with pytest.raises(
        CommandError, match="2 documents are missing or out of date, and 1 should not be there"
    ):
        call_command("rebuild_search", "--check", stdout=StringIO())
    assert "Wrong" in titles()
    out = StringIO()
    call_command("rebuild_search", stdout=out)

    assert out.getvalue() == "Updated 2 documents, removed 1.\n"
    assert titles() == {"Fair streets", "Safer crossings", "Paint crosswalks", "Unchanged"}
    call_command("rebuild_search", "--check", stdout=StringIO())


def test_a_plan_of_a_spanish_speaking_city_is_stemmed_in_spanish(riverton, in_city):
    riverton.languages = ["es", "en"]
    riverton.save()
    launch(riverton)
    with in_city(riverton):
        plan = PlanFactory(title="Plan de equidad para las bibliotecas")
        announce(riverton, plan)

    assert [hit.language for hit in service.search("biblioteca", audience="public").hits] == ["es"]


def test_an_action_without_a_status_says_from_its_citys_midnight_on_that_its_date_passed(
    alliance, riverton, in_city, client_for, plan
):
    """Nothing is written at midnight. Riverton has Chicago's time."""
    with in_city(riverton):
        services.change_jurisdiction(riverton, by=None, timezone="America/Chicago")
        outcome = OutcomeFactory(goal__plan=plan)
        due = {"due_date": dt.date(2027, 6, 30), "status": None, "outcome": outcome}
        ActionFactory(title="Silent signals", code="s1", **due)
        reported = ActionFactory(title="Signals reported on", code="s2", **due)
        NoteFactory(action=reported, status="", text="We have begun.", noted_on=None, label="Q3")
        ActionFactory(title="Signals underway", code="s3", **due | {"status": "on_track"})
        ActionFactory(title="Signals later", code="s4", **due | {"due_date": dt.date(2027, 7, 1)})
        announce(riverton, plan)

    def notes(moment):
        with time_machine.travel(moment, tick=False):
            hits = service.search("signals", audience="public").hits
            page = client_for(alliance).get("/search/?q=signals").text
        rows = {row["hit"].path: row["note"] for row in map(result_row, hits)}
        for note in filter(None, rows.values()):
            assert f'<span class="small">{note}</span>' in page
        return [rows[f"/plan/actions/s{number}/"] for number in (1, 2, 3, 4)]

    assert notes("2027-07-01T04:59:59Z") == ["", "", "", ""]
    assert notes("2027-07-01T05:00:00Z") == [
        "Due date passed, no report",
        "Due date passed, no status",
        "Report: on track",
        "",
    ]
    with in_city(riverton):
        Plan.objects.filter(pk=plan.pk).update(lifecycle="draft")
        announce(riverton, plan, plan_changed)
    assert notes("2027-07-01T05:00:00Z") == ["", "", "", ""]
