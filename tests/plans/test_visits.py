"""What has changed since a department lead was last in the workspace."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import Affiliation
from tenants.people.visits import previous_visit
from tenants.plans.models import PlanLogEntry
from tests.plans.factories import ActionFactory, DepartmentFactory, OutcomeFactory
from tests.plans.pages import url
from tests.plans.test_first_screens import main_of

pytestmark = pytest.mark.django_db


def test_a_lead_sees_what_others_changed_in_the_own_actions_since_the_last_visit(
    client_for, make_user, riverton, in_city
):
    rosa = make_user(riverton, "coordinator", first_name="Rosa", last_name="Delgado")
    lena = make_user(riverton, "department_lead", first_name="Lena", last_name="Brandt")
    Affiliation.objects.filter(user=lena).update(department="Library")
    with in_city(riverton):
        library, outcome = DepartmentFactory(name="Library"), OutcomeFactory()
        fees, cards, done, parks = [
            ActionFactory(outcome=outcome, title=title, accountable=department)
            for title, department in [
                ("End fees", library), ("Free cards", library), ("Longer hours", library), ("Plant trees", None),
            ]
        ]  # fmt: skip

    def change(action, why, by):
        with in_city(riverton):
            PlanLogEntry.objects.create(
                verb="edited", object_type="action", object_uuid=action.uuid, by=by, reason=why
            )

    def shown(moment):
        with time_machine.travel(moment, tick=False):
            client = client_for(riverton, lena)
            with CaptureQueriesContext(connection) as queries:
                text = main_of(client.get(url("home")))
        writes = [query for query in queries if "visit_began_at" in query["sql"] and "UPDATE" in query["sql"]]
        _before, heading, rest = text.partition("Since you were last here, on ")
        section = rest.partition("</section>")[0]
        return (
            heading and section.partition("<")[0],
            re.findall(r"\((.*?)\)</span>", section),
            len(writes),
            section,
        )

    with time_machine.travel("2027-04-01T16:00:00Z", tick=False):
        change(fees, "before anything", rosa)
    assert shown("2027-04-05T15:00:00Z")[:3] == ("", [], 1)  # the first visit
    with time_machine.travel("2027-04-05T16:00:00Z", tick=False):
        change(fees, "in the same visit", rosa)
    assert shown("2027-04-05T17:00:00Z")[:3] == ("", [], 0)
    with time_machine.travel("2027-04-06T16:00:00Z", tick=False):
        change(cards, "a later day", rosa)
        change(parks, "not one of the own", rosa)
        change(done, "by herself", lena)
    expected = ("April 5, 2027", ["a later day", "in the same visit"])
    assert shown("2027-04-07T15:00:00Z")[:3] == (*expected, 1)
    assert shown("2027-04-07T15:10:00Z")[:3] == (*expected, 0)  # reloading loses nothing
    day, reasons, _writes, section = shown("2027-04-08T15:00:00Z")
    assert (day, reasons) == ("April 7, 2027", [])
    assert "No one else has changed your actions." in section
    assert f'href="{url("history")}">All changes to the plan<' in section
    with time_machine.travel("2027-04-08T16:00:00Z", tick=False):
        for number in range(9):
            change(fees, f"number {number}", rosa)
    _day, reasons, _writes, section = shown("2027-04-09T15:00:00Z")
    assert reasons == [f"number {number}" for number in range(8, 0, -1)]
    assert "There are more changes." in section


def test_two_pages_opened_at_once_begin_one_visit(make_user, riverton):
    lena = make_user(riverton, "department_lead")
    with time_machine.travel("2027-04-05T15:00:00Z", tick=False):
        assert previous_visit(Affiliation.objects.get(user=lena)) is None
    first, second = Affiliation.objects.get(user=lena), Affiliation.objects.get(user=lena)
    with time_machine.travel("2027-04-06T15:00:00Z", tick=False):
        seen = [previous_visit(first), previous_visit(second), previous_visit(second)]
    assert seen == [dt.datetime(2027, 4, 5, 15, tzinfo=dt.UTC)] * 3
