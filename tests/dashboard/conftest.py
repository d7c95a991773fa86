from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from tenants import services
from tenants.models import Jurisdiction, Visibility
from tests.plan_factories import (
    ActionFactory,
    DepartmentFactory,
    GoalFactory,
    NoteFactory,
    OutcomeFactory,
    PlanFactory,
)

TODAY = dt.date(2027, 4, 8)


@pytest.fixture(autouse=True)
def _on_a_day_in_april():
    with time_machine.travel(dt.datetime(2027, 4, 8, 17, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def launched(riverton):
    """Riverton with its site open."""
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    return Jurisdiction.objects.get(pk=riverton.pk)


@pytest.fixture
def make_plan(in_city):
    """make_plan(place, visibility="public") writes a small plan: two goals, nine actions; returns it."""

    def make(place, **fields):
        with in_city(place):
            plan = PlanFactory(title="Racial equity plan", **fields)
            library, housing = DepartmentFactory(name="Library"), DepartmentFactory(name="Housing Services")
            books = OutcomeFactory(
                goal=GoalFactory(plan=plan, label="Goal 1", title="Fair fines", position=0),
                label="A",
                title="Nobody loses a card over a debt",
                stage="operationalize",
                position=0,
            )
            homes = OutcomeFactory(
                goal=GoalFactory(plan=plan, label="Goal 2", title="Housing stability", position=1),
                label="B",
                title="Fewer families have to move",
                stage="organize",
                position=0,
            )
            common = {"accountable": library, "outcome": books}
            ActionFactory(
                number="1.1", title="End overdue fines", status="completed", code="t1", position=0, **common
            )
            fresh = ActionFactory(
                number="1.2",
                title="Unblock every card",
                status="on_track",
                code="t2",
                position=1,
                last_update_on=dt.date(2027, 4, 1),
                due_date=dt.date(2027, 6, 30),
                **common,
            )
            ActionFactory(number="1.3", title="Café hours", status=None, code="t3", position=2, **common)
            ActionFactory(
                number="1.4",
                title="An old idea",
                status="cancelled",
                code="t4",
                position=3,
                reason="The state did it.",
                **common,
            )
            common = {"accountable": housing, "outcome": homes}
            off = ActionFactory(
                number="2.1",
                title="Eviction help at the courthouse",
                status="off_track",
                code="t5",
                position=0,
                reason="Both attorneys left.",
                next_step="Interviews are on April 14.",
                status_since=dt.date(2027, 3, 5),
                last_update_on=dt.date(2027, 3, 5),
                stage="normalize",
                due_date=dt.date(2027, 6, 30),
                owner_vacant_since=dt.date(2027, 3, 1),
                **common,
            )
            ActionFactory(
                number="2.2",
                title="Rent fund",
                status="at_risk",
                code="t6",
                position=1,
                reason="Slow.",
                due_date=dt.date(2026, 12, 31),
                due_precision="day",
                last_update_on=dt.date(2026, 6, 1),
                **common,
            )
            ActionFactory(
                number="2.3",
                title="Repair loans",
                status="on_hold",
                code="t7",
                position=2,
                reason="No money.",
                due_date=None,
                due_precision="",
                is_continuous=True,
                **common,
            )
            ActionFactory(
                number="2.4",
                title="Tract data",
                status="not_started",
                code="t8",
                position=3,
                accountable=None,
                outcome=homes,
            )
            ActionFactory(number="2.5", title="Taken out", code="t9", retired=True, **common)
            NoteFactory(
                action=off, noted_on=dt.date(2026, 10, 1), status="at_risk", text="One attorney left."
            )
            NoteFactory(action=off, noted_on=dt.date(2027, 3, 5), status="off_track", text="The lead left.")
            NoteFactory(action=fresh, noted_on=dt.date(2027, 4, 1), status="on_track", text="Half are open.")
        return plan

    return make


@pytest.fixture
def public_plan(launched, make_plan):
    return make_plan(launched, visibility=Visibility.PUBLIC)


@pytest.fixture
def resident(launched, visit):
    return visit(launched)
