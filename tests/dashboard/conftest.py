from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tests.dashboard.sample import write_plan

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
def make_plan(db):
    """make_plan(place, visibility="public") writes a small plan: two goals, nine actions; returns it."""
    return write_plan


@pytest.fixture
def public_plan(launched, make_plan):
    return make_plan(launched, visibility=Visibility.PUBLIC)


@pytest.fixture
def resident(launched, client_for):
    return client_for(launched)
