from __future__ import annotations

import pytest

from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Plan
from tenants.signals import plan_published
from tests import library as demo_library
from tests.plan_factories import ActionFactory, OutcomeFactory, PlanFactory


@pytest.fixture
def publish(in_city):
    """publish(riverton, ["completed", None], visibility=…, launch=True) gives a city a plan with these actions."""

    def make(jurisdiction, statuses=(), *, visibility=Visibility.PUBLIC, launch=True, word="Fair", **fields):
        with in_city(jurisdiction):
            Plan.objects.all().delete()  # the starter plan
            plan = PlanFactory(visibility=visibility, title=f"{word} plan", **fields)
            outcome = OutcomeFactory(goal__plan=plan, goal__title=f"{word} goal", title=f"{word} outcome")
            for status in statuses:
                ActionFactory(outcome=outcome, status=status, title=f"{word} action", topics=["libraries"])
            plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=plan.pk)
        if launch:
            services.set_site_state(jurisdiction, state=Jurisdiction.SiteState.LAUNCHED, by=None)
            jurisdiction.refresh_from_db()
        return plan

    return make


@pytest.fixture
def api(alliance, client_for):
    """api("actions", user=None, **parameters) sends a GET request to the API on the alliance's host."""

    def get(path="", *, user=None, headers=None, **parameters):
        address = f"/api/v1/{path}" if path else "/api/v1"
        return client_for(alliance, user).get(address, parameters, headers=headers or {})

    return get


@pytest.fixture
def library(db):
    """The topics of the demo, and the first twelve items of its library."""
    demo_library.load_demo_library(first=12)
