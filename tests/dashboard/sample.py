"""A small plan with every kind of content that a public page shows."""

from __future__ import annotations

import datetime as dt

from django_tenants.utils import tenant_context

from tenants.models import Jurisdiction
from tenants.plans.models import Plan
from tests.plan_factories import (
    ActionFactory,
    DepartmentFactory,
    GoalFactory,
    NoteFactory,
    OutcomeFactory,
    PlanFactory,
)


def write_plan(jurisdiction: Jurisdiction, **fields: object) -> Plan:
    """Create two goals with eight current actions and a retired one, t1 to t9, as of April 8, 2027."""
    with tenant_context(jurisdiction):
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
        NoteFactory(action=off, noted_on=dt.date(2026, 10, 1), status="at_risk", text="One attorney left.")
        NoteFactory(action=off, noted_on=dt.date(2027, 3, 5), status="off_track", text="The lead left.")
        NoteFactory(action=fresh, noted_on=dt.date(2027, 4, 1), status="on_track", text="Half are open.")
    return plan
