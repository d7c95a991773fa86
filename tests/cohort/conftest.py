from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Plan
from tenants.signals import plan_published
from tests.plan_factories import ActionFactory, OutcomeFactory, PlanFactory


@pytest.fixture
def in_april():
    with time_machine.travel(dt.datetime(2027, 4, 8, 17, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def publish(in_city):
    """publish(jurisdiction, ["completed", None], visibility=…, launch=True) publishes a plan of such actions."""

    def publish(jurisdiction, statuses=(), *, visibility=Visibility.PUBLIC, launch=True, **fields):
        with in_city(jurisdiction):
            plan = PlanFactory(visibility=visibility, **fields)
            outcome = OutcomeFactory(goal__plan=plan)
            for status in statuses:
                ActionFactory(outcome=outcome, status=status)
            plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=plan.pk)
        if launch:
            services.set_site_state(jurisdiction, state=Jurisdiction.SiteState.LAUNCHED, by=None)
            jurisdiction.refresh_from_db()
        return plan

    return publish
